"""The first page: what needs me now, in words also when it is nothing, and in others when it could not be loaded."""

import logging
from collections.abc import Callable
from datetime import datetime, time
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Count, Min
from django.http import HttpRequest
from django.utils import timezone

from audit.actors import Actor
from audit.mixins import actor_of, granted, record_shown
from audit.models import Event
from audit.recording import record_each
from memories.admin.figures import accesses_by_day, memories_by_category, queue_over_time
from memories.admin.review import open_tasks
from memories.admin.runs import became_in_words
from memories.models import Conversation, ExtractionRun, ReviewSeverity, ReviewTask, TaskKind
from patients.models import Patient

SHOWN = 5
VISITS = 50
PATIENTS = 8
logger = logging.getLogger(__name__)

Panel = tuple[str, Callable[[Actor], dict[str, Any]]]


def with_workplace(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's context of the index with what the asker's roles let them see."""
    allowed = granted(request)
    context.update(may=allowed, title="Today", could_not_load=set())
    for permission, panels in PANELS.items():
        for name, load in panels if permission in allowed else ():
            _load(context, name, load, actor_of(request))
    return context


def _load(context: dict[str, Any], name: str, load: Callable[[Actor], dict[str, Any]], actor: Actor) -> None:
    """One panel must not take the others with it; and what failed must not look like nothing."""
    try:
        with transaction.atomic():
            context.update(load(actor))
    except DatabaseError as error:
        logger.warning("The panel %s of the first page could not be loaded: %s", name, type(error).__name__)
        context["could_not_load"].add(name)


# --- the panels ------------------------------------------------------------------------------------------------------


def _questions(actor: Actor) -> dict[str, Any]:
    waiting = open_tasks(actor)
    counted = waiting.order_by("severity").values_list("severity").annotate(Count("pk"), Min("created_at"))
    by_severity = [
        {"label": ReviewSeverity(severity).label, "value": severity, "count": count, "oldest": oldest}
        for severity, count, oldest in counted
    ]
    first = list(waiting.select_related("patient", "memory").exclude(kind=TaskKind.ALLERGY_DRUG)[:SHOWN])
    alerts = list(waiting.select_related("patient", "memory").filter(kind=TaskKind.ALLERGY_DRUG)[:SHOWN])
    if shown := [*first, *alerts]:
        record_shown(shown, resource=ReviewTask)
    return {
        "questions": first,
        "alerts": alerts,
        "most_urgent": waiting.values_list("pk", flat=True).first(),
        "by_severity": by_severity,
        "waiting": sum(of_severity["count"] for of_severity in by_severity),
        "overdue": ReviewTask.objects.overdue().visible_to(actor).count(),
    }


def _conversations(actor: Actor) -> dict[str, Any]:
    latest = Conversation.objects.visible_to(actor).kept().select_related("patient").prefetch_related("runs")
    shown = list(latest[:SHOWN])
    if shown:
        record_shown(shown, resource=Conversation)
    return {
        "failed_runs": ExtractionRun.objects.visible_to(actor).unread().count(),
        "conversations": [{"it": it, "became": became_in_words(it)} for it in shown],
    }


def _visited(actor: Actor) -> dict[str, Any]:
    """The patients about whom something was said today, the latest first, each once."""
    midnight = timezone.make_aware(datetime.combine(timezone.localdate(), time.min))
    today = Conversation.objects.visible_to(actor).kept().filter(said_at__gte=midnight, said_at__lte=timezone.now())
    visits: dict[object, dict[str, Any]] = {}
    for conversation in today.select_related("patient", "recorded_by")[:VISITS]:
        visit = visits.setdefault(conversation.patient_id, {"latest": conversation, "count": 0})
        visit["count"] += 1
    if visits:
        record_shown([visit["latest"] for visit in visits.values()], resource=Conversation)
    return {"visited": list(visits.values())}


def _in_care(actor: Actor) -> dict[str, Any]:
    visible = Patient.objects.visible_to(actor)
    first = list(visible.filter(is_active=True)[:PATIENTS])
    record_each(Event.LIST, {patient.pk: [patient.pk] for patient in first}, resource=Patient)
    return {"patients": visible.count(), "first_patients": first}


#: What each permission shows: the panels by name.
PANELS: dict[str, list[Panel]] = {
    "patients.view_patient": [("patients", _in_care)],
    "memories.view_reviewtask": [
        ("questions", _questions),
        ("queue_chart", lambda actor: {"queue_chart": queue_over_time(actor)}),
    ],
    "memories.view_conversation": [("conversations", _conversations), ("visited", _visited)],
    "memories.view_memory": [("memories_chart", lambda actor: {"memories_chart": memories_by_category(actor)})],
    "audit.view_accesslog": [("accesses_chart", lambda actor: {"accesses_chart": accesses_by_day(actor)})],
}
