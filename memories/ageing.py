"""What time does to memories, by night: expired ones leave the index, unused ones step back. Nothing is deleted."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from audit.actors import acting_as, current_actor
from audit.models import AccessLog, Event
from memories.choices import CRITICAL_CATEGORIES, ClinicalStatus, Priority, VerificationStatus
from memories.indexing import unindex
from memories.models import Memory, MemoryQuerySet
from memories.models.memory import AGED_AT
from patients.models import Patient

#: What counts as use beside being said: it was searched for and found, opened, or told to a model.
USES = (Event.SEARCH, Event.READ)


def unaged(memories: MemoryQuerySet) -> MemoryQuerySet:
    """Those that have not stepped back."""
    return memories.exclude(clinical_status=ClinicalStatus.INACTIVE, metadata__has_key=AGED_AT)


def retire_expired(patient: Patient) -> list[Memory]:
    """Take what has expired out of the index. The caller holds `lock_patient`."""
    expired = list(Memory.objects.for_patient(patient).filter(expires_at__lte=timezone.now(), index_rows__isnull=False))
    unindex(expired)
    return expired


def age_unused(patient: Patient) -> list[Memory]:
    """Make normal memories inactive that for `AGEING_DAYS` were neither said nor recalled, and active again those
    that were since. Never an allergy or a medication, nor what a person confirmed. The caller holds `lock_patient`.
    """
    since = timezone.now() - timedelta(days=settings.AGEING_DAYS)
    used = _used(patient, since)
    aged = [memory for memory in _active(patient).filter(last_said_at__lt=since) if str(memory.pk) not in used]
    back = [m for m in _aged(patient) if m.last_said_at >= since or str(m.pk) in used]
    for memory in aged:
        memory.clinical_status = ClinicalStatus.INACTIVE
        memory.metadata = {**memory.metadata, AGED_AT: timezone.now().isoformat()}
        memory.save(update_fields=["clinical_status", "metadata", "updated_at"])
    for memory in back:
        memory.clinical_status = ClinicalStatus.ACTIVE
        memory.metadata = {name: value for name, value in memory.metadata.items() if name != AGED_AT}
        memory.save(update_fields=["clinical_status", "metadata", "updated_at"])
    return [*aged, *back]


def _fleeting(patient: Patient) -> MemoryQuerySet:
    """What may age at all."""
    live = Memory.objects.for_patient(patient).live().exclude(category__in=CRITICAL_CATEGORIES)
    return live.filter(priority=Priority.NORMAL, verification_status=VerificationStatus.UNCONFIRMED)


def _active(patient: Patient) -> MemoryQuerySet:
    return _fleeting(patient).filter(clinical_status=ClinicalStatus.ACTIVE)


def _aged(patient: Patient) -> MemoryQuerySet:
    return _fleeting(patient).filter(clinical_status=ClinicalStatus.INACTIVE, metadata__has_key=AGED_AT)


def _used(patient: Patient, since: datetime) -> set[str]:
    """Keys of what was recalled since, by the record of accesses, which an actor of one patient does not read."""
    with acting_as(current_actor().becoming_system("nightly")):
        accesses = AccessLog.objects.for_patient(patient.pk).filter(
            recorded_at__gte=since, event__in=USES, resource=Memory._meta.label_lower
        )
        return {key for keys in accesses.values_list("object_ids", flat=True) for key in keys}
