"""People and programs, and their roles."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from audit.mixins import RecordedAdmin
from audit.models import Event
from audit.recording import record
from patients.models import User


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
