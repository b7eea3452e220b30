"""Access keys for programs. Each is made by the one it stands for; an administrator makes those of agents."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import ForeignKey, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from audit.mixins import RecordedAdmin, actor_of
from audit.models import Event
from audit.recording import record, record_each
from patients.models import AccessKey, CareTeam, Patient, User
from patients.models.access import KeyScope, default_scopes
from patients.roles import Role


class AccessKeyForm(forms.ModelForm):
    """The patients of a narrowed key are typed by id, its teams chosen. None of both: all patients of the user."""

    scopes = forms.MultipleChoiceField(
        choices=KeyScope.choices, initial=default_scopes, widget=UnfoldAdminCheckboxSelectMultipleWidget()
    )
    patient_ids = forms.CharField(
        label="Only these patients",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Ids of patients, with commas between them.",
    )
    key_teams = forms.ModelMultipleChoiceField(
        label="Only patients of these care teams",
        queryset=CareTeam.objects.all(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        help_text="Without a patient and a team: all patients of the user, and never more than these.",
    )

    class Meta:
        model = AccessKey
        fields = ["user", "label", "scopes", "expires_at"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            named = self.instance.patients.order_by("external_id").values_list("external_id", flat=True)
            self.fields["patient_ids"].initial = ", ".join(named)
            self.fields["key_teams"].initial = self.instance.teams.all()

    def clean_patient_ids(self) -> list[Patient]:
        typed = {name for part in self.cleaned_data["patient_ids"].split(",") if (name := part.strip())}
        patients = list(Patient.objects.filter(external_id__in=typed))
        if len(patients) < len(typed):
            raise forms.ValidationError("At least one id is no patient's: check them with who registered the patients.")
        return patients

    def _post_clean(self) -> None:
        limits = [self.cleaned_data.get("patient_ids"), self.cleaned_data.get("key_teams")]
        if "patient_ids" in self.cleaned_data:
            self.instance.all_patients = not any(limits)
        super()._post_clean()  # type: ignore[misc] # because Django has it

    def _save_m2m(self) -> None:
        super()._save_m2m()  # type: ignore[misc] # because Django has it
        self.instance.patients.set(self.cleaned_data["patient_ids"])
        self.instance.teams.set(self.cleaned_data.get("key_teams", ()))


@admin.register(AccessKey)
class AccessKeyAdmin(RecordedAdmin):
    """The token is shown once, on the page that answers its making, to the one who made it, and kept nowhere.

    The database refuses a key that an administrator makes for, or turns over to, anybody but an agent.
    """

    form = AccessKeyForm
    list_display = ["label", "user", "allows", "reaches", "state", "expires_at", "created_at"]
    list_select_related = ["user"]
    fields = ["user", "label", "scopes", "patient_ids", "key_teams", "expires_at"]
    readonly_fields = ["created_at", "revoked_at"]
    actions = ["revoke"]

    def get_list_filter(self, request: HttpRequest) -> list[str]:
        return ["user"] if actor_of(request).has_role(Role.ADMINISTRATOR) else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessKey]:
        keys = super().get_queryset(request).prefetch_related("teams")
        return keys if actor_of(request).has_role(Role.ADMINISTRATOR) else keys.filter(user_id=actor_of(request).id)

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs.update(queryset=_who_may_get_a_key(request), initial=request.user.pk, empty_label=None)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or _who_may_get_a_key(request).filter(pk=obj.user_id).exists())

    def get_fields(self, request: HttpRequest, obj: AccessKey | None = None) -> list[str]:
        if obj is None:
            return self.fields
        limits = ["patient_ids", "key_teams"] if self.has_change_permission(request, obj) else ["reaches"]
        return ["user", "label", "scopes", *limits, "expires_at", "created_at", "revoked_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: AccessKey | None = None) -> list[str]:
        """A key stands for one user for good."""
        return ["user", *self.readonly_fields, "reaches"] if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.token_once = obj.renew_token()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The patients and teams of a key are rows of other tables, which the log of changes does not follow."""
        super().save_related(request, form, formsets, change)
        if {"patient_ids", "key_teams"} & set(form.changed_data):
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

    @display(description="For")
    def reaches(self, key: AccessKey) -> str:
        if key.all_patients:
            return "all patients of the user"
        return ", ".join(["named patients", *(team.name for team in key.teams.all())])

    @display(description="State", label={"usable": "success", "expired": "warning", "revoked": "danger"})
    def state(self, key: AccessKey) -> str:
        if key.revoked_at:
            return "revoked"
        return "usable" if key.expires_at > timezone.now() else "expired"


def _who_may_get_a_key(request: HttpRequest) -> QuerySet[User]:
    """The asker; and for an administrator, programs: users who are an agent and nothing else."""
    who = Q(pk=request.user.pk)
    if actor_of(request).has_role(Role.ADMINISTRATOR):
        people = User.objects.filter(groups__in=Group.objects.exclude(name=Role.AGENT)).values("pk")
        who |= Q(groups__name=Role.AGENT) & ~Q(pk__in=people)
    return User.objects.filter(who, is_active=True).distinct()
