"""mem0's history.db: what was added, changed and deleted, and the last messages of each session."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from memories.importers.rows import Piece, PieceKind
from memories.importers.sources.base import FileSource, SourceRefused

SQLITE = b"SQLite format 3\x00"
TABLES = ("history", "messages")


@dataclass(frozen=True, slots=True)
class HistoryFile(FileSource):
    kind: ClassVar[str] = "history.db"

    def pieces(self) -> Iterator[Piece]:
        with _copied(self.path) as copy, closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            try:
                for table in TABLES:
                    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [table]).fetchone():
                        yield from self._rows(connection, table)
            except sqlite3.DatabaseError:
                raise SourceRefused(f"{self.name} is damaged: SQLite cannot read it.") from None

    def _rows(self, connection: sqlite3.Connection, table: str) -> Iterator[Piece]:
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608 because the names are ours
        for number, row in enumerate(rows, start=1):
            yield Piece(f"{self.name}, {table} row {number}", PieceKind.EVENT, dict(row))


@contextmanager
def _copied(path: Path) -> Iterator[Path]:
    """A copy to open: SQLite writes beside a database that it reads, and nothing at the source is to change."""
    with tempfile.TemporaryDirectory(prefix="homecare-") as folder:
        for suffix in ("", "-wal"):
            beside = path.with_name(path.name + suffix)
            if beside.exists():
                shutil.copyfile(beside, Path(folder) / f"history.db{suffix}")
        yield Path(folder) / "history.db"
