"""What a new statement means for what is remembered already: add, reinforce, supersede, conflict or none. No LLM.

Nothing is deleted and no words are lost: every statement about a remembered fact adds a mention to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from pgvector import HalfVector
from pgvector.django import CosineDistance

from memories.alerts import raise_alerts
from memories.choices import (
    CRITICAL_CATEGORIES,
    Category,
    Kind,
    MedicationStatus,
    VerificationStatus,
)
from memories.extraction.candidates import AllergyFacts, Candidate
from memories.facts import drug_key, fact_key, folded, is_contradicted, substance_key
from memories.indexing import index_memories, unindex
from memories.models import (
    AllergyDetail,
    ExtractionRun,
    Memory,
    MemoryIndex,
    ReviewSeverity,
    ReviewTask,
    TaskKind,
    Turn,
)
from memories.models.memory import Stance
from memories.remembering import add_mention, remember
from memories.vocabulary.contrasts import contrasts
from patients.models import KnownAllergies

#: Two sentences of one category this alike (cosine) say the same, unless they contrast. Never asked of critical ones.
SAME_MEANING = 0.93
#: Two preferences this alike are about the same matter; where they contrast, the later one is a change of mind.
SAME_SUBJECT = 0.75
#: What a person has one of.
SINGLE_VALUED = frozenset({"preferred name"})


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
    ledger.index_added()
    raise_alerts(run.patient, [*ledger.result.added, *ledger.result.reinforced])
    return ledger.result


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
        if memory := self._same_but_less_precise(statement) or self._same_meaning(statement):
            self._reinforce(memory, statement)
            return
        related, replaced = self._related_critical(statement.candidate), self._replaced_by(statement)
        memory = self._add(statement)
        if memory.is_critical:
            self._ask_about_new(memory, related)
        for old in replaced:
            self._replace(old, memory)

    def index_added(self) -> None:
        """Let search find what was added and has not given way to something else in the same conversation."""
        added = zip(self.result.added, self.result.vectors, strict=True)
        standing = [(memory, vector) for memory, vector in added if memory.is_live]
        index_memories([memory for memory, _ in standing], [vector for _, vector in standing])

    # --- add ------------------------------------------------------------------------------------------------------

    def _add(self, statement: Statement) -> Memory:
        candidate = statement.candidate
        memory = remember(candidate, patient=self.patient, key=statement.key, said_at=statement.said_at)
        self._mention(memory, statement)
        self.by_key[statement.key] = memory
        self.result.added.append(memory)
        self.result.vectors.append(statement.vector)
        if memory.is_critical:
            self.critical.append(memory)
        return memory

    def _mention(self, memory: Memory, statement: Statement, stance: Stance = Stance.STATES) -> bool:
        """Add the words to the memory. False if it has them already, perhaps cut a little differently."""
        quote = statement.candidate.quote
        return add_mention(memory, statement.turn, quote.start, quote.end, run=self.run, stance=stance)

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
        content, kind = statement.candidate.content, statement.candidate.kind
        alike = (memory for memory in self._alike(statement, SAME_MEANING) if memory.kind == kind)
        return next((memory for memory in alike if not contrasts(memory.content, content)), None)

    def _alike(self, statement: Statement, likeness: float) -> list[Memory]:
        """Live memories of the same category, of at least this cosine likeness, the most alike first."""
        candidate = statement.candidate
        if statement.vector is None or candidate.category in CRITICAL_CATEGORIES or candidate.starts_at:
            return []
        rows = (
            MemoryIndex.objects.filter(patient=self.patient, category=candidate.category, embedding__isnull=False)
            .annotate(distance=CosineDistance("embedding", HalfVector(statement.vector)))
            .filter(distance__lte=1 - likeness)
            .order_by("distance")
            .select_related("memory")
        )
        return [row.memory for row in rows if row.memory.is_live]

    # --- supersede ------------------------------------------------------------------------------------------------

    def _replaced_by(self, statement: Statement) -> list[Memory]:
        """Live preferences that this one changes: alike and yet the opposite, or another name to be called by."""
        candidate = statement.candidate
        if candidate.category != Category.PREFERENCE or candidate.kind == Kind.EPISODIC:
            return []
        if candidate.about in SINGLE_VALUED:
            live = Memory.objects.for_patient(self.patient).live().filter(category=candidate.category)
            return list(live.filter(about=candidate.about))
        alike = self._alike(statement, SAME_SUBJECT)
        return [memory for memory in alike if contrasts(memory.content, candidate.content)]

    def _replace(self, old: Memory, new: Memory) -> None:
        """The later statement counts, whichever came in first. What staff confirmed is theirs to decide about."""
        if old.verification_status == VerificationStatus.CONFIRMED:
            ReviewTask.objects.ask(
                TaskKind.CONFLICT, new, "Something else was confirmed before.", ReviewSeverity.MEDIUM, old
            )
        elif old.last_said_at <= new.last_said_at:
            self._supersede(old, new)
        else:
            self._supersede(new, old)

    # --- contradict, say again ------------------------------------------------------------------------------------

    def _contradict(self, statement: Statement) -> None:
        """A denial states nothing of its own; what it denies stays, with the denial's words and a question."""
        for memory in self._denied_by(statement.candidate):
            if self._mention(memory, statement, Stance.DENIES):
                ReviewTask.objects.ask(
                    TaskKind.CONFLICT, memory, "This was denied in a later conversation.", ReviewSeverity.HIGH
                )

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
            ReviewTask.objects.ask(TaskKind.SAID_AGAIN, memory, decision, ReviewSeverity.HIGH)
            self.result.reinforced.append(memory)

    # --- ask ------------------------------------------------------------------------------------------------------

    def _related_critical(self, candidate: Candidate) -> list[Memory]:
        """Live critical memories that a new one bears on."""
        if candidate.medication:
            return [m for m in self.critical if _drug_of(m) == drug_key(candidate.medication)]
        if said := candidate.allergy:
            allergies = [memory for memory in self.critical if memory.category == Category.ALLERGY]
            return [m for m in allergies if _contradict(said, m.allergy)]
        return []

    def _ask_about_new(self, memory: Memory, related: Sequence[Memory]) -> None:
        urgent = memory.category == Category.ALLERGY or memory.priority == "critical"
        ReviewTask.objects.ask(TaskKind.VERIFY, memory, "", ReviewSeverity.HIGH if urgent else ReviewSeverity.MEDIUM)
        for other in related:
            if memory.category == Category.ALLERGY:
                ReviewTask.objects.ask(
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
            ReviewTask.objects.ask(TaskKind.STOPPED, memory, "Said to be taken before.", ReviewSeverity.HIGH, before)
        elif new.dose and old.dose and folded(new.dose) != folded(old.dose):
            explanation = f"{old.dose} before, {new.dose} now. Two strengths can both be right."
            ReviewTask.objects.ask(TaskKind.DOSE_CHANGE, memory, explanation, ReviewSeverity.HIGH, before)
        elif new.dose and not old.dose and before.verification_status == VerificationStatus.UNCONFIRMED:
            self._supersede(before, memory)

    def _supersede(self, old: Memory, new: Memory) -> None:
        """The old memory gives way to the new one, and keeps its words."""
        old.superseded_by = new
        old.save(update_fields=["superseded_by", "updated_at"])
        unindex([old])
        for task in old.review_tasks.open():
            task.make_obsolete()
        if old in self.critical:
            self.critical.remove(old)

    def _revoke_none_known(self, memory: Memory) -> None:
        """Somebody asserted that there are no allergies; one was said since. The assertion no longer stands."""
        if is_contradicted(self.patient.known_allergies_status, memory.allergy):
            self.patient.known_allergies_status = KnownAllergies.UNKNOWN
            self.patient.known_allergies_asserted_by = self.patient.known_allergies_asserted_at = None
            self.patient.save()


def _contradict(one: AllergyFacts, other: AllergyDetail) -> bool:
    """Whether one names an allergy and the other says that there is no such one."""
    return is_contradicted(one.assertion, other) or is_contradicted(other.assertion, one)


def _drug_of(memory: Memory) -> str:
    detail = getattr(memory, "medication", None)
    return folded(detail.ingredient or detail.drug) if detail else ""


def _substance_of(memory: Memory) -> str:
    detail = getattr(memory, "allergy", None)
    return folded(detail.ingredient or detail.substance) if detail else ""
