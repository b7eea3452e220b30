"""What is done for each patient by night. Safe to repeat: the second time there is nothing left to do."""

from dataclasses import dataclass
from uuid import UUID

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories.ageing import age_unused, retire_expired
from memories.grouping import group_duplicates
from memories.models import Memory
from memories.narrative import refresh_narrative
from memories.remembering import lock_patient
from patients.models import Patient

BY_NIGHT = "By night: expiry, ageing, grouping."


@dataclass(frozen=True, slots=True)
class Tended:
    """How many memories expired, stepped back or came back, and were linked; whether the summary text was made anew."""

    expired: int
    aged: int
    linked: int
    narrated: bool


def tend(patient: Patient, *, by: Actor) -> Tended:
    """Retire, age and group a patient's memories in one transaction, then bring the summary text up to date."""
    with acting_as(by.becoming_system("nightly", patient_id=patient.pk)):
        lock_patient(patient.pk)
        expired, aged, links = retire_expired(patient), age_unused(patient), group_duplicates(patient)
        changed = [memory.pk for memory in (*expired, *aged)] + [link.source_id for link in links]
        if changed:
            record(Event.UPDATE, patient_id=patient.pk, objects=changed, resource=Memory, reason=BY_NIGHT)
    return Tended(len(expired), len(aged), len(links), refresh_narrative(patient, by=by))


def patients_to_tend(*, by: Actor) -> list[UUID]:
    """The keys of the patients of whom anything is remembered."""
    with acting_as(by):
        return list(Memory.objects.order_by().values_list("patient_id", flat=True).distinct())
