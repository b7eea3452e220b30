"""The patients in the asker's care, and the pages about each."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from audit.mixins import RecordedAdmin
from memories.admin.asker import user_of
from memories.admin.exports import exported
from memories.admin.overview import ASSERTED_NONE, overview, printed, reconciliation, timeline
from memories.admin.visit import visit
from memories.choices import AllergyAssertion
from memories.models import Memory
from memories.opting_out import OPTED_OUT, opt_out
from patients.models import CareAssignment, KnownAllergies, Patient
from patients.roles import Role

PatientPage = Callable[[RecordedAdmin, HttpRequest, Patient], HttpResponse]
#: The pages about one patient, by the last part of their address.
PAGES: dict[str, PatientPage] = {
    "overview": overview,
    "visit": visit,
    "timeline": timeline,
    "reconciliation": reconciliation,
    "print": printed,
    "export": exported,
}


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
        pages = [
            path(f"<uuid:object_id>/{name}/", self._page_of_patient(view), name=f"patients_patient_{name}")
            for name, view in PAGES.items()
        ]
        return [*pages, *super().get_urls()]

    def _page_of_patient(self, view: PatientPage) -> Callable[..., HttpResponse]:
        def shown(request: HttpRequest, object_id: object) -> HttpResponse:
            return view(self, request, self.visible_object(request, object_id))

        return self.admin_site.admin_view(shown)

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
        """Who registers a patient cares for them: else nobody could see what was registered. Who opts out leaves every
        recall, as over REST.
        """
        super().save_model(request, obj, form, change)
        if not change:
            CareAssignment.objects.create(patient=obj, user=user_of(request), role=Role.CLINICIAN)
        elif "opted_out_at" in form.changed_data and obj.is_opted_out:
            opt_out(obj, by=user_of(request), reason=OPTED_OUT)

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
