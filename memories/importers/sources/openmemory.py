"""The zip that OpenMemory exports: one user, the memories, and how their states changed."""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from memories.importers.rows import Piece, PieceKind
from memories.importers.sources.base import FileSource, SourceRefused

MEMORIES = "memories.json"
#: A zip that says it unpacks to more than this is not unpacked.
LARGEST = 2 * 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenMemoryFile(FileSource):
    kind: ClassVar[str] = "openmemory"

    def pieces(self) -> Iterator[Piece]:
        exported = self._exported()
        user = exported.get("user")
        user_id = user.get("user_id") if isinstance(user, dict) else None
        names = {one.get("id"): one.get("name") for one in _objects(exported, "categories")}
        apps = {one.get("id"): one.get("name") for one in _objects(exported, "apps")}
        for number, row in enumerate(exported.get("memories") or (), start=1):
            place = f"{self.name}, memory {number}"
            if not isinstance(row, dict):
                yield Piece(place, PieceKind.BROKEN, reason="it is no object with an id and words")
                continue
            categories = [names[key] for key in row.get("category_ids") or () if names.get(key)]
            told = {"user_id": user_id, "app_id": apps.get(row.get("app_id")), "categories": categories}
            yield Piece(place, PieceKind.MEMORY, {**row, **told})
        for number, change in enumerate(_objects(exported, "status_history"), start=1):
            yield Piece(f"{self.name}, change {number}", PieceKind.EVENT, self._event(change, user_id))

    def _exported(self) -> dict[str, Any]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                entry = next((one for one in archive.infolist() if one.filename.endswith(MEMORIES)), None)
                if entry is None:
                    raise SourceRefused(f"{self.name} holds no {MEMORIES}: it is no export of OpenMemory.")
                if entry.file_size > LARGEST:
                    raise SourceRefused(f"{self.name} unpacks to more than {LARGEST >> 30} GB: unpack it yourself.")
                exported = json.loads(archive.read(entry))
        except (zipfile.BadZipFile, ValueError) as error:
            if isinstance(error, SourceRefused):
                raise
            raise SourceRefused(f"{self.name} is damaged: export it again.") from None
        if not isinstance(exported, dict):
            raise SourceRefused(f"{MEMORIES} in {self.name} is no export of OpenMemory.")
        return exported

    def _event(self, change: dict[str, Any], user_id: Any) -> dict[str, Any]:
        state = str(change.get("new_state") or "")
        return {**change, "event": f"STATE {state}", "user_id": user_id, "created_at": change.get("changed_at")}


def _objects(exported: dict[str, Any], key: str) -> Iterator[dict[str, Any]]:
    return (one for one in exported.get(key) or () if isinstance(one, dict))
