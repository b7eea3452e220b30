"""mem0's table in Postgres: as CSV, in a dump, or live. Of each row its id and payload; vectors are made anew."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import psycopg
from psycopg import sql

from memories.importers.mapping import kind_of
from memories.importers.rows import Piece, PieceKind
from memories.importers.sources.base import FileSource, SourceRefused
from memories.importers.sources.json_files import open_text

#: A vector of some thousand dimensions, as text, is longer than what a CSV field may have otherwise.
LONGEST_FIELD = 64 * 1024 * 1024
COLUMNS = ["id", "vector", "payload"]
COPY = re.compile(r'^COPY (?:"?(?P<schema>\w+)"?\.)?"?(?P<table>[^\s"]+)"? \((?P<columns>[^)]*)\) FROM stdin;')
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPED = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
#: Rows fetched from a live table at once.
FETCH = 1000


def piece_of(place: str, source_id: Any, payload: Any) -> Piece:
    """A table's row. Rows of the table of entities tell relations."""
    try:
        value = json.loads(payload) if isinstance(payload, str) else payload
    except ValueError:
        return Piece(place, PieceKind.BROKEN, reason="its payload is no JSON")
    if not isinstance(value, dict):
        return Piece(place, PieceKind.BROKEN, reason="its payload is no object")
    row = {**value, "id": value.get("id") if source_id is None else str(source_id)}
    return Piece(place, PieceKind.RELATION if kind_of(row) == PieceKind.RELATION else PieceKind.MEMORY, row)


@dataclass(frozen=True, slots=True)
class CsvFile(FileSource):
    """`COPY ... TO ... CSV`, with a header or without; or rows of any CSV with an id and words."""

    kind: ClassVar[str] = "csv"

    def pieces(self) -> Iterator[Piece]:
        csv.field_size_limit(LONGEST_FIELD)
        with open_text(self.path) as file:
            rows = csv.reader(file)
            header: list[str] | None = None
            for cells in rows:
                if header is None:
                    header = [cell.strip().lower() for cell in cells]
                    if "id" in header:
                        continue
                    header = COLUMNS
                if cells:
                    yield self._piece(self.place(rows.line_num), header, cells)

    def _piece(self, place: str, header: list[str], cells: list[str]) -> Piece:
        if len(cells) != len(header):
            return Piece(place, PieceKind.BROKEN, reason=f"it has {len(cells)} columns instead of {len(header)}")
        row = dict(zip(header, cells, strict=True))
        if "payload" in row:
            return piece_of(place, row["id"], row["payload"])
        return self._flat(place, {key: cell for key, cell in row.items() if cell != ""})

    def _flat(self, place: str, row: dict[str, Any]) -> Piece:
        """A row with a column for each thing, as our own export writes it."""
        try:
            row |= {key: json.loads(row[key]) for key in ("metadata", "categories") if key in row}
        except ValueError:
            return Piece(place, PieceKind.BROKEN, reason="its metadata is no JSON")
        return Piece(place, PieceKind.MEMORY, row)


@dataclass(frozen=True, slots=True)
class DumpFile(FileSource):
    """What `pg_dump` writes: the rows stand in its COPY blocks."""

    kind: ClassVar[str] = "sql"

    def pieces(self) -> Iterator[Piece]:
        columns: list[str] | None = None
        with open_text(self.path) as file:
            for number, line in enumerate(file, start=1):
                line = line.rstrip("\r\n")
                if columns is None:
                    columns = _columns(line)
                elif line == "\\.":
                    columns = None
                elif {"id", "payload"} <= set(columns):
                    yield self._piece(self.place(number), columns, line.split("\t"))

    def _piece(self, place: str, columns: list[str], cells: list[str]) -> Piece:
        if len(cells) != len(columns):
            return Piece(place, PieceKind.BROKEN, reason=f"it has {len(cells)} columns instead of {len(columns)}")
        row = dict(zip(columns, cells, strict=True))
        return piece_of(place, unescaped(row["id"]), unescaped(row["payload"]))


def _columns(line: str) -> list[str] | None:
    match = COPY.match(line)
    return [column.strip(' "') for column in match["columns"].split(",")] if match else None


def unescaped(cell: str) -> str | None:
    r"""A cell of a COPY block as the text it stands for; `\N` is no value."""
    return None if cell == "\\N" else ESCAPED.sub(lambda found: _character(found[1]), cell)


def _character(escape: str) -> str:
    if escape[0] == "x" and len(escape) > 1:
        return chr(int(escape[1:], 16))
    return chr(int(escape, 8)) if escape[0] in "01234567" else ESCAPES.get(escape, escape)


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table in a running Postgres, read in a transaction that can change nothing."""

    url: str
    table: str
    kind: ClassVar[str] = "postgres"

    @property
    def name(self) -> str:
        parts = psycopg.conninfo.conninfo_to_dict(self.url)
        return f"postgresql://{parts.get('host', '')}/{parts.get('dbname', '')}?table={self.table}"

    def pieces(self) -> Iterator[Piece]:
        try:
            with psycopg.connect(self.url, connect_timeout=10) as connection:
                connection.read_only = True
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                yield from self._rows(connection)
        except psycopg.errors.UndefinedTable:
            raise SourceRefused(self._where_it_may_be()) from None
        except psycopg.errors.UndefinedColumn:
            raise SourceRefused(f"The table {self.table} has no columns id and payload: name mem0's table.") from None
        except psycopg.OperationalError as error:
            raise SourceRefused(f"The database cannot be asked ({type(error).__name__}): check its address.") from None

    def _rows(self, connection: psycopg.Connection[Any]) -> Iterator[Piece]:
        query = sql.SQL("SELECT id::text, payload::text FROM {}").format(sql.Identifier(*self.table.split(".")))
        with connection.cursor(name="homecare_import") as cursor:
            cursor.itersize = FETCH
            cursor.execute(query)
            for number, (source_id, payload) in enumerate(cursor, start=1):
                yield piece_of(f"{self.table}, row {number}", source_id, payload)

    def _where_it_may_be(self) -> str:
        query = (
            "SELECT DISTINCT table_name FROM information_schema.columns c WHERE column_name = 'payload' AND EXISTS "
            "(SELECT FROM information_schema.columns v WHERE v.table_name = c.table_name AND v.column_name = 'vector')"
        )
        with psycopg.connect(self.url, connect_timeout=10) as connection:
            connection.read_only = True
            found = sorted(name for (name,) in connection.execute(query))
        hint = f": ?table= one of {', '.join(found)}" if found else ""
        return f"There is no table {self.table}{hint}."
