"""A live account over mem0's own REST: its users, then their memories page by page. Only reads."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from memories.importers.rows import Piece, PieceKind
from memories.importers.sources.base import SourceRefused
from memories.importers.sources.json_files import unfold

PAGE = 100
TIMEOUT = 60.0
ATTEMPTS = 5
LONGEST_PAUSE = 30.0
BUSY = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class HostedAccount:
    """`url` is the host, `key` its API key. Histories are read for what was changed since it was added."""

    url: str
    key: str
    kind: ClassVar[str] = "hosted"

    @property
    def name(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"

    def pieces(self) -> Iterator[Piece]:
        seen: set[str] = set()
        for entity in self._entities():
            field, name = f"{entity.get('type', 'user')}_id", entity.get("name")
            for number, row in enumerate(self._memories({field: name}), start=1):
                if str(row.get("id")) in seen:
                    continue
                seen.add(str(row.get("id")))
                place = f"memory {number} of {field} {entity.get('id') or 'without an id'}"
                yield from (Piece(place, piece.kind, piece.value, piece.reason) for piece in unfold(row, is_row=True))
                yield from self._history(row, place)

    def _entities(self) -> Iterator[dict[str, Any]]:
        yield from self._paged("GET", "/v1/entities/", None)

    def _memories(self, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield from self._paged("POST", "/v3/memories/", {"filters": filters, "show_expired": True})

    def _history(self, row: dict[str, Any], place: str) -> Iterator[Piece]:
        if row.get("updated_at") in (None, row.get("created_at")):
            return
        entries = self._ask("GET", f"/v1/memories/{quote(str(row.get('id')), safe='')}/history/", None)
        for number, entry in enumerate(entries if isinstance(entries, list) else (), start=1):
            yield Piece(f"history {number} of {place}", PieceKind.EVENT, entry)

    def _paged(self, method: str, path: str, body: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
        """Every result, page after page, as long as the answer names a next one."""
        page = 1
        while True:
            answer = self._ask(method, f"{path}?page={page}&page_size={PAGE}", body)
            results = answer if isinstance(answer, list) else answer.get("results") or []
            yield from results
            if isinstance(answer, list) or not answer.get("next") or not results:
                return
            page += 1

    def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        """One answer; asked again, a while later, of a server that is busy. Raises `SourceRefused`."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._answer(method, path, body)
            except HTTPError as error:
                if error.code not in BUSY or attempt == ATTEMPTS:
                    raise SourceRefused(_told(error.code)) from None
                time.sleep(_pause(error, attempt))
            except (URLError, HTTPException, TimeoutError, ConnectionError) as error:
                if attempt == ATTEMPTS:
                    raise SourceRefused(f"{self.name} does not answer ({type(error).__name__}).") from None
                time.sleep(_pause(None, attempt))
            except ValueError:
                raise SourceRefused(f"{self.name} does not answer in JSON: is it mem0's address?") from None
        raise AssertionError("The last attempt returns or raises.")

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        headers = {"Authorization": f"Token {self.key}", "Accept": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        if sent is not None:
            headers["Content-Type"] = "application/json"
        request = Request(self.url.rstrip("/") + path, sent, headers, method=method)  # noqa: S310 because `recognise` lets http and https pass alone
        with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 because of the same
            return json.load(response)


def _told(status: int) -> str:
    if status in (401, 403):
        return "mem0 refuses the key: set MEM0_API_KEY to one that may read."
    return f"mem0 answers {status}: check its address, and try again later."


def _pause(error: HTTPError | None, attempt: int) -> float:
    asked = error.headers.get("Retry-After", "") if error else ""
    return min(float(asked) if asked.isdigit() else 0.5 * 2**attempt, LONGEST_PAUSE)
