"""Whether nothing was lost: the source read once more, and compared with what is stored and what is found."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from itertools import islice
from typing import Any
from uuid import UUID

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories.importers.mapping import as_row, digest_of
from memories.importers.people import People
from memories.importers.rows import Malformed, Piece, PieceKind, RowState, SourceRow
from memories.importers.sources import Sources
from memories.importers.storing import MEM0, is_uuid
from memories.models import ImportedRow, Memory
from memories.search import search
from patients.models import Patient

BATCH = 1000
#: Where a memory must be found among the answers.
TOP = 3
#: Characters of a memory that it is searched by, and rows that a verification lists.
QUESTION = 500
LISTED = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about a user of the source, and the source's id of the row that is to be found."""

    user_id: str
    query: str
    source_id: str


@dataclass(slots=True)
class Verification:
    """Counts and places, nobody's words. `searched` and `given`: how many questions were asked, and answered well."""

    rows: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    searched: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)

    @property
    def is_whole(self) -> bool:
        return not self.rows["missing"] and not self.rows["different"]

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": dict(self.rows),
            "missing": self.missing,
            "different": self.different,
            "search": _rate(self.searched),
            "queries": _rate(self.given),
        }


def verify(
    sources: Sources, *, people: People, by: Actor, sample: int = 100, questions: Sequence[Question] = ()
) -> Verification:
    """Compare each row of the source with what was stored of it, and search for a sample, and for given questions.

    A row without a patient, and one that cannot be read, is counted as such. Each search is on record.
    """
    found = Verification()
    sampled: list[tuple[UUID, UUID, str]] = []
    asked: dict[tuple[str, str], tuple[UUID, UUID]] = {}
    wanted = {(one.user_id, one.source_id) for one in questions}
    seen = 0
    for batch in _in_batches(_rows(sources, found)):
        for patient_id, row, memory_id in _compared(batch, people, by, found):
            if (row.user_id, row.source_id) in wanted:
                asked[row.user_id, row.source_id] = (patient_id, memory_id)
            seen += 1
            # Every row has the same chance to be in the sample, however many there are.
            keep = len(sampled) if len(sampled) < sample else random.randrange(seen)  # noqa: S311 because it is a sample
            if keep < sample:
                sampled[keep : keep + 1] = [(patient_id, memory_id, row.text)]
    for patient_id, memory_id, text in sampled:
        found.searched.update(asked=1, found=_is_found(patient_id, memory_id, text[:QUESTION], by))
    for one in questions:
        sought = asked.get((one.user_id, one.source_id))
        found.given.update(asked=1, found=sought is not None and _is_found(*sought, one.query, by))
    return found


def _rows(sources: Sources, found: Verification) -> Iterator[tuple[Piece, SourceRow]]:
    for piece in sources.pieces():
        if piece.kind == PieceKind.BROKEN:
            found.rows.update(read=1, unreadable=1)
        elif piece.kind == PieceKind.MEMORY:
            found.rows["read"] += 1
            try:
                row = as_row(piece)
            except Malformed:
                found.rows["unreadable"] += 1
                continue
            if row.state == RowState.DELETED:
                found.rows["deleted at the source"] += 1
            else:
                yield piece, row


def _compared(
    batch: Sequence[tuple[Piece, SourceRow]], people: People, by: Actor, found: Verification
) -> list[tuple[UUID, SourceRow, UUID]]:
    """What a batch has here: of each row that is remembered and counts now, its patient, itself and its memory."""
    ids = {row.source_id for _, row in batch}
    with acting_as(by):
        patients = _known_patients(people, {row.user_id for _, row in batch})
        held = ImportedRow.objects.filter(source=MEM0, source_id__in=ids).select_related("turn", "memory")
        stored = {(row.patient_id, row.source_id, row.digest): row for row in held}
        ours = set(Memory.objects.filter(pk__in=[key for key in ids if is_uuid(key)]).values_list("pk", flat=True))
    live = []
    for piece, row in batch:
        patient_id = patients.get(row.user_id)
        here = stored.get((patient_id, row.source_id, digest_of(row.text))) if patient_id else None
        if patient_id is None:
            found.rows["without a patient"] += 1
        elif is_uuid(row.source_id) and UUID(row.source_id) in ours:
            found.rows["of this system itself"] += 1
        elif here is None:
            _list(found, "missing", piece.place)
        elif here.turn.text != row.text or not _hash_fits(row):
            _list(found, "different", piece.place)
        else:
            found.rows["the same"] += 1
            if here.memory and here.memory.is_live:
                live.append((patient_id, row, here.memory.pk))
    return live


def _known_patients(people: People, users: set[str]) -> dict[str, UUID]:
    named = {user: people.patient_id(user) for user in users if user}
    known = dict(Patient.objects.filter(external_id__in=named.values()).values_list("external_id", "pk"))
    return {user: known[name] for user, name in named.items() if name in known}


def _hash_fits(row: SourceRow) -> bool:
    """Whether the source's own hash, where it has one, is that of its words."""
    told = row.original.get("hash")
    return told is None or told == md5(row.text.encode(), usedforsecurity=False).hexdigest()


def _list(found: Verification, what: str, place: str) -> None:
    found.rows[what] += 1
    places: list[str] = getattr(found, what)
    if len(places) < LISTED:
        places.append(place)


def _is_found(patient_id: UUID, memory_id: UUID, query: str, by: Actor) -> bool:
    with acting_as(by.becoming_system("import", patient_id=patient_id)):
        patient = Patient.objects.get(pk=patient_id)
        hits = [hit.memory.pk for hit in search(patient=patient, query=query, limit=TOP).hits]
        record(Event.SEARCH, patient_id=patient_id, objects=hits, resource=Memory, query=query)
    return memory_id in hits


def _in_batches(rows: Iterator[tuple[Piece, SourceRow]]) -> Iterator[list[tuple[Piece, SourceRow]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _rate(counted: Mapping[str, int]) -> dict[str, Any]:
    asked, found = counted.get("asked", 0), counted.get("found", 0)
    return {"asked": asked, "in_top_3": found, "rate": round(found / asked, 3) if asked else None}
