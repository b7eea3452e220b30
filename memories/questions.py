"""Answering a question about a memory without changing the memory: it stays as decided, or is to be asked again."""

from django.db import transaction

from audit.models import Event
from audit.recording import record
from memories.choices import VerificationStatus
from memories.models import Memory, ReviewTask, TaskState
from memories.remembering import lock_patient
from memories.reviewing import DecisionRefused, require_reviewer
from patients.models import User

KEPT = "kept"


def keep_as_it_is(task: ReviewTask, *, by: User, reason: str) -> ReviewTask:
    """A clinician has looked at what speaks against a decision, and the decision stands.

    Raises `DecisionRefused` for a memory that still waits to be confirmed or refuted: that is the question then.
    """
    require_reviewer(by=by, reason=reason)
    with transaction.atomic():
        task = _still_open(task)
        if needs_verification(task.memory):
            raise DecisionRefused("This is not confirmed yet: confirm it, correct it or refute it.")
        task.decide(KEPT, by=by, reason=reason)
        record(Event.UPDATE, patient_id=task.patient_id, objects=[task.pk], resource=ReviewTask, reason=reason)
    return task


def ask_again(task: ReviewTask, *, by: User, reason: str) -> ReviewTask:
    """A clinician cannot tell yet: the question stays open, and whoever visits next is told what to ask."""
    require_reviewer(by=by, reason=reason)
    with transaction.atomic():
        task = _still_open(task)
        task.ask_again(reason, by=by)
        record(Event.UPDATE, patient_id=task.patient_id, objects=[task.pk], resource=ReviewTask, reason=reason)
    return task


def _still_open(task: ReviewTask) -> ReviewTask:
    """The task as it is now, locked. Raises `DecisionRefused` if it is closed."""
    lock_patient(task.patient_id)
    task = ReviewTask.objects.select_related("memory").get(pk=task.pk)
    if task.state != TaskState.OPEN:
        raise DecisionRefused("This question is answered already: go on to the next one.")
    return task


def needs_verification(memory: Memory) -> bool:
    """Whether a person must still say if this is true."""
    return memory.is_live and memory.verification_status == VerificationStatus.UNCONFIRMED
