"""Filters of the lists. What they offer is what the asker may see."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from audit.mixins import visible_rows
from memories.models import Memory, ReviewTask, TaskState
from patients.models import Patient


class PatientFilter(DropdownFilter):
    """One patient, offered by initials and id: enough to choose by, and no list of names on every page."""

    title = "patient"
    parameter_name = "patient"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        patients = visible_rows(Patient.objects.all(), request).only("given_name", "family_name", "external_id")
        return [(str(patient.pk), _initialled(patient)) for patient in patients]

    def has_output(self) -> bool:
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        offered = {key for key, _ in self.lookup_choices}
        if (chosen := self.value()) is None or chosen == "":
            return queryset
        return queryset.filter(patient_id=chosen) if chosen in offered else queryset.none()


def _initialled(patient: Patient) -> str:
    initials = " ".join(f"{name[0]}." for name in (patient.given_name, patient.family_name) if name)
    return f"{initials} {patient.external_id}".strip()


class StandingFilter(DropdownFilter):
    """What counts now, unless somebody asks for the rest."""

    title = "standing"
    parameter_name = "standing"
    all_option = ["", "What counts now"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("past", "Refuted, corrected, deleted or expired"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "all":
            return queryset
        live = Memory.objects.live().values("pk")
        return queryset.exclude(pk__in=live) if self.value() == "past" else queryset.filter(pk__in=live)


class TaskStateFilter(DropdownFilter):
    """The open questions, unless somebody asks for answered ones."""

    title = "state"
    parameter_name = "state"
    all_option = ["", "Open"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(TaskState.DECIDED, "Answered"), (TaskState.OBSOLETE, "No longer asked"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or TaskState.OPEN)


class OverdueFilter(DropdownFilter):
    """Those that should have been answered by now."""

    title = "overdue"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Overdue")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(pk__in=ReviewTask.objects.overdue().values("pk")) if self.value() else queryset
