"""What people decide about memories. Each takes the person and the reason, and is one transaction with its record."""

from dataclasses import replace
from typing import Any

from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.models import Event
from audit.recording import record
from memories.alerts import raise_alerts
from memories.choices import AllergyAssertion, Category, VerificationStatus
from memories.embedding import embed_at_once
from memories.extraction.candidates import Candidate
from memories.facts import fact_key, with_ingredient
from memories.indexing import index_linked, index_memories, indexed_text
from memories.known_allergies import assert_known, contradicting, has_lapsed
from memories.models import AllergyDetail, MedicationDetail, Memory
from memories.remembering import lock_patient, remember, retire
from memories.reviewing import DecisionRefused, ReviewRefused, require_reviewer
from memories.statements import allergy_sentence, as_candidate, medication_sentence
from memories.validation import prioritised
from patients.models import User

#: Fields of the details that a correction may change.
ALLERGY_FIELDS = ("substance", "reaction", "severity")
MEDICATION_FIELDS = ("drug", "dose", "route", "frequency", "as_needed", "status")


def confirm(memory: Memory, *, by: User, reason: str) -> Memory:
    """A clinician says that it is true. "No known allergies" becomes the patient's, unless an allergy is live."""
    memory = _open_for_decision(memory, by, reason)
    if memory.verification_status != VerificationStatus.UNCONFIRMED and not has_lapsed(memory):
        raise DecisionRefused(f"This is {memory.status_label.lower()} already: reload the page to see by whom.")
    if memory.category == Category.ALLERGY:
        _assert_known_allergies(memory, by)
    return _decide(memory, VerificationStatus.CONFIRMED, by, reason, Event.CONFIRM)


def refute(memory: Memory, *, by: User, reason: str) -> Memory:
    """A clinician says that it is not true. It stays to be seen, struck through, and is recalled no more."""
    return _retire(memory, VerificationStatus.REFUTED, by, reason, Event.REFUTE)


def enter_in_error(memory: Memory, *, by: User, reason: str) -> Memory:
    """A clinician says that it should never have been recorded: another patient's, a slip."""
    return _retire(memory, VerificationStatus.ENTERED_IN_ERROR, by, reason, Event.ENTERED_IN_ERROR)


def correct(memory: Memory, *, by: User, reason: str, content: str = "", **details: Any) -> Memory:
    """A clinician says what is true instead: a new confirmed memory, which the old one then points to.

    `details` are fields of the allergy (`ALLERGY_FIELDS`) or of the medication (`MEDICATION_FIELDS`). The new memory
    has the mentions of the old one too: these are the words that it comes from.
    """
    memory = _open_for_decision(memory, by, reason)
    stated = _corrected(memory, content, details)
    key = _key(memory, stated)
    _refuse_duplicate(key, instead_of=memory)
    # The old memory steps aside first, for two live memories never share a fact; the foreign key is checked at commit.
    new_id = uuid7()
    memory.superseded_by_id = new_id
    memory.save()
    corrected = _remember_confirmed(stated, key, instead_of=memory, by=by, reason=reason, id=new_id)
    _answer_tasks(memory, Event.CORRECT, by, reason)
    retire(memory)
    raise_alerts(memory.patient)
    changed = [memory.pk, corrected.pk]
    record(Event.CORRECT, patient_id=memory.patient_id, objects=changed, resource=Memory, reason=reason)
    return corrected


def reinstate(memory: Memory, *, by: User, reason: str) -> Memory:
    """A clinician finds that what was refuted is true: a new confirmed memory with its words. The refuted one stays."""
    require_reviewer(by=by, reason=reason)
    lock_patient(memory.patient_id)
    memory = Memory.objects.with_details().get(pk=memory.pk)
    if memory.verification_status != VerificationStatus.REFUTED:
        raise DecisionRefused("Only what was refuted can be reinstated: reload the page to see what it is now.")
    _refuse_duplicate(memory.fact_key, instead_of=memory)
    again = _remember_confirmed(as_candidate(memory), memory.fact_key, instead_of=memory, by=by, reason=reason)
    _answer_tasks(memory, Event.CONFIRM, by, reason)
    raise_alerts(memory.patient)
    changed = [memory.pk, again.pk]
    record(Event.CONFIRM, patient_id=memory.patient_id, objects=changed, resource=Memory, reason=reason)
    return again


def edit(memory: Memory, *, by: User, **changes: Any) -> Memory:
    """Change a normal memory: its content, priority, metadata or expiry."""
    memory = _open_for_change(memory)
    if memory.verification_status == VerificationStatus.CONFIRMED:
        raise DecisionRefused("A clinician has confirmed this: let one correct it.")
    for name, value in changes.items():
        setattr(memory, name, value)
    memory.fact_key = _key(memory, as_candidate(memory))
    _refuse_duplicate(memory.fact_key, instead_of=memory)
    memory.save()
    if "content" in changes or "priority" in changes:
        _index_anew(memory)
    record(Event.UPDATE, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory)
    return memory


def delete(memory: Memory, *, by: User, reason: str) -> Memory:
    """Take a normal memory out of every recall. It stays in its history."""
    memory = _open_for_change(memory)
    memory.deleted_at, memory.deleted_by, memory.deletion_reason = timezone.now(), by, reason
    memory.save()
    retire(memory)
    record(Event.DELETE, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory, reason=reason)
    return memory


# --- the steps of a decision -----------------------------------------------------------------------------------------


def _open_for_decision(memory: Memory, by: User, reason: str) -> Memory:
    """The memory as it is now, locked, if this person may decide about it and it is live."""
    require_reviewer(by=by, reason=reason)
    lock_patient(memory.patient_id)
    memory = Memory.objects.with_details().get(pk=memory.pk)
    if not memory.is_live:
        raise DecisionRefused(f"This is {memory.status_label.lower()} already: reload the page to see by whom.")
    return memory


def _decide(memory: Memory, status: VerificationStatus, by: User, reason: str, event: Event) -> Memory:
    memory.verification_status, memory.verified_by = status, by
    memory.verified_at, memory.verification_reason = timezone.now(), reason
    memory.save()
    _answer_tasks(memory, event, by, reason)
    record(event, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory, reason=reason)
    return memory


def _retire(memory: Memory, status: VerificationStatus, by: User, reason: str, event: Event) -> Memory:
    memory = _decide(_open_for_decision(memory, by, reason), status, by, reason, event)
    retire(memory)
    raise_alerts(memory.patient)
    return memory


def _answer_tasks(memory: Memory, event: Event, by: User, reason: str) -> None:
    """The decision answers what was asked about this memory alone. What compares it with another one stays open
    while both are live: to confirm a medication does not clear an alert about it.
    """
    for task in memory.review_tasks.open().filter(related__isnull=True):
        task.decide(event, by=by, reason=reason)


def _assert_known_allergies(memory: Memory, by: User) -> None:
    if contradicting(memory):
        raise DecisionRefused("There are live allergies against it: refute them first, or refute this statement.")
    assert_known(memory, by=by)


def _open_for_change(memory: Memory) -> Memory:
    """The memory as it is now, locked, if it is live and none that only a decision changes."""
    if memory.is_critical:
        raise ReviewRefused("An allergy or a medication is changed by confirm, correct, refute or entered-in-error.")
    lock_patient(memory.patient_id)
    memory = Memory.objects.with_details().get(pk=memory.pk)
    if not memory.is_live:
        raise DecisionRefused(f"This is {memory.status_label.lower()} already and stays as it is.")
    return memory


# --- the steps of a correction ---------------------------------------------------------------------------------------


def _corrected(memory: Memory, content: str, details: dict[str, Any]) -> Candidate:
    """What the memory states once the correction is applied. A changed name is looked up in the vocabulary anew."""
    if unknown := sorted(set(details) - set(_correctable(memory))):
        raise DecisionRefused(f"Not to be corrected here: {', '.join(unknown)}.")
    if content and memory.is_critical:
        raise DecisionRefused("Correct the details: the sentence is made from them.")
    stated = as_candidate(memory)
    if not content and not any(getattr(_detail(memory), name) != value for name, value in details.items()):
        raise DecisionRefused("Nothing is changed: confirm it instead.")
    if allergy := stated.allergy:
        allergy = with_ingredient(replace(allergy, **details))
        return replace(stated, allergy=allergy, about=allergy.substance, content=allergy_sentence(allergy))
    if medication := stated.medication:
        medication = with_ingredient(replace(medication, **details))
        named = replace(stated, medication=medication, about=medication.drug, content=medication_sentence(medication))
        return prioritised(named)
    return replace(stated, content=content)


def _correctable(memory: Memory) -> tuple[str, ...]:
    """The details that a correction may change. "No known allergies" is true or not, and has none."""
    if memory.category == Category.MEDICATION:
        return MEDICATION_FIELDS
    names_substance = memory.category == Category.ALLERGY and memory.allergy.assertion == AllergyAssertion.SUBSTANCE
    return ALLERGY_FIELDS if names_substance else ()


def _detail(memory: Memory) -> AllergyDetail | MedicationDetail:
    return memory.allergy if memory.category == Category.ALLERGY else memory.medication


def _key(memory: Memory, stated: Candidate) -> str:
    """The key of what is stated now, in the scope of the memory."""
    return fact_key(stated, said_at=memory.last_said_at, scope=memory.scope_id)


def _refuse_duplicate(key: str, *, instead_of: Memory) -> None:
    twins = Memory.objects.for_patient(instead_of.patient).live().filter(fact_key=key).exclude(pk=instead_of.pk)
    if twins.exists():
        raise DecisionRefused("Another memory says this already: confirm that one, and refute this one.")


def _remember_confirmed(
    stated: Candidate, key: str, *, instead_of: Memory, by: User, reason: str, **fields: Any
) -> Memory:
    """A confirmed memory of what is stated, with the words of another one, and found by search."""
    memory = remember(
        stated,
        patient=instead_of.patient,
        key=key,
        said_at=instead_of.last_said_at,
        times_said=instead_of.times_said,
        verification_status=VerificationStatus.CONFIRMED,
        verified_by=by,
        verified_at=timezone.now(),
        verification_reason=reason,
        **fields,
    )
    _keep_words(instead_of, memory)
    if memory.category == Category.ALLERGY:
        _assert_known_allergies(memory, by)
    _index_anew(memory)
    return memory


def _keep_words(memory: Memory, corrected: Memory) -> None:
    for mention in memory.mentions.all():
        mention.pk, mention.memory, mention._state.adding = uuid7(), corrected, True
        mention.save()


def _index_anew(memory: Memory) -> None:
    """Bring the memory's index row up to date; if its vector takes waiting for, a job adds it."""
    index_memories([memory], embed_at_once([indexed_text(memory.category, memory.content)]))
    index_linked([memory])
