"""What a new statement means for what is remembered already: add, reinforce, supersede, conflict or none. No LLM.

Nothing is deleted and no words are lost: every statement about a remembered fact adds a mention to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

import numpy as np
from django.db.models import Q

from memories.alerts import raise_alerts_about
from memories.choices import (
    CRITICAL_CATEGORIES,
    Category,
    Kind,
    MedicationStatus,
    Priority,
    VerificationStatus,
)
from memories.extraction.candidates import Candidate
from memories.facts import drug_key, fact_key, folded, substance_key
from memories.indexing import find_alike, index_memories
from memories.known_allergies import has_lapsed, revoke_contradicted
from memories.models import (
    ExtractionRun,
    Memory,
    MemoryQuerySet,
    Mention,
    ReviewSeverity,
    ReviewTask,
    TaskKind,
    Turn,
)
from memories.models.memory import LIVE, Stance
from memories.remembering import add_mention, compose, quote_turn, retire, write_new
from memories.vocabulary.contrasts import contrasts

#: Two sentences of one category this alike (cosine) say the same, unless they contrast. Never asked of critical ones.
SAME_MEANING = 0.93
#: Two preferences this alike are about the same matter; where they contrast, the later one is a change of mind.
SAME_SUBJECT = 0.75
#: What a person has one of.
SINGLE_VALUED = frozenset({"preferred name"})

#: A memory, and the cosine of its likeness to a statement.
Alike = tuple[Memory, float]


@dataclass(frozen=True, slots=True)
class Statement:
    """A candidate, its key, and where it was said. `vector` is None when it could not be embedded."""

    candidate: Candidate
    key: str
    turn: Turn
    said_at: datetime
    vector: np.ndarray | None

    @property
    def may_be_in_other_words(self) -> bool:
        """Whether likeness of meaning says anything about it. It says nothing of critical items and of dates."""
        return (
            self.vector is not None
            and self.candidate.category not in CRITICAL_CATEGORIES
            and not self.candidate.starts_at
        )


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
    statements = [
        _statement(candidate, turns[candidate.quote.turn], run, vector)
        for candidate, vector in zip(candidates, vectors, strict=True)
    ]
    ledger = _Ledger(run, statements)
    for statement in statements:
        ledger.enter(statement)
    ledger.write()
    ledger.index_added()
    raise_alerts_about([*ledger.result.added, *ledger.result.reinforced], ledger.critical)
    return ledger.result


def _statement(candidate: Candidate, turn: Turn, run: ExtractionRun, vector: np.ndarray | None) -> Statement:
    said_at = candidate.said_at or turn.said_at or run.conversation.said_at
    return Statement(candidate, fact_key(candidate, said_at=said_at, scope=candidate.scope_id), turn, said_at, vector)


class _Ledger:
    """The memories of one patient while one run's statements are entered."""

    def __init__(self, run: ExtractionRun, statements: Sequence[Statement]) -> None:
        self.run = run
        self.patient = run.patient
        self.result = Consolidation()
        #: What is new and not written yet: memories, their words, the questions about them.
        self.unwritten: tuple[list[Memory], list[Mention], list[ReviewTask]] = ([], [], [])
        worded = [statement for statement in statements if statement.may_be_in_other_words]
        found = find_alike(self.patient, [s.vector for s in worded if s.vector is not None], at_least=SAME_SUBJECT)
        self.alike = {statement.key: likenesses for statement, likenesses in zip(worded, found, strict=True)}
        #: One object a row, so that what one statement changes the next one sees.
        self.known = self._load(statements)

    def _load(self, statements: Sequence[Statement]) -> dict[UUID, Memory]:
        """What these statements may bear on: the memories of their keys and those alike, and all live critical ones if
        need be.
        """
        bearing = Q(fact_key__in=[statement.key for statement in statements])
        if alike := {key for likenesses in self.alike.values() for key, _ in likenesses}:
            bearing |= Q(pk__in=alike)
        if any(statement.candidate.category in CRITICAL_CATEGORIES for statement in statements):
            bearing |= LIVE & Q(category__in=CRITICAL_CATEGORIES)
        found = Memory.objects.for_patient(self.patient).filter(bearing).select_related("allergy", "medication")
        known = {memory.pk: memory for memory in found.order_by("recorded_at")}
        for memory in known.values():
            memory.patient = self.patient
        return known

    @property
    def critical(self) -> list[Memory]:
        return [memory for memory in self.known.values() if memory.is_critical and memory.is_live]

    @property
    def allergies(self) -> list[Memory]:
        return [memory for memory in self.critical if memory.category == Category.ALLERGY]

    @property
    def medications(self) -> list[Memory]:
        return [memory for memory in self.critical if memory.category == Category.MEDICATION]

    def _remembered_as(self, key: str) -> Memory | None:
        """The memory of this key: the live or expired one, or else the latest that was refuted."""
        of_key = [memory for memory in self.known.values() if memory.fact_key == key]
        standing = [memory for memory in of_key if memory.is_live or memory.is_expired]
        refuted = [memory for memory in of_key if memory.verification_status == VerificationStatus.REFUTED]
        return next(iter((*standing, *reversed(refuted))), None)

    def enter(self, statement: Statement) -> None:
        """Decide what this statement means. What is new waits for `write`; what changes something else is written."""
        if statement.candidate.denied:
            self.write()
            self._contradict(statement)
        elif (memory := self._remembered_as(statement.key)) is None:
            self._enter_new(statement)
        elif memory.verification_status == VerificationStatus.REFUTED:
            self._say_again(memory, statement)
        else:
            self._revive(memory, statement)
            self._reinforce(memory, statement)

    def _enter_new(self, statement: Statement) -> None:
        if self._was_decided(statement):
            return
        alike = self._alike(statement)
        if memory := self._same_but_less_precise(statement) or self._same_meaning(statement, alike):
            self._reinforce(memory, statement)
            return
        less_precise, replaced = self._less_precise(statement), self._replaced_by(statement, alike)
        memory = self._add(statement)
        if memory.is_critical:
            self._ask_about_new(memory)
        if less_precise or replaced:
            self.write()
        for old in less_precise:
            self._supersede(old, memory)
        for old in replaced:
            self._replace(old, memory)

    def write(self) -> None:
        """Save what is new, before anything asks the database for it."""
        write_new(*self.unwritten)
        self.unwritten = ([], [], [])

    def _was_decided(self, statement: Statement) -> bool:
        """Whether these very words made a memory of this fact before, which is live no more: read again after a
        person decided about it, they make no other.
        """
        quote = statement.candidate.quote
        retired = [m.pk for m in self.known.values() if m.fact_key == statement.key and not m.is_live]
        words = Mention.objects.filter(
            memory__in=retired, turn=statement.turn, start__lt=quote.end, end__gt=quote.start
        )
        return bool(retired) and words.exists()

    def index_added(self) -> None:
        """Let search find what was added and has not given way to something else in the same conversation."""
        added = zip(self.result.added, self.result.vectors, strict=True)
        standing = [(memory, vector) for memory, vector in added if memory.is_live]
        index_memories([memory for memory, _ in standing], [vector for _, vector in standing])

    # --- add ------------------------------------------------------------------------------------------------------

    def _add(self, statement: Statement) -> Memory:
        candidate, sent = statement.candidate, self.run.conversation
        ends_at = None if candidate.category in CRITICAL_CATEGORIES else sent.memories_expire_at
        metadata = {**sent.sent_metadata, **candidate.metadata}
        memory = compose(
            replace(candidate, metadata=metadata, expires_at=candidate.expires_at or ends_at),
            patient=self.patient,
            key=statement.key,
            said_at=statement.said_at,
        )
        memories, mentions, _ = self.unwritten
        memories.append(memory)
        mentions.append(quote_turn(memory, statement.turn, candidate.quote.start, candidate.quote.end, run=self.run))
        self.known[memory.pk] = memory
        self.result.added.append(memory)
        self.result.vectors.append(statement.vector)
        return memory

    def _mention(self, memory: Memory, statement: Statement, stance: Stance = Stance.STATES) -> bool:
        """Add the words to the memory. False if it has them already, perhaps cut a little differently."""
        quote = statement.candidate.quote
        return add_mention(memory, statement.turn, quote.start, quote.end, run=self.run, stance=stance)

    # --- reinforce ------------------------------------------------------------------------------------------------

    def _reinforce(self, memory: Memory, statement: Statement) -> None:
        self.write()
        if not self._mention(memory, statement):
            return
        memory.times_said += 1
        memory.last_said_at = max(memory.last_said_at, statement.said_at)
        memory.emotional_weight = max(memory.emotional_weight, statement.candidate.emotional_weight)
        memory.metadata = {**self.run.conversation.sent_metadata, **memory.metadata}
        memory.save(update_fields=["times_said", "last_said_at", "emotional_weight", "metadata", "updated_at"])
        self._learn_reaction(memory, statement.candidate)
        if has_lapsed(memory):
            ReviewTask.objects.ask(TaskKind.VERIFY, memory, "Said again since it was revoked.", ReviewSeverity.HIGH)
        self._note_reinforced(memory)

    def _note_reinforced(self, memory: Memory) -> None:
        if memory not in self.result.reinforced and memory not in self.result.added:
            self.result.reinforced.append(memory)

    def _revive(self, memory: Memory, statement: Statement) -> None:
        """What had expired is said again: it counts again, from now on without an end."""
        if memory.is_expired:
            memory.expires_at = None
            memory.save(update_fields=["expires_at", "updated_at"])
            index_memories([memory], [statement.vector])

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
        same = (m for m in self._taken_as(drug_key(facts)) if m.medication.status == facts.status)
        return next(same, None)

    def _taken_as(self, key: str) -> list[Memory]:
        """The live statements about this drug, whatever its dose."""
        return [memory for memory in self.medications if drug_key(memory.medication) == key]

    def _same_meaning(self, statement: Statement, alike: Sequence[Alike]) -> Memory | None:
        """A live memory of the same category, said in other words. Critical categories are never matched by meaning."""
        content, kind = statement.candidate.content, statement.candidate.kind
        same = (memory for memory, likeness in alike if likeness >= SAME_MEANING and memory.kind == kind)
        return next((memory for memory in same if not contrasts(memory.content, content)), None)

    def _alike(self, statement: Statement) -> list[Alike]:
        """Live memories of the same category and scope that may be about the same matter, the most alike first."""
        said = statement.candidate
        likenesses = self.alike.get(statement.key, ()) if statement.may_be_in_other_words else ()
        beside = (said.category, said.scope, said.scope_id)
        alike = ((self.known[key], likeness) for key, likeness in likenesses if key in self.known)
        return [(m, likeness) for m, likeness in alike if m.is_live and (m.category, m.scope, m.scope_id) == beside]

    def _live_beside(self, statement: Statement) -> MemoryQuerySet:
        """The live memories of the statement's category and scope."""
        said = statement.candidate
        live = Memory.objects.for_patient(self.patient).live().filter(category=said.category)
        return live.filter(scope=said.scope, scope_id=said.scope_id)

    # --- supersede ------------------------------------------------------------------------------------------------

    def _replaced_by(self, statement: Statement, alike: Sequence[Alike]) -> list[Memory]:
        """Live preferences that this one changes: alike and yet the opposite, or another name to be called by."""
        candidate = statement.candidate
        if candidate.category != Category.PREFERENCE or candidate.kind == Kind.EPISODIC:
            return []
        if candidate.about in SINGLE_VALUED:
            self.write()
            return list(self._live_beside(statement).filter(about=candidate.about))
        return [memory for memory, _ in alike if contrasts(memory.content, candidate.content)]

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
        for memory in self._denied_by(statement):
            if self._mention(memory, statement, Stance.DENIES):
                ReviewTask.objects.ask(
                    TaskKind.CONFLICT, memory, "This was denied in a later conversation.", ReviewSeverity.HIGH
                )

    def _denied_by(self, statement: Statement) -> list[Memory]:
        candidate = statement.candidate
        if candidate.allergy:
            key = substance_key(candidate.allergy)
            return [memory for memory in self.allergies if substance_key(memory.allergy) == key]
        if candidate.medication:
            same = self._taken_as(drug_key(candidate.medication))
            return [memory for memory in same if memory.medication.status != MedicationStatus.STOPPED]
        about = folded(candidate.about)
        return [memory for memory in self._live_beside(statement) if folded(memory.about) == about]

    def _say_again(self, memory: Memory, statement: Statement) -> None:
        """Refuted before, and said again: never resurrected, never swallowed."""
        if self._mention(memory, statement):
            decision = f"Refuted on {memory.verified_at:%d %b %Y} and said again since."
            ReviewTask.objects.ask(TaskKind.SAID_AGAIN, memory, decision, ReviewSeverity.HIGH)
            self._note_reinforced(memory)

    # --- ask ------------------------------------------------------------------------------------------------------

    def _ask_about_new(self, memory: Memory) -> None:
        severity = ReviewSeverity.HIGH if memory.priority == Priority.CRITICAL else ReviewSeverity.MEDIUM
        *_, tasks = self.unwritten
        tasks.append(ReviewTask(patient=self.patient, kind=TaskKind.VERIFY, memory=memory, severity=severity))
        if memory.category == Category.ALLERGY:
            revoke_contradicted(memory)

    def _less_precise(self, statement: Statement) -> list[Memory]:
        """Unconfirmed statements that this drug is taken, without the dose that is said now."""
        said = statement.candidate.medication
        if said is None or not said.dose:
            return []
        return [
            memory
            for memory in self._taken_as(drug_key(said))
            if not memory.medication.dose
            and memory.medication.status == said.status
            and memory.verification_status == VerificationStatus.UNCONFIRMED
        ]

    def _supersede(self, old: Memory, new: Memory) -> None:
        """The old memory gives way to the new one, and keeps its words."""
        old.superseded_by = new
        old.save(update_fields=["superseded_by", "updated_at"])
        retire(old)
