"""One import from first to last: survey, store, bring in, embed, report. Each step may be killed and begun anew.

>>> importing = Importing(recognise("exports/"), people=People(create=True), by=actor)
>>> importing.survey()                       # raises UsersUnknown before anything is stored
>>> for step in importing.steps():           # step.name, step.total, step.done()
...     for number in step.work: ...
>>> importing.finish().as_json()
"""

import json
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from getpass import getuser
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from audit.actors import Actor, acting_as
from memories.importers import fhir, mapping
from memories.importers.bringing_in import bring_in, waiting_patients
from memories.importers.mapping import as_event, deletion_of
from memories.importers.people import People
from memories.importers.report import BROKEN, Report
from memories.importers.rows import Malformed, Piece, PieceKind, RowState, SourceEvent, SourceRow
from memories.importers.sources import Sources
from memories.importers.storing import MEM0, Storage, Stored
from memories.indexing import embed_pending
from memories.models import Import, ImportedRow, ImportState

#: How a row of each system is read.
ROW_OF: dict[str, Callable[[Piece], SourceRow]] = {MEM0: mapping.as_row, fhir.FHIR: fhir.as_row}
#: Rows stored in one transaction.
BATCH = 1000


class ImportStopped(RuntimeError):
    """The import cannot go on; the message says why, and quotes nothing. What is stored stays stored."""


class UsersUnknown(ImportStopped):
    """The source names users who are no patients here."""

    def __init__(self, users: Sequence[str]) -> None:
        super().__init__(
            f"{len(users)} users are no patients here: {', '.join(users[:50])}{', ...' if len(users) > 50 else ''}. "
            "Name their patients with --map-users, or have them made with --create-patients."
        )
        self.users = list(users)


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the work: its name, how much it is, and numbers of what is done as it goes on."""

    name: str
    total: int
    work: Iterator[int]


def run_by(actor: Actor) -> Actor:
    """The actor of a command, with the login name of who runs it as the reason."""
    return replace(actor, reason=f"run by {getuser()}")


Mapped = tuple[Piece, SourceRow | SourceEvent]


class Importing:
    """One run of an import. `strict`: a row that cannot be read stops it. `inline`: bring in and embed here and now."""

    def __init__(
        self,
        sources: Sources,
        *,
        people: People,
        by: Actor,
        strict: bool = False,
        inline: bool = True,
        dry_run: bool = False,
        system: str = MEM0,
        record: Import | None = None,
        quarantine: Path | None = None,
    ) -> None:
        self.sources = sources
        self.people = people
        self.by = by
        self.strict = strict
        self.inline = inline
        self.dry_run = dry_run
        self.system = system
        self.record = record or Import(source=sources.name[:200], dry_run=dry_run)
        self.report = Report(sources.name, sources.kinds, list(sources.passed_over), dry_run)
        self._quarantine = _Quarantine(quarantine or _quarantine_path(self.record.pk))
        self._total = 0

    # --- survey -------------------------------------------------------------------------------------------------------

    def survey(self) -> None:
        """Read the source once, to count and to see whom it speaks of. Raises `UsersUnknown`, `ImportStopped`."""
        started = time.perf_counter()
        users: Counter[str] = Counter()
        for piece in self.sources.pieces():
            self._total += piece.kind not in (PieceKind.RELATION, PieceKind.OTHER)
            mapped = self._mapped(piece, counting=False)
            if mapped and mapped.user_id:
                users[mapped.user_id] += 1
        with acting_as(self.by):
            unknown = self.people.unknown(users)
        self.report.unknown_users = {user: users[user] for user in unknown}
        self.report.seconds["survey"] = time.perf_counter() - started
        if unknown and not self.dry_run:
            raise UsersUnknown(unknown)

    def _mapped(self, piece: Piece, *, counting: bool = True) -> SourceRow | SourceEvent | None:
        """What a piece is, or None for what is dropped or cannot be read; those are counted, unless it is a survey."""
        try:
            if piece.kind == PieceKind.MEMORY:
                row = ROW_OF[self.system](piece)
                return deletion_of(row) if row.state == RowState.DELETED else row
            if piece.kind == PieceKind.EVENT:
                return as_event(piece)
            if piece.kind == PieceKind.BROKEN:
                raise Malformed(piece.reason)
        except Malformed as problem:
            if self.strict:
                raise ImportStopped(f"{piece.place}: {problem}. Nothing after it was stored.") from None
            if counting:
                self._count_broken(piece, str(problem))
            return None
        if counting:
            self.report.relations_dropped += piece.kind == PieceKind.RELATION
            self.report.other += piece.kind == PieceKind.OTHER
        return None

    def _count_broken(self, piece: Piece, reason: str) -> None:
        tally = self.report.history if piece.kind == PieceKind.EVENT else self.report.rows
        tally.read += 1
        tally.count("skipped", BROKEN)
        self.report.note_broken(piece.place, reason)
        self._set_aside(piece, reason)

    # --- steps --------------------------------------------------------------------------------------------------------

    def steps(self) -> Iterator[Step]:
        """What is to be done after the survey, in order."""
        if self.dry_run:
            yield Step("Rehearsing", self._total, self._timed("rehearse", self._rehearse()))
            return
        self._begin()
        yield Step("Storing", self._total, self._timed("store", self._store()))
        if self.inline:
            patients = waiting_patients(by=self.by)
            with acting_as(self.by):
                waiting = ImportedRow.objects.waiting().count()
            yield Step("Reading", waiting, self._timed("read", self._bring_in(patients)))
            embedding = embed_pending(by=self.by)
            yield Step("Embedding", next(embedding), self._timed("embed", self._embed(embedding)))

    def run(self) -> Report:
        """All of it, without showing how it goes on. Raises what its parts do."""
        self.survey()
        for step in self.steps():
            for _ in step.work:
                pass
        return self.finish()

    def finish(self) -> Report:
        """The report, with every sum checked; kept with the import. Raises `Unaccounted`."""
        if not self.dry_run:
            with acting_as(self.by):
                self.report.take_outcomes(_outcomes(self.record))
        self._quarantine.close()
        self.report.quarantine = self._quarantine.name
        self.report.check()
        if not self.record._state.adding:
            with acting_as(self.by):
                self.record.note(state=ImportState.DONE, report=self.report.as_json(), finished_at=timezone.now())
        return self.report

    def _begin(self) -> None:
        with acting_as(self.by):
            self.record.state = ImportState.RUNNING
            self.record.save()

    def _timed(self, name: str, work: Iterator[int]) -> Iterator[int]:
        started = time.perf_counter()
        for done in work:
            yield done
            self.report.seconds[name] = time.perf_counter() - started

    def _store(self) -> Iterator[int]:
        storage = Storage(self.record, self.people, source=self.system, inline=self.inline)
        for rows, events in _in_batches(self._all_mapped()):
            with acting_as(self.by):
                stored, kept = storage.store([row for _, row in rows]), storage.store_events([e for _, e in events])
            self._count(rows, stored, events, kept)
            yield len(rows) + len(events)

    def _all_mapped(self) -> Iterator[Mapped]:
        for piece in self.sources.pieces():
            if (mapped := self._mapped(piece)) is not None:
                yield piece, mapped

    def _bring_in(self, patients: Sequence[UUID]) -> Iterator[int]:
        for patient_id in patients:
            yield from bring_in(patient_id, by=self.by)

    def _embed(self, embedding: Iterator[int]) -> Iterator[int]:
        for done in embedding:
            self.report.embedded += done
            yield done

    # --- accounts -----------------------------------------------------------------------------------------------------

    def _count(self, rows: Sequence[Any], stored: Stored, events: Sequence[Any], kept: Stored) -> None:
        """What became of a batch. The rows that were stored are counted in the end, by what became of them then."""
        for tally, batch, became in ((self.report.rows, rows, stored), (self.report.history, events, kept)):
            tally.read += len(batch)
            for reason, number in became.skipped.items():
                tally.count("skipped", reason, number)
            for number, reason in became.without_patient:
                tally.count("quarantined", reason)
                self._set_aside(batch[number][0], reason)
        self.report.history.count("kept", number=kept.rows)
        self.report.patients_created += stored.created + kept.created

    def _set_aside(self, piece: Piece, reason: str) -> None:
        if not self.dry_run:
            self._quarantine.add(piece, reason)

    # --- rehearsal ----------------------------------------------------------------------------------------------------

    def _rehearse(self) -> Iterator[int]:
        """Do all of it but the embedding, patient by patient, and take each back. What it says is what would become."""
        with tempfile.TemporaryFile("w+", encoding="utf-8") as spool:
            places: dict[str, list[int]] = defaultdict(list)
            owners: dict[str, str] = {}
            for piece, mapped in self._all_mapped():
                whose = self.people.patient_id(mapped.user_id) or owners.get(mapped.source_id, "")
                owners[mapped.source_id] = whose
                places[whose].append(spool.tell())
                spool.write(json.dumps([piece.place, piece.kind, piece.value]) + "\n")
            for of_one in places.values():
                self._rehearse_one([self._again(spool, place) for place in of_one])
                yield len(of_one)

    def _again(self, spool: TextIO, place: int) -> Mapped:
        spool.seek(place)
        name, kind, value = json.loads(spool.readline())
        piece = Piece(name, PieceKind(kind), value)
        mapped = self._mapped(piece)
        if mapped is None:
            raise AssertionError("It was read before.")
        return piece, mapped

    def _rehearse_one(self, batch: Sequence[Mapped]) -> None:
        rows = [(piece, row) for piece, row in batch if isinstance(row, SourceRow)]
        events = [(piece, event) for piece, event in batch if isinstance(event, SourceEvent)]
        with acting_as(self.by):
            record = Import.objects.create(source=self.record.source, dry_run=True)
            storage = Storage(record, self.people, source=self.system)
            stored, kept = storage.store([row for _, row in rows]), storage.store_events([e for _, e in events])
            self._count(rows, stored, events, kept)
            for patient_id in set(ImportedRow.objects.filter(brought_by=record).values_list("patient_id", flat=True)):
                list(bring_in(patient_id, by=self.by))
            self.report.take_outcomes(_outcomes(record))
            transaction.set_rollback(True)


def _in_batches(mapped: Iterator[Mapped]) -> Iterator[tuple[list[Any], list[Any]]]:
    """Batches of rows and of events, in the order in which they were read."""
    while batch := list(islice(mapped, BATCH)):
        rows = [pair for pair in batch if isinstance(pair[1], SourceRow)]
        yield rows, [pair for pair in batch if isinstance(pair[1], SourceEvent)]


def _outcomes(brought_by: Import) -> dict[tuple[str, str], int]:
    """What became of the rows of an import, in numbers."""
    counted = ImportedRow.objects.filter(brought_by=brought_by).order_by().values_list("outcome", "reason")
    return {(outcome, reason): number for outcome, reason, number in counted.annotate(number=Count("pk"))}


# --- quarantine -------------------------------------------------------------------------------------------------------


def _quarantine_path(key: UUID) -> Path:
    return settings.VAR_DIR / "imports" / f"quarantine-{key}.jsonl"


class _Quarantine:
    """What could not be stored, whole and with the reason, in a file of its owner alone. Made when needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = ""
        self._file: TextIO | None = None

    def add(self, piece: Piece, reason: str) -> None:
        if self._file is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path.unlink(missing_ok=True)
            self.path.touch(mode=0o600)
            self._file = self.path.open("w", encoding="utf-8", errors="surrogateescape")
            self.name = str(self.path)
        row = {"place": piece.place, "reason": reason, "row": piece.value}
        self._file.write(json.dumps(row, default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
