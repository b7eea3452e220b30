"""What `get_all`, the REST routes and the history of mem0 answer, saved as JSON or JSON Lines."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TextIO, cast

from memories.importers.mapping import kind_of
from memories.importers.rows import Piece, PieceKind
from memories.importers.sources.base import FileSource
from memories.importers.sources.json_stream import BrokenJSON, Element, elements, json_lines

#: The keys that lists of memories stand under; those of relations, which are dropped and counted.
LISTS = frozenset({"results", "memories"})
RELATIONS = frozenset({"relations", "entities"})
GZIP = b"\x1f\x8b"


def open_text(path: Path) -> TextIO:
    """The text of a file, unpacked if it is packed. What is no UTF-8 is kept as it is, for its row to be refused."""
    with path.open("rb") as file:
        unpack = gzip.open if file.read(2) == GZIP else open
    return cast(TextIO, unpack(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline=""))


@dataclass(frozen=True, slots=True)
class JsonFile(FileSource):
    """A list, `{results, relations}`, pages, one row, or any of these by user or by memory."""

    kind: ClassVar[str] = "json"

    def pieces(self) -> Iterator[Piece]:
        with open_text(self.path) as file:
            yield from self._pieces(elements(file, lists=LISTS | RELATIONS))

    def _pieces(self, found: Iterator[Element]) -> Iterator[Piece]:
        number = 0
        try:
            for element in found:
                for piece in self._unfold(element):
                    number += piece.kind in (PieceKind.MEMORY, PieceKind.EVENT, PieceKind.BROKEN)
                    yield Piece(self.place(element.line, number), piece.kind, piece.value, piece.reason)
        except BrokenJSON as error:
            yield Piece(self.place(error.line), PieceKind.BROKEN, reason="from here on it is no JSON: is it cut off?")

    def _unfold(self, element: Element) -> Iterator[Piece]:
        if element.broken:
            yield Piece("", PieceKind.BROKEN, reason=element.broken)
        elif element.path and element.path[0] in RELATIONS:
            yield Piece("", PieceKind.RELATION)
        else:
            yield from unfold(element.value, is_row=True)


@dataclass(frozen=True, slots=True)
class JsonLinesFile(JsonFile):
    """One JSON object a line."""

    kind: ClassVar[str] = "jsonl"

    def pieces(self) -> Iterator[Piece]:
        with open_text(self.path) as file:
            yield from self._pieces(json_lines(file))


def unfold(value: Any, *, is_row: bool = False) -> Iterator[Piece]:
    """The pieces in a value: a row, a page of rows, or rows by user. `is_row`: it stands where a row is expected."""
    if isinstance(value, list):
        for item in value:
            yield from unfold(item, is_row=True)
    elif not isinstance(value, dict):
        reason = "it is no object with an id and words" if is_row else ""
        yield Piece("", PieceKind.BROKEN if is_row else PieceKind.OTHER, reason=reason)
    elif (kind := kind_of(value)) != PieceKind.OTHER:
        yield Piece("", kind, value)
        for _ in (*(value.get("relations") or ()), *(value.get("entities") or ())):
            yield Piece("", PieceKind.RELATION)
    else:
        yield from _unfold_container(value)


def _unfold_container(value: dict[str, Any]) -> Iterator[Piece]:
    held = [
        (key, kept)
        for key, kept in value.items()
        if (key in LISTS | RELATIONS and isinstance(kept, list)) or _is_page(kept) or _is_history(kept)
    ]
    if not held:
        yield Piece("", PieceKind.OTHER, value)
    for key, kept in held:
        if key in RELATIONS:
            yield from (Piece("", PieceKind.RELATION) for _ in kept)
        else:
            yield from unfold(kept)


def _is_page(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("results"), list)


def _is_history(value: Any) -> bool:
    """Entries of history under the id of their memory."""
    is_list = isinstance(value, list) and bool(value)
    return is_list and all(isinstance(item, dict) and kind_of(item) == PieceKind.EVENT for item in value)
