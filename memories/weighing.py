"""What is known already that speaks for a memory or against it: what a reviewer sees beside the words it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from memories.choices import Category
from memories.comparisons import Comparison, compare, findings_for
from memories.models import Memory, MemoryLink, ReviewTask


@dataclass(frozen=True, slots=True)
class Weighed:
    """What surrounds the memory of a question.

    `agrees` and `disagrees` are memories with the words that say how; `before` what was decided about the same thing
    and no longer counts; `others` the other live allergies and medications; `checks` a medication against each allergy.
    """

    agrees: Sequence[tuple[str, Memory]]
    disagrees: Sequence[tuple[str, Memory]]
    before: Sequence[Memory]
    others: Sequence[Memory]
    checks: Sequence[tuple[Memory, Any]]

    @property
    def shown(self) -> set[Memory]:
        told = (memory for _, memory in (*self.agrees, *self.disagrees))
        return {*told, *self.before, *self.others}


def weigh(task: ReviewTask) -> Weighed:
    """Look at a question's memory beside what else is known of the patient. Three queries."""
    memory = task.memory
    known = list(
        Memory.objects.for_patient(task.patient)
        .live()
        .critical()
        .with_details()
        .exclude(pk=memory.pk)
        .order_by("category", "about")
    )
    against = compare([memory, *known], {memory.pk}) if memory.is_live and memory.is_critical else []
    disagrees = [(comparison.explanation, _other_end(comparison, memory)) for comparison in against]
    apart = {task.related_id, *(other.pk for _, other in disagrees)}
    return Weighed(
        agrees=_linked(memory),
        disagrees=[(words, other) for words, other in disagrees if other.pk != task.related_id],
        before=_decided_before(memory),
        others=[other for other in known if other.pk not in apart],
        checks=findings_for(memory, known) if memory.category == Category.MEDICATION else [],
    )


def _other_end(comparison: Comparison, memory: Memory) -> Memory:
    return comparison.related if comparison.memory.pk == memory.pk else comparison.memory


def _linked(memory: Memory) -> list[tuple[str, Memory]]:
    links = MemoryLink.objects.for_patient(memory.patient).standing().touching(memory).with_ends()
    return [(words, other) for words, other in (link.seen_from(memory) for link in links) if other.is_live]


def _decided_before(memory: Memory) -> list[Memory]:
    """What was said of the same thing and was refuted, corrected or entered in error, the latest first."""
    same = Q(fact_key=memory.fact_key) | Q(about__iexact=memory.about)
    told = Memory.objects.for_patient(memory.patient).filter(same, category=memory.category).exclude(pk=memory.pk)
    past = told.exclude(pk__in=Memory.objects.live().values("pk"))
    return list(past.select_related("verified_by").order_by("-recorded_at")[:5])
