"""What an administrator sets up: people and their roles, who cares for whom, access keys. No patient data."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
)

from audit.mixins import RecordedAdmin, actor_of, visible_rows
from audit.models import Event
from audit.recording import record, record_each
from patients.models import AccessKey, CareAssignment, Patient, User
from patients.models.access import KeyScope, default_scopes
from patients.roles import Role


@admin.register(User)
class PersonAdmin(RecordedAdmin, UserAdmin):  # type: ignore[misc] # because RecordedAdmin keeps no log of Django's
    """People and programs. What they may do follows from their roles alone."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "full_name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = [("is_active", BooleanRadioFilter), "groups"]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = []
    readonly_fields = ["new_password", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "new_password", "first_name", "last_name", "email"]}),
        ("What they may do", {"fields": ["groups", "is_active", "is_staff"]}),
        ("Since", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "password1", "password2"]}),
        ("What they may do", {"fields": ["groups", "is_staff"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
            kwargs["help_text"] = ""
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if field and db_field.name == "groups":
            field.label = "Roles"
        return field

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Roles are rows of another table, which the log of changes does not follow."""
        super().save_related(request, form, formsets, change)
        if "groups" in form.changed_data:
            roles = ", ".join(form.instance.groups.values_list("name", flat=True)) or "none"
            record(Event.UPDATE, objects=[form.instance.pk], resource=User, reason=f"Roles: {roles}")

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override] # as above
        """Where Django's password page reports: a new password is on record like every change."""
        if request.resolver_match and request.resolver_match.url_name == "auth_user_password_change":
            record(Event.UPDATE, objects=[obj.pk], resource=User, reason="Password")

    @display(description="Password")
    def new_password(self, user: User) -> SafeString:
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="wp-link" href="{}">Set another one</a>', url)

    @display(description="Name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @display(description="Roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "none"


class AssignmentForm(forms.ModelForm):
    """The patient is typed by id: an administrator assigns people without reading names."""

    patient_id_typed = forms.CharField(label="Patient's id", max_length=64, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = CareAssignment
        fields = ["user", "role", "starts_at", "ends_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.patient_id:
            self.fields["patient_id_typed"].initial = self.instance.patient.external_id
            self.fields["patient_id_typed"].disabled = True

    def clean_patient_id_typed(self) -> str:
        external_id = self.cleaned_data["patient_id_typed"].strip()
        patient = Patient.objects.filter(external_id=external_id).first()
        if patient is None:
            raise forms.ValidationError("No patient has this id: check it with who registered the patient.")
        self.instance.patient = patient
        return external_id

    def _get_validation_exclusions(self) -> set[str]:
        return super()._get_validation_exclusions() - {"patient"}  # type: ignore[misc] # because Django has it


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


class AccessKeyForm(forms.ModelForm):
    """The patients of a narrowed key are typed by id, as in an assignment. None: all patients of the user."""

    scopes = forms.MultipleChoiceField(
        choices=KeyScope.choices, initial=default_scopes, widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )
    patient_ids = forms.CharField(
        label="Only these patients",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Ids of patients, with commas between them. Empty: all patients of the user.",
    )

    class Meta:
        model = AccessKey
        fields = ["user", "label", "scopes", "expires_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            named = self.instance.patients.order_by("external_id").values_list("external_id", flat=True)
            self.fields["patient_ids"].initial = ", ".join(named)

    def clean_patient_ids(self) -> list[Patient]:
        typed = {name for part in self.cleaned_data["patient_ids"].split(",") if (name := part.strip())}
        patients = list(Patient.objects.filter(external_id__in=typed))
        if len(patients) < len(typed):
            raise forms.ValidationError("At least one id is no patient's: check them with who registered the patients.")
        return patients

    def _post_clean(self) -> None:
        if "patient_ids" in self.cleaned_data:
            self.instance.all_patients = not self.cleaned_data["patient_ids"]
        super()._post_clean()  # type: ignore[misc] # because Django has it

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc] # because Django has it
        self.instance.patients.set(self.cleaned_data["patient_ids"])


@admin.register(AccessKey)
class AccessKeyAdmin(RecordedAdmin):
    """Keys for programs. The token is shown once, on the page that answers its making, and kept nowhere."""

    form = AccessKeyForm
    list_display = ["label", "user", "allows", "all_patients", "state", "expires_at", "created_at"]
    list_filter = ["user"]
    list_select_related = ["user"]
    fields = ["user", "label", "scopes", "patient_ids", "expires_at"]
    readonly_fields = ["created_at", "revoked_at"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: AccessKey | None = None) -> list[str]:
        return [*self.fields, "created_at", "revoked_at"] if obj else self.fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.token_once = obj.renew_token()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The patients of a key are rows of another table, which the log of changes does not follow."""
        super().save_related(request, form, formsets, change)
        if "patient_ids" in form.changed_data:
            named: dict[object, list[object]] = {p.pk: [form.instance.pk] for p in form.cleaned_data["patient_ids"]}
            record_each(Event.UPDATE, named or {None: [form.instance.pk]}, resource=AccessKey)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Not a redirect with a message: that would put the token into a cookie."""
        answer = self.page(request, "patients/new_access_key.html", "New access key", key=obj, token=obj.token_once)
        answer["Cache-Control"] = "no-store"
        return answer

    @action(description="Revoke these keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[AccessKey]) -> None:
        for key in queryset.filter(revoked_at__isnull=True):
            key.revoked_at = timezone.now()
            key.save()
            record(Event.UPDATE, objects=[key.pk], resource=AccessKey, reason="Revoked")
        self.message_user(request, "Revoked: from now on these keys open nothing.", messages.SUCCESS)

    @display(description="May")
    def allows(self, key: AccessKey) -> str:
        return ", ".join(KeyScope(scope).label.lower() for scope in key.scopes)

    @display(description="State", label={"usable": "success", "expired": "warning", "revoked": "danger"})
    def state(self, key: AccessKey) -> str:
        if key.revoked_at:
            return "revoked"
        return "usable" if key.expires_at > timezone.now() else "expired"
