"""What a source is, by what is in it."""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import psycopg

from memories.importers.rows import Piece, PieceKind
from memories.importers.sources.base import Source, SourceRefused
from memories.importers.sources.history_db import SQLITE, HistoryFile
from memories.importers.sources.hosted import HostedAccount
from memories.importers.sources.json_files import GZIP, JsonFile, JsonLinesFile, open_text
from memories.importers.sources.openmemory import OpenMemoryFile
from memories.importers.sources.tables import CsvFile, DumpFile, LiveTable

#: What a file may be said to be, where it is not recognised.
FILE_KINDS: dict[str, Callable[[Path, str], Source]] = {
    "json": JsonFile,
    "jsonl": JsonLinesFile,
    "csv": CsvFile,
    "sql": DumpFile,
    "history.db": HistoryFile,
    "openmemory": OpenMemoryFile,
}
TABLE = "memories"
#: How much of a file is looked at, in characters and in pieces.
HEAD = 8192
FEW = 20


@dataclass(frozen=True, slots=True)
class Sources:
    """What is imported together. Histories come last: the memories that they are about tell the patient."""

    name: str
    parts: Sequence[Source]
    #: Files of a folder that hold no memories, each with what it is instead.
    passed_over: Sequence[str] = field(default=())

    @property
    def kinds(self) -> dict[str, str]:
        return {part.name: part.kind for part in self.parts}

    def pieces(self) -> Iterator[Piece]:
        for part in self.parts:
            yield from part.pieces()


def recognise(source: str, *, kind: str = "", api_key: str = "") -> Sources:
    """A file, a folder, `postgresql://...?table=memories`, or the address of an account. `kind` overrides the guess.

    Raises `SourceRefused`.
    """
    scheme = urlsplit(source).scheme
    if scheme in ("postgres", "postgresql"):
        table = _live_table(source)
        return Sources(table.name, [table])
    if scheme in ("http", "https"):
        if not api_key:
            raise SourceRefused("Set MEM0_API_KEY to the key of the account to read.")
        account = HostedAccount(source, api_key)
        return Sources(account.name, [account])
    path = Path(source)
    if path.is_dir():
        return _folder(path, kind)
    if not path.is_file():
        raise SourceRefused(f"There is no file or folder {source}: check its name.")
    return Sources(path.name, [recognise_file(path, path.name, kind=kind)])


def recognise_file(path: Path, name: str, *, kind: str = "") -> Source:
    """The reader for a file. Raises `SourceRefused` for what holds neither memories nor their history."""
    taken_for = kind or _guessed(path)
    if taken_for not in FILE_KINDS:
        raise SourceRefused(f"{name} is nothing that is known: name its kind, one of {', '.join(FILE_KINDS)}.")
    source = FILE_KINDS[taken_for](path, name)
    first = list(islice(source.pieces(), FEW))
    if kind and not first and path.stat().st_size:
        raise SourceRefused(f"{name} holds nothing that can be read as {kind}: leave the kind out.")
    if first and all(piece.kind == PieceKind.OTHER for piece in first):
        told = f"{name} was taken for {taken_for} and holds no memories: {_described(first[0])}."
        raise SourceRefused(told + ("" if kind else " Name its kind if it is another."))
    return source


def _folder(folder: Path, kind: str) -> Sources:
    parts: list[Source] = []
    passed_over: list[str] = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file() and not one.name.startswith(".")):
        name = str(path.relative_to(folder))
        try:
            parts.append(recognise_file(path, name, kind=kind))
        except SourceRefused as refusal:
            passed_over.append(str(refusal))
    if not parts:
        raise SourceRefused(f"{folder.name} holds no file with memories.")
    parts.sort(key=lambda part: part.kind == HistoryFile.kind or "history" in part.name)
    return Sources(folder.name, parts, passed_over)


def _live_table(source: str) -> LiveTable:
    """The table's name is ours to read; all else in the address is Postgres's own."""
    parts = urlsplit(source)
    asked = dict(parse_qsl(parts.query))
    table = asked.pop("table", TABLE)
    table_of = LiveTable(f"{parts.scheme}://{parts.netloc}{parts.path}?{urlencode(asked)}", table)
    try:
        assert table_of.name
    except psycopg.ProgrammingError:  # whose message would show the password
        raise SourceRefused(
            "This is no address of a database: write postgresql://user:password@host/name?table=memories."
        ) from None
    return table_of


def _guessed(path: Path) -> str:
    """A kind by the first bytes, and only then by the name."""
    with path.open("rb") as file:
        start = file.read(len(SQLITE))
    if start == SQLITE:
        return HistoryFile.kind
    if zipfile.is_zipfile(path):
        return OpenMemoryFile.kind
    with open_text(path) as text:
        head = text.read(HEAD)
    if b"\x00" in start and start[: len(GZIP)] != GZIP:
        return ""
    return _guessed_text(head, path.suffixes)


def _guessed_text(head: str, suffixes: Sequence[str]) -> str:
    begins = head.lstrip()
    if begins[:1] in ("{", "["):
        return JsonLinesFile.kind if _is_object(begins.partition("\n")[0]) and "\n{" in begins else JsonFile.kind
    if "PostgreSQL database dump" in head or "\nCOPY " in head or begins.startswith("COPY "):
        return DumpFile.kind
    first = begins.partition("\n")[0].lower()
    if "," in first and (".csv" in suffixes or "id" in first.split(",")):
        return CsvFile.kind
    return {".sql": DumpFile.kind, ".json": JsonFile.kind, ".jsonl": JsonLinesFile.kind}.get(
        next(iter(suffixes), ""), ""
    )


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _described(piece: Piece) -> str:
    keys = sorted(piece.value)[:6]
    return f"an object with {', '.join(keys)}" if keys else "values without an id and words"
