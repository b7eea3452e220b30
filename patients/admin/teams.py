"""Who cares for whom: one by one, and as teams. It ends by its date; nothing is deleted."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from audit.mixins import RecordedAdmin, actor_of, visible_rows
from audit.models import Event
from audit.recording import record
from patients.admin.typed_patient import TypedPatientForm
from patients.models import CareAssignment, CareTeam, Patient, TeamMember, TeamPatient
from patients.roles import Role


class AssignmentForm(TypedPatientForm):
    class Meta:
        model = CareAssignment
        fields = ["user", "role", "starts_at", "ends_at"]


@admin.register(CareAssignment)
class CareAssignmentAdmin(RecordedAdmin):
    """Who cares for whom. It ends by its date: nothing is deleted, so that it stays known who could see a patient."""

    form = AssignmentForm
    list_display = ["patients_id", "user", "role", "starts_at", "ends_at"]
    list_filter = [("role", ChoicesDropdownFilter), "user"]
    fields = ["patient_id_typed", "user", "role", "starts_at", "ends_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CareAssignment]:
        assignments = super().get_queryset(request).select_related("patient", "user")
        if actor_of(request).has_role(Role.ADMINISTRATOR):
            return assignments
        return assignments.filter(patient__in=visible_rows(Patient.objects.all(), request))

    def get_fields(self, request: HttpRequest, obj: CareAssignment | None = None) -> list[str]:
        if self.has_change_permission(request, obj):
            return self.fields
        return ["patients_id", *self.fields[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: CareAssignment | None = None) -> list[str]:
        return [] if self.has_change_permission(request, obj) else ["patients_id"]

    @display(description="Patient's id", ordering="patient__external_id")
    def patients_id(self, assignment: CareAssignment) -> str:
        return assignment.patient.external_id


class TeamPatientForm(TypedPatientForm):
    class Meta:
        model = TeamPatient
        fields = ["starts_at", "ends_at"]


class MemberInline(TabularInline):
    model = TeamMember
    fields = ["user", "starts_at", "ends_at"]
    extra = 0
    can_delete = False
    tab = False


class TeamPatientInline(TabularInline):
    model = TeamPatient
    form = TeamPatientForm
    fields = ["patient_id_typed", "starts_at", "ends_at"]
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamPatient]:
        return super().get_queryset(request).select_related("patient")


@admin.register(CareTeam)
class CareTeamAdmin(RecordedAdmin):
    """People who care together for the same patients. Each belongs from then until then."""

    list_display = ["name", "people", "patients"]
    search_fields = ["name"]
    fields = ["name"]
    inlines = [MemberInline, TeamPatientInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CareTeam]:
        people = Count("members__user", distinct=True, filter=_now("members"))
        patients = Count("cared_for__patient", distinct=True, filter=_now("cared_for"))
        return super().get_queryset(request).annotate(people_now=people, patients_now=patients)

    def save_formset(self, request: HttpRequest, form: forms.ModelForm, formset: Any, change: bool) -> None:
        """Who joins or leaves, and which patient, is on record of each."""
        super().save_formset(request, form, formset, change)
        saved = [(Event.CREATE, row) for row in formset.new_objects]
        saved += [(Event.UPDATE, row) for row, _ in formset.changed_objects]
        for event, row in saved:
            record(event, patient_id=self.patient_of(row), objects=[row.pk], resource=type(row))

    @display(description="People now")
    def people(self, team: Any) -> int:
        return team.people_now

    @display(description="Patients now")
    def patients(self, team: Any) -> int:
        return team.patients_now


def _now(relation: str) -> Q:
    now = timezone.now()
    goes_on = Q(**{f"{relation}__ends_at__isnull": True}) | Q(**{f"{relation}__ends_at__gt": now})
    return goes_on & Q(**{f"{relation}__starts_at__lte": now})
