"""What a new statement means for what is remembered already: add, reinforce, supersede, conflict or none. No LLM.

Nothing is deleted and no words are lost: every statement about a remembered fact adds a mention to it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time

import numpy as np
from django.db import connection
from django.utils import timezone
from pgvector import HalfVector
from pgvector.django import CosineDistance

from memories.alerts import raise_alerts
from memories.choices import CRITICAL_CATEGORIES, AllergyAssertion, Category, MedicationStatus, VerificationStatus
from memories.extraction.candidates import Candidate
from memories.facts import drug_key, fact_key, folded, substance_key
from memories.indexing import index_memories, unindex
from memories.models import (
    AllergyDetail,
    ExtractionRun,
    MedicationDetail,
    Memory,
    MemoryIndex,
    Mention,
    ReviewSeverity,
    ReviewTask,
    TaskKind,
    TaskState,
    Turn,
)
from memories.models.memory import Stance
from patients.models import KnownAllergies, Patient

#: Two sentences of one category this close in meaning (cosine) say the same. Never asked of critical categories.
SAME_MEANING = 0.93


def lock_patient(patient_id: object) -> None:
    """Let one transaction at a time change the memories of a patient. Held until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"memories:{patient_id}"])


@dataclass(frozen=True, slots=True)
class Statement:
    """A candidate, its key, and where it was said. `vector` is None when it could not be embedded."""

    candidate: Candidate
    key: str
    turn: Turn
    said_at: datetime
    vector: np.ndarray | None


@dataclass(slots=True)
class Consolidation:
    """What became of a run's candidates. `vectors` are those of `added`, in its order."""

    added: list[Memory] = field(default_factory=list)
    reinforced: list[Memory] = field(default_factory=list)
    vectors: list[np.ndarray | None] = field(default_factory=list)


def consolidate(
    run: ExtractionRun,
    candidates: Sequence[Candidate],
    *,
    turns: Sequence[Turn],
    vectors: Sequence[np.ndarray | None],
) -> Consolidation:
    """Bring a run's candidates into the patient's memory. The caller holds `lock_patient`.

    `vectors[i]` embeds `candidates[i]`. Two simultaneous adds of one fact meet at the lock, and at the constraint
    `memories_memory_one_live_fact`.
    """
    said_at = run.conversation.said_at
    statements = [
        Statement(candidate, fact_key(candidate, said_at=said_at), turns[candidate.quote.turn], said_at, vector)
        for candidate, vector in zip(candidates, vectors, strict=True)
    ]
    ledger = _Ledger(run, statements)
    for statement in statements:
        ledger.enter(statement)
    index_memories(ledger.result.added, ledger.result.vectors)
    raise_alerts(run.patient, [*ledger.result.added, *ledger.result.reinforced])
    return ledger.result


def remember(candidate: Candidate, *, patient: Patient, key: str, said_at: datetime, **decided: object) -> Memory:
    """Save a memory of what a candidate states, with its details. `decided` are fields that a person decided."""
    memory = Memory.objects.create(
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
        valid_from=_instant(candidate.starts_at),
        valid_to=_instant(candidate.ends_at),
        metadata=candidate.metadata,
        **decided,
    )
    if candidate.allergy:
        memory.allergy = AllergyDetail.objects.create(memory=memory, patient=patient, **asdict(candidate.allergy))
    if candidate.medication:
        memory.medication = MedicationDetail.objects.create(
            memory=memory, patient=patient, **asdict(candidate.medication)
        )
    return memory


class _Ledger:
    """The memories of one patient while one run's statements are entered."""

    def __init__(self, run: ExtractionRun, statements: Sequence[Statement]) -> None:
        self.run = run
        self.patient = run.patient
        self.result = Consolidation()
        self.by_key = self._remembered([statement.key for statement in statements])
        self.critical = self._live_critical(statements)

    def _remembered(self, keys: list[str]) -> dict[str, Memory]:
        """The memory of each key: the live one, or else the latest that was refuted."""
        found = Memory.objects.for_patient(self.patient).filter(fact_key__in=keys).with_details()
        remembered: dict[str, Memory] = {}
        for memory in found.order_by("recorded_at"):
            known = remembered.get(memory.fact_key)
            refuted_alone = memory.verification_status == VerificationStatus.REFUTED and not (known and known.is_live)
            if memory.is_live or refuted_alone:
                remembered[memory.fact_key] = memory
        return remembered

    def _live_critical(self, statements: Sequence[Statement]) -> list[Memory]:
        if not any(statement.candidate.category in CRITICAL_CATEGORIES for statement in statements):
            return []
        return list(Memory.objects.for_patient(self.patient).live().critical().with_details())

    def enter(self, statement: Statement) -> None:
        """Decide what this statement means, and write it."""
        if statement.candidate.denied:
            self._contradict(statement)
        elif (memory := self.by_key.get(statement.key)) is None:
            self._enter_new(statement)
        elif memory.is_live:
            self._reinforce(memory, statement)
        else:
            self._say_again(memory, statement)

    def _enter_new(self, statement: Statement) -> None:
        if (memory := self._same_but_less_precise(statement)) or (memory := self._same_meaning(statement)):
            self._reinforce(memory, statement)
            return
        related = self._related_critical(statement.candidate)
        memory = self._add(statement)
        if statement.candidate.category in CRITICAL_CATEGORIES:
            self._ask_about_new(memory, related)

    # --- add ------------------------------------------------------------------------------------------------------

    def _add(self, statement: Statement) -> Memory:
        candidate = statement.candidate
        memory = remember(candidate, patient=self.patient, key=statement.key, said_at=statement.said_at)
        self._mention(memory, statement, is_first=True)
        self.by_key[statement.key] = memory
        self.result.added.append(memory)
        self.result.vectors.append(statement.vector)
        if memory.is_critical:
            self.critical.append(memory)
        return memory

    def _mention(
        self, memory: Memory, statement: Statement, stance: Stance = Stance.STATES, *, is_first: bool = False
    ) -> bool:
        """Add the words to the memory. False if it has them already, perhaps cut a little differently."""
        quote = statement.candidate.quote
        has_them = Mention.objects.filter(
            memory=memory, turn=statement.turn, stance=stance, start__lt=quote.end, end__gt=quote.start
        )
        if not is_first and has_them.exists():
            return False
        Mention.objects.create(
            patient=self.patient,
            memory=memory,
            turn=statement.turn,
            run=self.run,
            start=quote.start,
            end=quote.end,
            quote=quote.text,
            speaker=statement.turn.speaker,
            stance=stance,
        )
        return True

    # --- reinforce ------------------------------------------------------------------------------------------------

    def _reinforce(self, memory: Memory, statement: Statement) -> None:
        if not self._mention(memory, statement):
            return
        memory.times_said += 1
        memory.last_said_at = max(memory.last_said_at, statement.said_at)
        memory.emotional_weight = max(memory.emotional_weight, statement.candidate.emotional_weight)
        memory.save(update_fields=["times_said", "last_said_at", "emotional_weight", "updated_at"])
        self._learn_reaction(memory, statement.candidate)
        if memory not in self.result.reinforced and memory not in self.result.added:
            self.result.reinforced.append(memory)

    def _learn_reaction(self, memory: Memory, candidate: Candidate) -> None:
        """An unconfirmed allergy takes a reaction that was not said before; one that was said is never replaced."""
        facts = candidate.allergy
        if facts is None or not facts.reaction or memory.verification_status != VerificationStatus.UNCONFIRMED:
            return
        if not memory.allergy.reaction:
            memory.allergy.reaction, memory.allergy.severity = facts.reaction, facts.severity
            memory.allergy.save()

    def _same_but_less_precise(self, statement: Statement) -> Memory | None:
        """A live medication that this one restates without its dose: "she takes lisinopril"."""
        facts = statement.candidate.medication
        if facts is None or facts.dose:
            return None
        for memory in self.critical:
            detail = getattr(memory, "medication", None)
            if detail and _drug_of(memory) == drug_key(facts) and detail.status == facts.status:
                return memory
        return None

    def _same_meaning(self, statement: Statement) -> Memory | None:
        """A live memory of the same category, said in other words. Critical categories are never matched by meaning."""
        candidate = statement.candidate
        if statement.vector is None or candidate.category in CRITICAL_CATEGORIES or candidate.starts_at:
            return None
        nearest = (
            MemoryIndex.objects.filter(patient=self.patient, category=candidate.category, embedding__isnull=False)
            .annotate(distance=CosineDistance("embedding", HalfVector(statement.vector)))
            .filter(distance__lte=1 - SAME_MEANING)
            .order_by("distance")
            .select_related("memory")
            .first()
        )
        if (
            nearest
            and nearest.memory.kind == candidate.kind
            and _numbers(nearest.memory.content) == _numbers(candidate.content)
        ):
            return nearest.memory
        return None

    # --- contradict, say again ------------------------------------------------------------------------------------

    def _contradict(self, statement: Statement) -> None:
        """A denial states nothing of its own; what it denies stays, with the denial's words and a question."""
        for memory in self._denied_by(statement.candidate):
            if self._mention(memory, statement, Stance.DENIES):
                self._ask(TaskKind.CONFLICT, memory, "This was denied in a later conversation.", ReviewSeverity.HIGH)

    def _denied_by(self, candidate: Candidate) -> list[Memory]:
        if candidate.allergy:
            key = substance_key(candidate.allergy)
            return [m for m in self.critical if m.category == Category.ALLERGY and _substance_of(m) == key]
        if candidate.medication:
            key = drug_key(candidate.medication)
            return [m for m in self.critical if _drug_of(m) == key and m.medication.status != MedicationStatus.STOPPED]
        about = folded(candidate.about)
        live = Memory.objects.for_patient(self.patient).live().filter(category=candidate.category)
        return [memory for memory in live if folded(memory.about) == about]

    def _say_again(self, memory: Memory, statement: Statement) -> None:
        """Refuted before, and said again: never resurrected, never swallowed."""
        if self._mention(memory, statement):
            decision = f"Refuted on {memory.verified_at:%d %b %Y} and said again since."
            self._ask(TaskKind.SAID_AGAIN, memory, decision, ReviewSeverity.HIGH)
            self.result.reinforced.append(memory)

    # --- ask ------------------------------------------------------------------------------------------------------

    def _related_critical(self, candidate: Candidate) -> list[Memory]:
        """Live critical memories that a new one bears on."""
        if candidate.medication:
            return [m for m in self.critical if _drug_of(m) == drug_key(candidate.medication)]
        if candidate.allergy:
            asserts_none = candidate.allergy.assertion != AllergyAssertion.SUBSTANCE
            return [
                m
                for m in self.critical
                if m.category == Category.ALLERGY
                and (m.allergy.assertion == AllergyAssertion.SUBSTANCE) == asserts_none
            ]
        return []

    def _ask_about_new(self, memory: Memory, related: Sequence[Memory]) -> None:
        urgent = memory.category == Category.ALLERGY or memory.priority == "critical"
        self._ask(TaskKind.VERIFY, memory, "", ReviewSeverity.HIGH if urgent else ReviewSeverity.MEDIUM)
        for other in related:
            if memory.category == Category.ALLERGY:
                self._ask(
                    TaskKind.CONFLICT,
                    memory,
                    "One says that there is an allergy, the other that there is none.",
                    ReviewSeverity.HIGH,
                    other,
                )
            else:
                self._ask_about_change(memory, other)
        if memory.category == Category.ALLERGY:
            self._revoke_none_known(memory)

    def _ask_about_change(self, memory: Memory, before: Memory) -> None:
        new, old = memory.medication, before.medication
        if new.status in (MedicationStatus.STOPPED, MedicationStatus.NOT_TAKEN) and old.status != new.status:
            self._ask(TaskKind.STOPPED, memory, "Said to be taken before.", ReviewSeverity.HIGH, before)
        elif new.dose and old.dose and folded(new.dose) != folded(old.dose):
            explanation = f"{old.dose} before, {new.dose} now. Two strengths can both be right."
            self._ask(TaskKind.DOSE_CHANGE, memory, explanation, ReviewSeverity.HIGH, before)
        elif new.dose and not old.dose and before.verification_status == VerificationStatus.UNCONFIRMED:
            self._supersede(before, memory)

    def _supersede(self, old: Memory, new: Memory) -> None:
        """The same drug, now said with its dose: the vaguer memory gives way, and keeps its words."""
        old.superseded_by = new
        old.save(update_fields=["superseded_by", "updated_at"])
        unindex([old])
        for task in old.review_tasks.open():
            task.make_obsolete()
        self.critical.remove(old)

    def _revoke_none_known(self, memory: Memory) -> None:
        """Somebody asserted that there are no allergies; one was said since. The assertion no longer stands."""
        if memory.allergy.assertion != AllergyAssertion.SUBSTANCE:
            return
        if self.patient.known_allergies_status in (KnownAllergies.NONE_KNOWN, KnownAllergies.NO_DRUG_KNOWN):
            self.patient.known_allergies_status = KnownAllergies.UNKNOWN
            self.patient.known_allergies_asserted_by = self.patient.known_allergies_asserted_at = None
            self.patient.save()

    def _ask(
        self,
        kind: TaskKind,
        memory: Memory,
        explanation: str,
        severity: ReviewSeverity,
        related: Memory | None = None,
    ) -> None:
        """Open the question unless it is open already."""
        ReviewTask.objects.get_or_create(
            patient=self.patient,
            kind=kind,
            memory=memory,
            related=related,
            state=TaskState.OPEN,
            defaults={"severity": severity, "explanation": explanation},
        )


def _drug_of(memory: Memory) -> str:
    detail = getattr(memory, "medication", None)
    return folded(detail.ingredient or detail.drug) if detail else ""


def _substance_of(memory: Memory) -> str:
    detail = getattr(memory, "allergy", None)
    return folded(detail.ingredient or detail.substance) if detail else ""


def _numbers(text: str) -> set[str]:
    return {word for word in folded(text).split() if any(character.isdigit() for character in word)}


def _instant(value: datetime | date | None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value
    return timezone.make_aware(datetime.combine(value, time.min))
