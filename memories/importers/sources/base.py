"""What every reader of a source has in common."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from memories.importers.rows import Piece


class SourceRefused(ValueError):
    """This cannot be imported; the message says what it is, or what to do."""


class Source(Protocol):
    """Something to import from. `name` tells it to people and holds no password; `kind` is what it was taken for."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    def pieces(self) -> Iterator[Piece]:
        """Everything in it, once more at each call. Changes nothing there."""
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file of one kind."""

    path: Path
    name: str

    def place(self, line: int, number: int | None = None) -> str:
        row = f"row {number}, " if number else ""
        return f"{self.name}, {row}line {line}"
