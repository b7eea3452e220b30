"""What is to be known about a patient before a visit: counts, critical items, what is open, the summary text."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from memories.choices import Category, ClinicalStatus, MedicationStatus, Priority, Scope
from memories.models import Memory, MemoryQuerySet, ReviewTask
from memories.narrative import Narrative, narrative_of
from patients.models import Patient

RECENT = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """A patient at a glance. `memories_by_category` names every category, with 0 where there is none.

    `critical_items` are all live allergies and medications, whatever their scope; `active_medications` those of them
    that are said to be taken now; `review_tasks` the open ones, most urgent first.
    """

    patient: Patient
    total_memories: int
    critical_memories: int
    memories_by_category: dict[str, int]
    critical_items: list[Memory]
    active_medications: list[Memory]
    recent_observations: list[Memory]
    upcoming_appointments: list[Memory]
    review_tasks: list[ReviewTask]
    narrative: Narrative

    @property
    def open_review_tasks(self) -> int:
        return len(self.review_tasks)

    @property
    def shown(self) -> set[object]:
        """The keys of all memories that it tells of."""
        listed = (*self.critical_items, *self.recent_observations, *self.upcoming_appointments)
        told = (UUID(key) for sentence in self.narrative.sentences for key in sentence.memory_ids)
        return {*(memory.pk for memory in listed), *told}


def summarise(patient: Patient) -> Summary:
    """Sum up the live memories of a patient whom the caller may see. Ten queries."""
    remembered = Memory.objects.for_patient(patient).live()
    live = remembered.filter(scope=Scope.PATIENT)
    counts = dict.fromkeys(Category.values, 0)
    counts.update(live.order_by().values_list("category").annotate(Count("pk")))
    critical_items = list(remembered.critical().with_details().order_by("category", "about"))
    return Summary(
        patient=patient,
        total_memories=sum(counts.values()),
        critical_memories=sum(item.priority == Priority.CRITICAL for item in critical_items),
        memories_by_category=counts,
        critical_items=critical_items,
        active_medications=[item for item in critical_items if _is_taken(item)],
        recent_observations=list(_of(live, Category.OBSERVATION).order_by("-last_said_at")[:RECENT]),
        upcoming_appointments=list(_upcoming(live)[:RECENT]),
        review_tasks=list(ReviewTask.objects.for_patient(patient).open().by_urgency()),
        narrative=narrative_of(patient, critical_items),
    )


def _is_taken(item: Memory) -> bool:
    """Whether it is a medication said to be taken now; not a planned, stopped or uncertain one."""
    medication = getattr(item, "medication", None)
    return medication is not None and medication.status == MedicationStatus.ACTIVE


def _of(live: MemoryQuerySet, category: Category) -> MemoryQuerySet:
    return live.filter(category=category).with_details()


def _upcoming(live: MemoryQuerySet) -> MemoryQuerySet:
    """Appointments to come; one whose date was not understood counts as to come, so that nobody misses it."""
    not_past = Q(valid_from__isnull=True) | Q(valid_from__gte=Now() - timedelta(hours=12))
    appointments = _of(live, Category.APPOINTMENT).filter(not_past, clinical_status=ClinicalStatus.ACTIVE)
    return appointments.order_by(F("valid_from").asc(nulls_last=True))
