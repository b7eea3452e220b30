"""Emergency access: a clinician takes it by a patient's id, a privacy officer looks at it afterwards."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from audit.mixins import RecordedAdmin
from audit.models import AccessLog, Event, Outcome
from audit.recording import record
from patients.emergency import EmergencyRefused, review_emergency_access, take_emergency_access
from patients.models import EmergencyAccess, User

SHOWN = 200
LABELS = {"goes on": "danger", "to be reviewed": "warning", "reviewed": "success"}


class EmergencyForm(forms.Form):
    patient_id = forms.CharField(label="Patient's id", max_length=64, widget=UnfoldAdminTextInputWidget)
    reason = forms.CharField(
        label="What is the emergency?", max_length=500, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


class ReviewForm(forms.Form):
    finding = forms.CharField(
        label="What did you find?", max_length=480, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3})
    )


@admin.register(EmergencyAccess)
class EmergencyAccessAdmin(RecordedAdmin):
    """Nobody edits one: it is taken on one page and reviewed on another."""

    list_display = ["granted_at", "user", "patient_key", "until", "state"]
    list_display_links = ["granted_at"]
    list_select_related = ["user"]
    actions = None

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EmergencyForm(request.POST or None)
        if form.is_valid() and (access := self._taken(request, form)):
            self.message_user(request, f"You may see this patient until {access.until:%H:%M} UTC.", messages.WARNING)
            return HttpResponseRedirect(reverse("admin:patients_patient_overview", args=[access.patient_id]))
        return self.page(request, "patients/emergency.html", "Emergency access", form=form)

    def _taken(self, request: HttpRequest, form: EmergencyForm) -> EmergencyAccess | None:
        typed = form.cleaned_data["patient_id"]
        try:
            return take_emergency_access(external_id=typed, reason=form.cleaned_data["reason"], by=_user_of(request))
        except EmergencyRefused as refusal:
            record(Event.EMERGENCY, outcome=Outcome.REFUSED, resource=EmergencyAccess, reason=typed)
            form.add_error("patient_id", str(refusal))
            return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        access = self.visible_object(request, object_id)
        may_review = self.has_change_permission(request) and not access.reviewed_at
        form = ReviewForm(request.POST or None)
        if request.method == "POST" and not may_review:
            raise PermissionDenied
        if form.is_valid() and self._reviewed(request, access, form):
            self.message_user(request, "The review is on record.", messages.SUCCESS)
            return HttpResponseRedirect(reverse("admin:patients_emergencyaccess_changelist"))
        self.record_of(Event.READ, access)
        looked_at = AccessLog.objects.for_patient(access.patient_id).filter(
            actor_id=str(access.user_id), recorded_at__gte=access.granted_at, recorded_at__lte=access.until
        )
        return self.page(
            request,
            "patients/emergency_review.html",
            "Emergency access",
            access=access,
            form=form if may_review else None,
            looked_at=looked_at.order_by("recorded_at")[:SHOWN],
        )

    def _reviewed(self, request: HttpRequest, access: EmergencyAccess, form: ReviewForm) -> bool:
        try:
            review_emergency_access(access, finding=form.cleaned_data["finding"], by=_user_of(request))
        except ValidationError as refusal:
            form.add_error("finding", refusal)
            return False
        return True

    @display(description="Patient's key")
    def patient_key(self, access: EmergencyAccess) -> str:
        return f"…{str(access.patient_id)[-6:]}"

    @display(description="State", label=LABELS)
    def state(self, access: EmergencyAccess) -> str:
        if access.reviewed_at:
            return "reviewed"
        return "goes on" if access.is_current else "to be reviewed"


def _user_of(request: HttpRequest) -> User:
    return cast(User, request.user)
