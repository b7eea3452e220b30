"""The first page: what needs me now, in words also when it is nothing."""

from collections import Counter
from typing import Any

from django.http import HttpRequest

from audit.mixins import actor_of, granted, record_shown
from memories.admin.review import open_tasks
from memories.admin.runs import became_in_words
from memories.models import Conversation, ExtractionRun, ReviewSeverity, ReviewTask
from patients.models import Patient

SHOWN = 5


def with_workplace(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's context of the index with what the asker's roles let them see."""
    allowed = granted(request)
    context["may"] = allowed
    context["title"] = "Today"
    if "memories.view_reviewtask" in allowed:
        context.update(_questions(request))
    if "memories.view_conversation" in allowed:
        context.update(_conversations(request))
    return context


def _questions(request: HttpRequest) -> dict[str, Any]:
    waiting = open_tasks(actor_of(request))
    first = list(waiting.select_related("patient", "memory")[:SHOWN])
    if first:
        record_shown(first, resource=ReviewTask)
    counted = Counter(waiting.values_list("severity", flat=True))
    by_severity = [(severity.label, counted[severity]) for severity in ReviewSeverity]
    return {"questions": first, "by_severity": by_severity, "waiting": sum(counted.values())}


def _conversations(request: HttpRequest) -> dict[str, Any]:
    latest = Conversation.objects.visible_to(actor_of(request)).select_related("patient").prefetch_related("runs")
    shown = list(latest[:SHOWN])
    if shown:
        record_shown(shown, resource=Conversation)
    return {
        "failed_runs": ExtractionRun.objects.visible_to(actor_of(request)).unread().count(),
        "patients": Patient.objects.visible_to(actor_of(request)).count(),
        "conversations": [{"it": it, "became": became_in_words(it)} for it in shown],
    }
