"""Making rows safe: the words of each are a turn, and what its source said of them stands beside. No reading yet.

An import is a conversation with each patient, one for each agent, session and app of its source. A batch is one
transaction; what is stored already is left alone.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from uuid import UUID

from django.db import connection
from django.utils import timezone

from audit.models import Event
from audit.recording import record_each
from memories.importers.mapping import digest_of
from memories.importers.people import NO_USER, People
from memories.importers.report import KNOWN, OURS, TWICE
from memories.importers.rows import Origin, SourceEvent, SourceRow
from memories.models import Conversation, ExtractionRun, Import, ImportedEvent, ImportedRow, Memory, RunState, Turn
from memories.signals import rows_imported
from patients.models import Patient

MEM0 = "mem0"
TITLES = {MEM0: "Import from mem0", "fhir": "Import of a FHIR bundle"}
NO_SUCH_MEMORY = "the patient of its memory is not known"
#: Turns of an import do not answer each other: between two of them there is a place without words.
STRIDE = 2


_Where: TypeAlias = tuple[UUID, Origin]


@dataclass(slots=True)
class _Place:
    """A conversation with one patient, and the next free position in it."""

    conversation: Conversation
    run: ExtractionRun
    position: int = 0


@dataclass(slots=True)
class Stored:
    """What became of a batch: how many were stored; the others with their reason, by their number in it."""

    rows: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    without_patient: list[tuple[int, str]] = field(default_factory=list)
    created: int = 0


class Storage:
    """Stores the batches of one import. Each call runs inside a caller's `acting_as`, all of it or nothing."""

    def __init__(self, brought_by: Import, people: People, *, source: str = MEM0, inline: bool = True) -> None:
        self.brought_by = brought_by
        self.people = people
        self.source = source
        self.inline = inline
        self._places: dict[_Where, _Place] = {}

    def store(self, rows: Sequence[SourceRow]) -> Stored:
        """Store the rows of a batch that are not stored yet."""
        _one_import_at_a_time()
        stored = Stored()
        patients = self._patients({row.user_id for row in rows}, stored)
        known = self._known(rows)
        ours = _own_memories(rows)
        new: dict[tuple[UUID, str, str], tuple[Patient, SourceRow]] = {}
        for number, row in enumerate(rows):
            patient = patients[row.user_id]
            if isinstance(patient, str):
                stored.without_patient.append((number, patient))
                continue
            key = (patient.pk, row.source_id, digest_of(row.text))
            if reason := self._skipped(key, known, new, ours):
                stored.skipped[reason] += 1
            else:
                new[key] = (patient, row)
        self._write(new)
        stored.rows = len(new)
        return stored

    def store_events(self, events: Sequence[SourceEvent]) -> Stored:
        """Store entries of history with the patient whose memory they are about."""
        _one_import_at_a_time()
        stored = Stored()
        patients = self._patients({event.user_id for event in events}, stored)
        owners = self._owners({event.source_id for event in events if not event.user_id and event.source_id})
        ids = {event.event_id for event in events}
        ours = _own_memories(events)
        known = set(
            ImportedEvent.objects.filter(source=self.source, event_id__in=ids).values_list("patient_id", "event_id")
        )
        new = []
        for number, event in enumerate(events):
            patient = patients[event.user_id] if event.user_id else owners.get(event.source_id, NO_SUCH_MEMORY)
            if isinstance(patient, str):
                stored.without_patient.append((number, NO_USER if not event.source_id else patient))
                continue
            key = (patient if isinstance(patient, UUID) else patient.pk, event.event_id)
            if key in known or (key[0], event.source_id) in ours:
                stored.skipped[KNOWN if key in known else OURS] += 1
                continue
            known.add(key)
            new.append(self._event(key[0], event))
        ImportedEvent.objects.bulk_create(new)
        stored.rows = len(new)
        return stored

    def _patients(self, users: Iterable[str], stored: Stored) -> Mapping[str, Patient | str]:
        before = Patient.objects.count() if self.people.create else 0
        found = self.people.find(users)
        stored.created = (Patient.objects.count() - before) if self.people.create else 0
        return found

    def _known(self, rows: Sequence[SourceRow]) -> dict[tuple[UUID, str, str], UUID]:
        ids = {row.source_id for row in rows}
        stored = ImportedRow.objects.filter(source=self.source, source_id__in=ids)
        return {key[:3]: key[3] for key in stored.values_list("patient_id", "source_id", "digest", "brought_by_id")}

    def _skipped(
        self, key: tuple[UUID, str, str], known: Mapping[Any, UUID], new: Mapping[Any, Any], ours: set[tuple[UUID, str]]
    ) -> str:
        """Why this row is not stored once more, or ""."""
        if key in new or known.get(key) == self.brought_by.pk:
            return TWICE
        if key in known:
            return KNOWN
        return OURS if key[:2] in ours else ""

    def _write(self, new: Mapping[tuple[UUID, str, str], tuple[Patient, SourceRow]]) -> None:
        if not new:
            return
        places = self._places_for({(patient.pk, row.origin): patient for patient, row in new.values()})
        turns, rows = [], []
        for (patient_id, source_id, digest), (_, row) in new.items():
            place = places[patient_id, row.origin]
            turn = Turn(
                patient_id=patient_id,
                conversation=place.conversation,
                position=place.position,
                speaker=row.speaker[:100],
                role=row.role,
                text=row.text,
            )
            place.position += STRIDE
            turns.append(turn)
            rows.append(
                ImportedRow(
                    patient_id=patient_id,
                    brought_by=self.brought_by,
                    run=place.run,
                    turn=turn,
                    source=self.source,
                    source_id=source_id,
                    digest=digest,
                    said_at=row.said_at or timezone.now(),
                    ends_at=row.ends_at,
                    original=row.original,
                )
            )
        Turn.objects.bulk_create(turns)
        ImportedRow.objects.bulk_create(rows)
        self._places |= places
        conversations: dict[UUID, list[UUID]] = defaultdict(list)
        for (patient_id, _), place in places.items():
            conversations[patient_id].append(place.conversation.pk)
        record_each(Event.CREATE, conversations, resource=Conversation)
        rows_imported.send(ImportedRow, inline=self.inline)

    def _places_for(self, patients: Mapping[_Where, Patient]) -> dict[_Where, _Place]:
        """Each place to store at: copies, so that a batch that fails leaves none of its own behind."""
        places, fresh, again = {}, [], []
        for where, patient in patients.items():
            if place := self._places.get(where):
                places[where] = replace(place)
                again.append(place.run.pk)
            else:
                places[where] = self._place(patient, where[1])
                fresh.append(places[where])
        Conversation.objects.bulk_create(place.conversation for place in fresh)
        ExtractionRun.objects.bulk_create(place.run for place in fresh)
        ExtractionRun.objects.filter(pk__in=again).update(state=RunState.PENDING, finished_at=None)
        return places

    def _place(self, patient: Patient, origin: Origin) -> _Place:
        conversation = Conversation(
            patient=patient,
            title=TITLES[self.source],
            source=self.source,
            source_id=f"{self.brought_by.pk} {digest_of(repr(origin))}",
            **origin._asdict(),
        )
        return _Place(conversation, ExtractionRun(patient=patient, conversation=conversation))

    def _owners(self, source_ids: set[str]) -> dict[str, UUID]:
        """The patients of memories that were brought in, by their ids at the source."""
        owners: dict[str, UUID] = {}
        for model in (ImportedEvent, ImportedRow):
            found = model.objects.filter(source=self.source, source_id__in=source_ids)
            owners |= dict(found.values_list("source_id", "patient_id"))
        return owners

    def _event(self, patient_id: UUID, event: SourceEvent) -> ImportedEvent:
        return ImportedEvent(
            patient_id=patient_id,
            brought_by=self.brought_by,
            source=self.source,
            source_id=event.source_id,
            event_id=event.event_id,
            event=event.event,
            old_text=event.old_text,
            new_text=event.new_text,
            happened_at=event.happened_at,
            actor=event.actor,
            original=event.original,
        )


def _one_import_at_a_time() -> None:
    """Two imports of one source at once would both find a row new; held until the batch is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('memories:import', 0))")


def _own_memories(rows: Sequence[SourceRow] | Sequence[SourceEvent]) -> set[tuple[UUID, str]]:
    """Rows that are memories of this system: what it exported comes back to it as what it has."""
    ids = [row.source_id for row in rows if is_uuid(row.source_id)]
    found = Memory.objects.filter(pk__in=ids).values_list("patient_id", "pk")
    return {(patient_id, str(pk)) for patient_id, pk in found}


def is_uuid(text: str) -> bool:
    """Whether it may be the key of a memory of ours, as we write it."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
