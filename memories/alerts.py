"""Opening the questions that arise between the critical memories of one patient, whenever one of them changes.

A question is open once. One that a person has answered stays answered, with the reason to be seen, while the
situation is the same; a new dose, reaction or course is a new situation.
"""

from collections.abc import Iterable, Sequence

from memories.comparisons import Comparison, compare
from memories.models import Memory, ReviewTask, TaskState
from patients.models import Patient


def raise_alerts(patient: Patient) -> None:
    """Open every question between the patient's live critical memories: when one is retired, others may still be in
    question.
    """
    live = Memory.objects.for_patient(patient).live().critical().with_details().order_by("recorded_at")
    for comparison in compare(list(live)):
        _ask(comparison)


def raise_alerts_about(changed: Iterable[Memory], critical: Sequence[Memory]) -> None:
    """Open the questions between what has changed and `critical`, all live critical memories of the same patient."""
    keys = {memory.pk for memory in changed if memory.is_critical}
    for comparison in compare(critical, keys) if keys else ():
        _ask(comparison)


def _ask(comparison: Comparison) -> None:
    evidence = {**comparison.evidence, "pair": comparison.pair, "situation": comparison.situation}
    asked = ReviewTask.objects.for_patient(comparison.memory.patient).filter(
        kind=comparison.kind, evidence__pair=comparison.pair
    )
    for task in asked.exclude(state=TaskState.OBSOLETE):
        if task.state == TaskState.OPEN:
            task.say_again(comparison.explanation, comparison.severity, evidence)
            return
        if task.evidence.get("situation") == comparison.situation:
            return
    ReviewTask.objects.ask(
        comparison.kind,
        comparison.memory,
        comparison.explanation,
        comparison.severity,
        comparison.related,
        evidence,
    )
