"""People and programs, and their roles."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import action, display
from unfold.forms import UserChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from audit.mixins import RecordedAdmin
from audit.models import Event
from audit.recording import record
from patients import second_factor
from patients.alerts import alert_privacy_officers
from patients.models import User
from patients.sign_in import password_address

LINK_SUBJECT = "Choose your password"
LINK_WORDS = "With this link you choose your password for Homecare Memory. It works once, for a day.\n\n{link}\n"


class PersonForm(forms.ModelForm):
    """A new person. Nobody else ever knows their password, so there is none yet."""

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email", "groups", "is_staff"]

    def save(self, commit: bool = True) -> User:
        self.instance.set_unusable_password()
        return super().save(commit)


@admin.register(User)
class PersonAdmin(RecordedAdmin, UserAdmin):  # type: ignore[misc] # because RecordedAdmin keeps no log of Django's
    """People and programs. What they may do follows from their roles alone."""

    form = UserChangeForm
    add_form = PersonForm
    list_display = ["username", "full_name", "roles", "is_active", "is_staff", "last_login"]
    list_filter = [("is_active", BooleanRadioFilter), "groups"]
    search_fields = ["username", "first_name", "last_name", "email"]
    filter_horizontal = []
    actions = ["remove_second_factor"]
    readonly_fields = ["new_password", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "new_password", "first_name", "last_name", "email"]}),
        ("What they may do", {"fields": ["groups", "is_active", "is_staff"]}),
        ("Since", {"fields": ["last_login", "date_joined"]}),
    ]
    add_fieldsets = [
        (None, {"fields": ["username", "first_name", "last_name", "email"]}),
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

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        """A new person has no password yet: on to the link by which they choose one."""
        return HttpResponseRedirect(reverse("admin:auth_user_password_change", args=[obj.pk]))

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """In place of Django's page: nobody sets a password for somebody else."""
        person = self.visible_object(request, id)
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        made = self._link_made(request, person) if request.method == "POST" else {}
        answer = self.page(request, "patients/password_link.html", "Password", person=person, **made)
        answer["Cache-Control"] = "no-store"
        return answer

    def _link_made(self, request: HttpRequest, person: User) -> dict[str, object]:
        """Make a link, on record and with an alert. With a mail server it goes to the person, and to nobody else."""
        record(Event.UPDATE, objects=[person.pk], resource=User, reason="Link to choose a password")
        alert_privacy_officers(
            f"{request.user.get_username()} has made a link by which {person.username} chooses a password."
        )
        until = timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
        link = request.build_absolute_uri(password_address(person))
        if not (settings.EMAIL_HOST and person.email):
            return {"link": link, "until": until}
        send_mail(LINK_SUBJECT, LINK_WORDS.format(link=link), settings.DEFAULT_FROM_EMAIL, [person.email])
        return {"sent_to": person.email, "until": until}

    @action(description="Remove the second factor (lost phone)", permissions=["change"])
    def remove_second_factor(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        for person in queryset:
            second_factor.remove(person)
            record(Event.UPDATE, objects=[person.pk], resource=User, reason="Second factor removed")
            alert_privacy_officers(
                f"{request.user.get_username()} has removed the second factor of {person.username},"
                " who sets up a new one at the next sign-in."
            )
        self.message_user(request, "Removed: each sets up a new one at the next sign-in.", messages.SUCCESS)

    @display(description="Password")
    def new_password(self, user: User) -> SafeString:
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="wp-link" href="{}">Make a link to choose another one</a>', url)

    @display(description="Name")
    def full_name(self, user: User) -> str:
        return user.get_full_name() or "-"

    @display(description="Roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all()) or "none"
