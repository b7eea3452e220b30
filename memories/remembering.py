"""Writing memories and the words they rest on. One transaction at a time changes those of a patient."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from memories.choices import Category
from memories.extraction.candidates import Candidate
from memories.indexing import unindex
from memories.known_allergies import revoke_unless_confirmed
from memories.models import AllergyDetail, ExtractionRun, MedicationDetail, Memory, Mention, ReviewTask, Turn
from memories.models.memory import Stance
from patients.models import Patient


def lock_patient(patient_id: object) -> None:
    """Let one transaction at a time change the memories of a patient. Held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"memories:{patient_id}"])


def remember(candidate: Candidate, *, patient: Patient, key: str, said_at: datetime, **decided: object) -> Memory:
    """Save a memory of what a candidate states, with its details. `decided` are fields that a person decided."""
    memory = compose(candidate, patient=patient, key=key, said_at=said_at, **decided)
    write_new([memory])
    return memory


def compose(candidate: Candidate, *, patient: Patient, key: str, said_at: datetime, **decided: object) -> Memory:
    """A memory of what a candidate states, with its details, not saved yet."""
    memory = Memory(
        patient=patient,
        category=candidate.category,
        priority=candidate.priority,
        kind=candidate.kind,
        about=candidate.about[:200],
        content=candidate.content,
        fact_key=key,
        clinical_status=candidate.clinical_status,
        confidence=candidate.confidence,
        emotional_weight=candidate.emotional_weight,
        last_said_at=said_at,
        valid_from=instant(candidate.starts_at),
        valid_to=instant(candidate.ends_at),
        expires_at=candidate.expires_at,
        scope=candidate.scope,
        scope_id=candidate.scope_id,
        metadata=candidate.metadata,
        **decided,
    )
    if candidate.allergy:
        memory.allergy = AllergyDetail(memory=memory, patient=patient, **asdict(candidate.allergy))
    if candidate.medication:
        memory.medication = MedicationDetail(memory=memory, patient=patient, **asdict(candidate.medication))
    return memory


def write_new(memories: Sequence[Memory], mentions: Sequence[Mention] = (), tasks: Sequence[ReviewTask] = ()) -> None:
    """Save new memories with their details, words and questions: a statement for each kind of row, and one for its
    entries in the log of changes.
    """
    Memory.objects.create_all(memories)
    # `is_cached`: a memory without a detail would ask the database for it.
    AllergyDetail.objects.create_all([m.allergy for m in memories if Memory.allergy.is_cached(m)])
    MedicationDetail.objects.create_all([m.medication for m in memories if Memory.medication.is_cached(m)])
    Mention.objects.bulk_create(mentions)
    ReviewTask.objects.create_all(tasks)


def retire(memory: Memory) -> None:
    """Take a memory that is no longer live out of search, and close what is still asked about it, on either side."""
    unindex([memory])
    for task in ReviewTask.objects.open().filter(Q(memory=memory) | Q(related=memory)):
        task.make_obsolete()
    if memory.category == Category.ALLERGY:
        revoke_unless_confirmed(memory.patient)


def add_mention(
    memory: Memory, turn: Turn, start: int, end: int, *, run: ExtractionRun, stance: Stance = Stance.STATES
) -> bool:
    """Add `turn.text[start:end]` to the words that a memory rests on. False if it has them already, perhaps cut a
    little differently.
    """
    has_them = Mention.objects.filter(memory=memory, turn=turn, stance=stance, start__lt=end, end__gt=start)
    if has_them.exists():
        return False
    quote_turn(memory, turn, start, end, run=run, stance=stance).save()
    return True


def quote_turn(
    memory: Memory, turn: Turn, start: int, end: int, *, run: ExtractionRun, stance: Stance = Stance.STATES
) -> Mention:
    """`turn.text[start:end]` as words of this memory, not saved yet."""
    return Mention(
        patient_id=memory.patient_id,
        memory=memory,
        turn=turn,
        run=run,
        start=start,
        end=end,
        quote=turn.text[start:end],
        speaker=turn.speaker,
        stance=stance,
    )


def instant(value: datetime | date | None) -> datetime | None:
    """A day as the instant it begins at."""
    if value is None or isinstance(value, datetime):
        return value
    return timezone.make_aware(datetime.combine(value, time.min))
