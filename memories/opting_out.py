"""A patient who no longer wants to be remembered."""

from dataclasses import dataclass

from django.utils import timezone

from audit.models import Event
from audit.recording import record
from memories.choices import Category, VerificationStatus
from memories.indexing import unindex
from memories.models import Memory, ReviewTask
from memories.remembering import lock_patient
from patients.models import Patient, User

#: The reason where none is asked for.
OPTED_OUT = "The patient opted out."


@dataclass(frozen=True, slots=True)
class OptedOut:
    """How many memories left every recall, and how many stay for the patient's safety."""

    retired: int
    kept: int


def opt_out(patient: Patient, *, by: User, reason: str) -> OptedOut:
    """From now on nothing is remembered from what is said, and what was extracted leaves every recall.

    Allergies stay, confirmed or waiting in the queue, and so does what staff confirmed of medications; the record
    stays whole. Once more, it takes out what was added since. Runs inside the caller's `acting_as`.
    """
    lock_patient(patient.pk)
    patient = Patient.objects.select_for_update(no_key=True).get(pk=patient.pk)
    if not patient.is_opted_out:
        patient.opted_out_at = timezone.now()
        patient.save(update_fields=["opted_out_at", "updated_at"])
    live = list(Memory.objects.for_patient(patient).live())
    leaving = [memory for memory in live if not _stays(memory)]
    for memory in leaving:
        memory.deleted_at, memory.deleted_by, memory.deletion_reason = timezone.now(), by, reason
        memory.save(update_fields=["deleted_at", "deleted_by", "deletion_reason", "updated_at"])
    _close_questions(leaving)
    unindex(leaving)
    keys = [memory.pk for memory in leaving]
    record(Event.DELETE, patient_id=patient.pk, objects=keys, resource=Memory, reason=reason)
    return OptedOut(len(leaving), len(live) - len(leaving))


def _stays(memory: Memory) -> bool:
    is_confirmed = memory.verification_status == VerificationStatus.CONFIRMED
    return memory.category == Category.ALLERGY or (memory.is_critical and is_confirmed)


def _close_questions(leaving: list[Memory]) -> None:
    """What is asked about a memory that is gone, on either side, is asked no more."""
    gone = {memory.pk for memory in leaving}
    for task in ReviewTask.objects.open().filter(patient__in={memory.patient_id for memory in leaving}):
        if task.memory_id in gone or task.related_id in gone:
            task.make_obsolete()
