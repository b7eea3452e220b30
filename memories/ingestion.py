"""From what was said to what is remembered: the words are stored first, then read, checked and consolidated.

>>> conversation, run = take_in(patient=patient, utterances=[Utterance("Nurse", "Any allergies?"), ...], by=actor)
>>> carry_out(run_id=run.pk, patient_id=patient.pk, by=actor)
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.conf import settings
from django.utils import timezone

from audit.actors import Actor, acting_as
from audit.models import Event, Outcome
from audit.recording import record
from memories.choices import CRITICAL_CATEGORIES, Scope
from memories.consolidation import Consolidation, consolidate
from memories.embedding import EmbeddingUnavailable, embed_documents
from memories.extraction.candidates import Candidate, Utterance
from memories.extraction.instructions import instructions_in
from memories.indexing import indexed_text
from memories.models import Conversation, ExtractionRun, Memory, RunState, Turn
from memories.reading import Reading, read
from memories.relations import link_stated
from memories.remembering import lock_patient
from memories.signals import turns_recorded
from memories.validation import critical_only, speaks_of
from memories.verbatim import keep_every_turn
from patients.models import Patient

#: Turns that a run reads before those it covers: an answer needs its question. It makes nothing of them.
TURNS_BEFORE = 2


class ConversationRefused(ValueError):
    """What was sent cannot be taken in; the message says what to do, and quotes nothing."""


class ConversationConflict(ConversationRefused):
    """The same source id was used for other words."""


@dataclass(frozen=True, slots=True)
class Intake:
    """A stored conversation, the run that reads it, and the turns that the run covers. `is_new` is False if its source
    id was taken in before; then the turns are not looked up.
    """

    conversation: Conversation
    run: ExtractionRun
    turns: Sequence[Turn] = ()
    is_new: bool = True


def take_in(
    *,
    patient: Patient,
    utterances: Sequence[Utterance],
    by: Actor,
    said_at: datetime | None = None,
    title: str = "",
    source: str = "api",
    source_id: str = "",
    inline: bool = False,
    scope: Scope | str = Scope.PATIENT,
    **envelope: Any,
) -> Intake:
    """Store the words and a pending run for them, in one transaction; from here on nothing can be lost.

    `envelope` holds what else a program says of the conversation, as fields of it: `agent_id`, `sent_metadata`, ...
    With `inline` the caller carries the run out itself, and the queued job only waits to do so in its place.
    What is made of them but for allergies and medications belongs to `scope`: the patient, this conversation alone,
    or the agent.
    Raises `ConversationRefused`.
    """
    spoken = _spoken(utterances)
    with acting_as(by):
        if source_id and (earlier := _taken_in_before(patient, source, source_id, spoken)):
            return earlier
        conversation = Conversation.objects.create(
            patient=patient,
            title=title,
            source=source,
            source_id=source_id,
            said_at=said_at or timezone.now(),
            recorded_by_id=int(by.id) if by.is_identified else None,
            scope=scope,
            **envelope,
        )
        turns = _store_turns(conversation, spoken)
        record(Event.CREATE, patient_id=patient.pk, objects=[conversation.pk], resource=Conversation)
        run = begin_run(conversation, inline=inline)
        run.patient = patient
    return Intake(conversation, run, turns)


def _store_turns(conversation: Conversation, spoken: Sequence[Utterance]) -> list[Turn]:
    return Turn.objects.bulk_create(
        Turn(
            patient=conversation.patient,
            conversation=conversation,
            position=position,
            speaker=utterance.speaker[:100],
            role=utterance.role,
            text=utterance.text,
            place=utterance.place[:60],
        )
        for position, utterance in enumerate(spoken)
    )


def begin_run(
    conversation: Conversation, *, first: int = 0, last: int | None = None, inline: bool = False
) -> ExtractionRun:
    """A pending run, with its job, for the turns from `first` to `last`. Runs in the caller's `acting_as`."""
    run = ExtractionRun.objects.create(
        patient_id=conversation.patient_id, conversation=conversation, first=first, last=last
    )
    turns_recorded.send(Conversation, run=run, inline=inline)
    return run


def _spoken(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The turns with words in them, within the limits."""
    spoken = [utterance for utterance in utterances if utterance.text.strip()]
    if not spoken:
        raise ConversationRefused("The conversation is empty: send at least one turn with words in it.")
    if len(spoken) > settings.MAX_CONVERSATION_TURNS:
        raise ConversationRefused(
            f"The conversation has {len(spoken)} turns: send at most {settings.MAX_CONVERSATION_TURNS} at a time."
        )
    if any(len(utterance.text) > settings.MAX_TURN_CHARACTERS for utterance in spoken):
        raise ConversationRefused(f"A turn is too long: send at most {settings.MAX_TURN_CHARACTERS} characters a turn.")
    if any("\x00" in utterance.text for utterance in spoken):
        raise ConversationRefused("A turn holds a NUL character, which is no text: remove it and send again.")
    return spoken


def _taken_in_before(patient: Patient, source: str, source_id: str, spoken: Sequence[Utterance]) -> Intake | None:
    """The conversation of this id with these words. Raises `ConversationConflict` for other words."""
    lock_patient(patient.pk)
    conversation = Conversation.objects.for_patient(patient).filter(source=source, source_id=source_id).first()
    if conversation is None:
        return None
    if [turn.text for turn in conversation.turns.all()] != [utterance.text for utterance in spoken]:
        raise ConversationConflict("This id has been used for other words: send these under an id of their own.")
    record(Event.READ, patient_id=patient.pk, objects=[conversation.pk], resource=Conversation)
    return Intake(conversation, conversation.runs.latest("created_at"), is_new=False)


def carry_out(*, run_id: UUID | str, patient_id: object, by: Actor) -> ExtractionRun:
    """Read a run's conversation and bring what it says into memory. Idempotent: a finished run is left as it is.

    What the local extractor finds critical is kept even when the LLM fails; then the run stays pending, with its
    reason, for the queued job to try again. No transaction spans the reading.
    """
    system = by.becoming_system("extraction", patient_id=patient_id)
    with acting_as(system):
        run = ExtractionRun.objects.select_related("patient", "conversation").get(pk=run_id)
        turns = _turns_shown_to(run)
    return _carry_out(run, turns, system)


def carry_out_now(intake: Intake, *, by: Actor) -> ExtractionRun:
    """As `carry_out`, for what has just been taken in: its words are still at hand."""
    run, patient_id = intake.run, intake.conversation.patient_id
    if not intake.is_new:
        return carry_out(run_id=run.pk, patient_id=patient_id, by=by)
    return _carry_out(run, intake.turns, by.becoming_system("extraction", patient_id=patient_id))


def _carry_out(run: ExtractionRun, turns: Sequence[Turn], system: Actor) -> ExtractionRun:
    if run.state == RunState.DONE:
        return run
    started = time.perf_counter()
    reading = _read(run, turns)
    vectors = _embedded(reading.candidates)
    with acting_as(system):
        return _bring_in(run, turns, reading, vectors, started=started)


def _turns_shown_to(run: ExtractionRun) -> list[Turn]:
    """The turns that a run covers, and the few before them."""
    shown = run.conversation.turns.filter(position__gte=run.first - TURNS_BEFORE)
    return list(shown if run.last is None else shown.filter(position__lte=run.last))


def _read(run: ExtractionRun, turns: Sequence[Turn]) -> Reading:
    """What the covered turns state; of an instruction, each turn and what it says of allergies and medications."""
    if run.patient.is_opted_out:
        return Reading(extractor="none: opted out")
    utterances = [Utterance(turn.speaker, turn.text, turn.role) for turn in turns]
    covered = [turn for turn in turns if run.covers(turn)]
    said_at = next((turn.said_at for turn in covered if turn.said_at), run.conversation.said_at)
    reading = read(utterances, said_at)
    if run.conversation.is_instruction:
        instructions = instructions_in(utterances, run.conversation.title)
        reading = replace(reading, candidates=(*critical_only(reading.candidates), *instructions))
    elif run.conversation.keeps_every_turn:
        reading = keep_every_turn(reading, utterances)
    covered_by_it = (c for c in reading.candidates if run.covers(turns[c.quote.turn]))
    return replace(reading, candidates=tuple(_scoped(candidate, run.conversation) for candidate in covered_by_it))


def _scoped(candidate: Candidate, conversation: Conversation) -> Candidate:
    """The candidate in the scope of its conversation; an allergy or a medication is the patient's, wherever said."""
    if candidate.category in CRITICAL_CATEGORIES:
        return candidate
    return replace(candidate, scope=Scope(conversation.scope), scope_id=conversation.scope_id)


def _permitted(patient: Patient, candidate: Candidate) -> bool:
    """Whether the patient lets this be remembered, as it is known at the moment of writing."""
    if patient.is_opted_out:
        return False
    return bool(patient.consent_given_at) or not speaks_of(candidate, settings.SENSITIVE_TOPICS)


def _embedded(candidates: Sequence[Candidate]) -> list[np.ndarray | None]:
    """A vector for each candidate, or None for each: a memory is kept without one, and embedded later."""
    if not candidates:
        return []
    try:
        return list(embed_documents([indexed_text(c.category, c.content) for c in candidates]))
    except EmbeddingUnavailable:
        return [None] * len(candidates)


def _bring_in(
    run: ExtractionRun,
    turns: Sequence[Turn],
    reading: Reading,
    vectors: Sequence[np.ndarray | None],
    *,
    started: float,
) -> ExtractionRun:
    """Consolidate a reading once, however many workers have read it."""
    lock_patient(run.patient_id)
    run = ExtractionRun.objects.select_related("patient", "conversation").get(pk=run.pk)
    if run.state == RunState.DONE:
        return run
    permitted = [pair for pair in zip(reading.candidates, vectors, strict=True) if _permitted(run.patient, pair[0])]
    consolidation = consolidate(run, [c for c, _ in permitted], turns=turns, vectors=[v for _, v in permitted])
    link_stated(run.patient, [*consolidation.added, *consolidation.reinforced])
    run.note(
        attempts=run.attempts + 1,
        state=RunState.PENDING if reading.failure else RunState.DONE,
        error=reading.failure,
        extractor=reading.extractor,
        extractor_version=reading.version,
        model=reading.model,
        calls=reading.usage.calls,
        prompt_tokens=reading.usage.prompt_tokens,
        completion_tokens=reading.usage.completion_tokens,
        dropped=reading.dropped,
        milliseconds=round(1000 * (time.perf_counter() - started)),
        made=[*run.made, *(memory.pk for memory in consolidation.added)],
        reinforced=[*run.reinforced, *(memory.pk for memory in consolidation.reinforced)],
        finished_at=None if reading.failure else timezone.now(),
    )
    _record(run, consolidation)
    return run


def _record(run: ExtractionRun, consolidation: Consolidation) -> None:
    changed = [memory.pk for memory in (*consolidation.added, *consolidation.reinforced)]
    record(
        Event.EXTRACT,
        patient_id=run.patient_id,
        objects=changed,
        resource=Memory,
        outcome=Outcome.FAILED if run.error else Outcome.SUCCESS,
    )


def give_up(*, run_id: UUID | str, patient_id: object, by: Actor, reason: str = "") -> None:
    """Mark a run failed after its last attempt, for staff to see and to start again."""
    with acting_as(by.becoming_system("extraction", patient_id=patient_id)):
        lock_patient(patient_id)
        run = ExtractionRun.objects.get(pk=run_id)
        if run.state == RunState.PENDING:
            run.note(state=RunState.FAILED, error=reason or run.error, finished_at=timezone.now())


def start_again(*, run: ExtractionRun) -> ExtractionRun:
    """A new pending run, with its job, for the turns of a run that failed. Runs in the caller's `acting_as`."""
    again = begin_run(run.conversation, first=run.first, last=run.last)
    record(Event.EXTRACT, patient_id=run.patient_id, objects=[again.pk], resource=ExtractionRun)
    return again
