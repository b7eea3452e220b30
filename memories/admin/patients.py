"""A patient at a glance: allergies on top, then medications, what is open, what was seen, what comes."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from audit.mixins import RecordedAdmin, granted
from audit.models import Event
from audit.recording import record
from memories.admin.asker import user_of
from memories.admin.runs import became_in_words
from memories.admin.summaries import summary_panel
from memories.choices import AllergyAssertion, Category
from memories.comparisons import TAKEN
from memories.models import Conversation, Memory, ReviewTask
from memories.summary import summarise
from memories.tasks import ask_for_narrative
from patients.models import CareAssignment, KnownAllergies, Patient
from patients.roles import Role

CONVERSATIONS = 5
ASSERTED_NONE = (KnownAllergies.NONE_KNOWN, KnownAllergies.NO_DRUG_KNOWN)


@admin.register(Patient)
class PatientAdmin(RecordedAdmin):
    list_display = ["page_link", "external_id", "birth_date", "known_allergies", "is_active"]
    list_display_links = None
    list_filter = [("is_active", BooleanRadioFilter)]
    actions = None
    fieldsets = [
        (None, {"fields": ["external_id", "given_name", "family_name", "birth_date", "is_active"]}),
        ("Consent", {"fields": ["consent_given_at", "consent_given_by", "opted_out_at"]}),
    ]

    def get_urls(self) -> list[Any]:
        overview = path(
            "<uuid:object_id>/overview/",
            self.admin_site.admin_view(self.overview),
            name="patients_patient_overview",
        )
        return [overview, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Patient]:
        substances = Memory.objects.live().filter(allergy__assertion=AllergyAssertion.SUBSTANCE)
        of_patient = substances.filter(patient=OuterRef("pk")).order_by().values("patient").annotate(count=Count("pk"))
        return super().get_queryset(request).annotate(allergy_count=Subquery(of_patient.values("count")))

    def get_readonly_fields(self, request: HttpRequest, obj: Patient | None = None) -> list[str]:
        """Other software knows a patient by the id: it stays."""
        return ["external_id"] if obj else []

    def patient_of(self, row: Patient) -> object:
        return row.pk

    def save_model(self, request: HttpRequest, obj: Patient, form: Any, change: bool) -> None:
        """Who registers a patient cares for them: else nobody could see what was registered."""
        super().save_model(request, obj, form, change)
        if not change:
            CareAssignment.objects.create(patient=obj, user=user_of(request), role=Role.CLINICIAN)

    def response_post_save_add(self, request: HttpRequest, obj: Patient) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:patients_patient_overview", args=[obj.pk]))

    response_post_save_change = response_post_save_add

    # --- the list --------------------------------------------------------------------------------------------------

    @display(description="Patient", ordering="family_name")
    def page_link(self, patient: Patient) -> SafeString:
        url = reverse("admin:patients_patient_overview", args=[patient.pk])
        return format_html('<a class="wp-link" href="{}">{}</a>', url, patient)

    @display(description="Allergies")
    def known_allergies(self, patient: Any) -> str:
        """ "Unknown" is said of nobody who has an allergy on record, confirmed or not."""
        if count := patient.allergy_count:
            return f"{count} recorded"
        if patient.known_allergies_status in ASSERTED_NONE:
            return patient.get_known_allergies_status_display()
        return KnownAllergies.UNKNOWN.label

    # --- the page --------------------------------------------------------------------------------------------------

    def overview(self, request: HttpRequest, object_id: object) -> HttpResponse:
        patient = self.visible_object(request, object_id)
        summary = summarise(patient)
        tasks = _open_questions(patient) if "memories.view_reviewtask" in granted(request) else []
        past = _no_longer_true(patient)
        conversations = Conversation.objects.for_patient(patient).kept().prefetch_related("runs")[:CONVERSATIONS]
        seen = {*summary.shown, *(memory.pk for memory in past)}
        record(Event.SUMMARY, patient_id=patient.pk, objects=seen, resource=Memory)
        ask_for_narrative(summary)
        return self.page(
            request,
            "memories/patient.html",
            "Patient",
            patient=patient,
            summary=summary,
            panel=summary_panel(summary),
            allergies=[item for item in summary.critical_items if item.category == Category.ALLERGY],
            allergies_in_words=allergies_in_words(patient, summary.critical_items),
            taken=[item for item in _medications(summary.critical_items) if item.medication.status in TAKEN],
            not_taken=[item for item in _medications(summary.critical_items) if item.medication.status not in TAKEN],
            tasks=tasks,
            past=past,
            conversations=[{"it": it, "became": became_in_words(it)} for it in conversations],
            may=granted(request),
        )


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


def _medications(items: list[Memory]) -> list[Memory]:
    return [item for item in items if item.category == Category.MEDICATION]


def _open_questions(patient: Patient) -> list[ReviewTask]:
    return list(ReviewTask.objects.open().by_urgency().for_patient(patient).select_related("memory"))


def _no_longer_true(patient: Patient) -> QuerySet[Memory]:
    """Allergies that were refuted or entered in error: struck through, with the reason, and never out of sight."""
    live = Memory.objects.live().values("pk")
    allergies = Memory.objects.for_patient(patient).filter(category=Category.ALLERGY, superseded_by__isnull=True)
    return allergies.exclude(pk__in=live).select_related("verified_by")
