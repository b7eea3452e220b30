"""What is to be known about a patient before a visit: counts, and every critical item with its status and age."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from memories.choices import Category, ClinicalStatus, Priority
from memories.models import Memory, MemoryQuerySet, ReviewTask
from patients.models import Patient

RECENT = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """A patient at a glance. `memories_by_category` names every category, with 0 where there is none."""

    patient: Patient
    total_memories: int
    critical_memories: int
    memories_by_category: dict[str, int]
    critical_items: list[Memory]
    recent_observations: list[Memory]
    upcoming_appointments: list[Memory]
    open_review_tasks: int


def summarise(patient: Patient) -> Summary:
    """Sum up the live memories of a patient whom the caller may see. Five queries."""
    live = Memory.objects.for_patient(patient).live().filter(scope="patient")
    counts = dict.fromkeys(Category.values, 0)
    counts.update(live.order_by().values_list("category").annotate(Count("pk")))
    critical_items = list(live.critical().with_details().order_by("category", "about"))
    return Summary(
        patient=patient,
        total_memories=sum(counts.values()),
        critical_memories=sum(item.priority == Priority.CRITICAL for item in critical_items),
        memories_by_category=counts,
        critical_items=critical_items,
        recent_observations=list(_of(live, Category.OBSERVATION).order_by("-last_said_at")[:RECENT]),
        upcoming_appointments=list(_upcoming(live)[:RECENT]),
        open_review_tasks=ReviewTask.objects.for_patient(patient).open().count(),
    )


def _of(live: MemoryQuerySet, category: Category) -> MemoryQuerySet:
    return live.filter(category=category).with_details()


def _upcoming(live: MemoryQuerySet) -> MemoryQuerySet:
    """Appointments to come; one whose date was not understood counts as to come, so that nobody misses it."""
    not_past = Q(valid_from__isnull=True) | Q(valid_from__gte=Now() - timedelta(hours=12))
    appointments = _of(live, Category.APPOINTMENT).filter(not_past, clinical_status=ClinicalStatus.ACTIVE)
    return appointments.order_by(F("valid_from").asc(nulls_last=True))
