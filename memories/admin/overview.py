"""A patient at a glance: allergies on top, then what is in question, taken, seen and to come, and who cares."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Max, QuerySet
from django.http import HttpRequest, HttpResponse

from audit.mixins import RecordedAdmin, granted, record_shown
from audit.models import AccessLog, Event
from audit.recording import record
from memories.admin.runs import became_in_words
from memories.admin.summaries import summary_panel
from memories.choices import AllergyAssertion, Category
from memories.comparisons import TAKEN
from memories.models import Conversation, Memory, ReviewTask, TaskKind
from memories.reconciling import reconcile
from memories.summary import Summary, summarise
from memories.tasks import ask_for_narrative
from patients.models import CareAssignment, EmergencyAccess, KnownAllergies, Patient, TeamPatient

CONVERSATIONS, TIMELINE, LOOKED = 5, 10, 8
TIMELINE_PAGE = 50
ASSERTED_NONE = (KnownAllergies.NONE_KNOWN, KnownAllergies.NO_DRUG_KNOWN)


def overview(page: RecordedAdmin, request: HttpRequest, patient: Patient) -> HttpResponse:
    summary = summarise(patient)
    may = granted(request)
    tasks = _open_questions(patient) if "memories.view_reviewtask" in may else []
    past, told = _no_longer_true(patient), list(timeline_of(patient)[:TIMELINE])
    conversations = Conversation.objects.for_patient(patient).kept().prefetch_related("runs")[:CONVERSATIONS]
    seen = {*summary.shown, *(memory.pk for memory in (*past, *told))}
    record(Event.SUMMARY, patient_id=patient.pk, objects=seen, resource=Memory)
    ask_for_narrative(summary)
    return page.page(
        request,
        "memories/patient.html",
        "Patient",
        patient=patient,
        summary=summary,
        panel=summary_panel(summary),
        conflicts=[task for task in tasks if task.kind != TaskKind.VERIFY],
        tasks=[task for task in tasks if task.kind == TaskKind.VERIFY],
        past=past,
        timeline=told,
        conversations=[{"it": it, "became": became_in_words(it)} for it in conversations],
        team=_team_of(patient),
        looked=_who_looked(patient) if "audit.view_accesslog" in may else None,
        may=may,
        **critical_in_words(patient, summary),
    )


def printed(page: RecordedAdmin, request: HttpRequest, patient: Patient) -> HttpResponse:
    """The same for paper, without what only leads elsewhere."""
    summary = summarise(patient)
    record(Event.SUMMARY, patient_id=patient.pk, objects=summary.shown, resource=Memory, reason="Printed")
    return page.page(
        request,
        "memories/print.html",
        "Summary",
        patient=patient,
        summary=summary,
        narrative=summary.narrative.sentences[len(summary.critical_items) :],
        conflicts=[task for task in summary.review_tasks if task.kind != TaskKind.VERIFY],
        **critical_in_words(patient, summary),
    )


def timeline(page: RecordedAdmin, request: HttpRequest, patient: Patient) -> HttpResponse:
    """Everything that was ever remembered, the latest first, whatever became of it."""
    shown = Paginator(timeline_of(patient), TIMELINE_PAGE).get_page(request.GET.get("page"))
    record_shown(shown.object_list, resource=Memory)
    return page.page(request, "memories/timeline.html", "Timeline", patient=patient, shown=shown)


def reconciliation(page: RecordedAdmin, request: HttpRequest, patient: Patient) -> HttpResponse:
    """What was said beside what is confirmed."""
    lines = reconcile(patient)
    record_shown(
        [memory for of in lines.values() for line in of for memory in (*line.said, *line.confirmed)], resource=Memory
    )
    return page.page(
        request,
        "memories/reconciliation.html",
        "Said and confirmed",
        patient=patient,
        parts=[(Category(category).label, of) for category, of in lines.items()],
        allergies_in_words=allergies_in_words(
            patient, [memory for line in lines[Category.ALLERGY] for memory in (*line.said, *line.confirmed)]
        ),
    )


def critical_in_words(patient: Patient, summary: Summary) -> dict[str, Any]:
    """The allergies and medications of a summary as every page of a patient shows them."""
    medications = [item for item in summary.critical_items if item.category == Category.MEDICATION]
    return {
        "allergies": [item for item in summary.critical_items if item.category == Category.ALLERGY],
        "allergies_in_words": allergies_in_words(patient, summary.critical_items),
        "taken": [item for item in medications if item.medication.status in TAKEN],
        "not_taken": [item for item in medications if item.medication.status not in TAKEN],
    }


def allergies_in_words(patient: Patient, critical_items: list[Memory]) -> str:
    """What is asserted of a patient's allergies as a whole, by whom and when. Never inferred from an empty list."""
    substances = [
        item
        for item in critical_items
        if item.category == Category.ALLERGY and item.allergy.assertion == AllergyAssertion.SUBSTANCE
    ]
    status = patient.known_allergies_status
    if status in ASSERTED_NONE:
        said = f"{patient.known_allergies_asserted_at:%d %b %Y}, {patient.known_allergies_asserted_by}"
        return f"{patient.get_known_allergies_status_display()} (asserted {said})"
    if substances:
        return ""
    return "Unknown. Nobody has asserted that there are none: ask, and record the answer."


def timeline_of(patient: Patient) -> QuerySet[Memory]:
    told = Memory.objects.for_patient(patient).select_related("verified_by", "deleted_by")
    return told.order_by("-last_said_at", "-recorded_at")


def _open_questions(patient: Patient) -> list[ReviewTask]:
    return list(ReviewTask.objects.open().by_urgency().for_patient(patient).select_related("memory"))


def _no_longer_true(patient: Patient) -> list[Memory]:
    """Allergies that were refuted or entered in error: struck through, with the reason, and never out of sight."""
    live = Memory.objects.live().values("pk")
    allergies = Memory.objects.for_patient(patient).filter(category=Category.ALLERGY, superseded_by__isnull=True)
    return list(allergies.exclude(pk__in=live).select_related("verified_by", "deleted_by"))


def _team_of(patient: Patient) -> dict[str, Any]:
    """Who cares for the patient now, and who has emergency access."""
    assigned = CareAssignment.objects.current().filter(patient=patient).select_related("user")
    return {
        "people": assigned.order_by("role", "user__username"),
        "teams": TeamPatient.objects.current().filter(patient=patient).select_related("team"),
        "emergencies": EmergencyAccess.objects.current().filter(patient=patient).select_related("user"),
    }


def _who_looked(patient: Patient) -> list[Any]:
    """Who has looked at or changed anything of this patient, how often, and when last."""
    entries = AccessLog.objects.for_patient(patient.pk).order_by().values("actor_label")
    return list(entries.annotate(times=Count("pk"), last=Max("recorded_at")).order_by("-last")[:LOOKED])
