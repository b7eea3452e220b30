"""What the privacy officer reads: who looked at and changed what. And what nobody needs in the admin is taken out."""

from typing import Any

from auditlog import admin as auditlog_admin
from auditlog.models import LogEntry
from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from procrastinate.contrib.django import admin as procrastinate_admin
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter
from unfold.decorators import display

from audit.changes import readable_changes
from audit.mixins import RecordedAdmin
from audit.models import AccessLog, Outcome

# Roles come with the product, jobs hold keys and no story, and auditlog's own page takes changes.
for page, model in ((auth_admin, Group), (auditlog_admin, LogEntry), (procrastinate_admin, ProcrastinateJob)):
    assert page, "Registered by being imported, before it is taken out."
    admin.site.unregister(model)


class ReadOnlyAdmin(RecordedAdmin):
    """A log: read, never written here."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, "view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyAdmin):
    """Who looked at what. Row-level security shows the privacy officer all of it, a clinician their patients' part.

    One may search for people and requests, not for words: those would stand in the address of the page.
    """

    list_display = ["recorded_at", "who", "what", "outcome_label", "about", "patient", "door"]
    list_display_links = ["recorded_at"]
    list_filter = [
        ("recorded_at", RangeDateTimeFilter),
        ("event", ChoicesDropdownFilter),
        ("outcome", ChoicesDropdownFilter),
        ("door", ChoicesDropdownFilter),
        ("actor_kind", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    search_fields = ["actor_label", "request_id"]
    search_help_text = "A user name, or the id of a request."
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "recorded_at",
                    "event",
                    "outcome",
                    "actor_label",
                    "actor_roles",
                    "actor_kind",
                    "patient_id",
                    "resource",
                    "object_ids",
                    "query",
                    "reason",
                    "door",
                    "route",
                    "request_id",
                    "remote_addr",
                ]
            },
        ),
    ]

    def patient_of(self, row: AccessLog) -> None:
        """Reading the log is one entry, whomever its rows speak of: else every reading would double it."""

    @display(description="Who", ordering="actor_label")
    def who(self, entry: AccessLog) -> str:
        return entry.actor_label

    @display(description="What", ordering="event")
    def what(self, entry: AccessLog) -> str:
        return entry.get_event_display()

    @display(
        description="Outcome",
        ordering="outcome",
        label={Outcome.SUCCESS.label: "success", Outcome.REFUSED.label: "danger", Outcome.FAILED.label: "warning"},
    )
    def outcome_label(self, entry: AccessLog) -> str:
        return entry.get_outcome_display()

    @display(description="Of")
    def about(self, entry: AccessLog) -> str:
        kind = entry.resource.partition(".")[2]
        return f"{kind} ({len(entry.object_ids)})" if entry.object_ids else kind or entry.reason[:60] or "-"

    @display(description="Patient's key")
    def patient(self, entry: AccessLog) -> SafeString | str:
        if entry.patient_id is None:
            return "-"
        url = reverse("admin:audit_accesslog_changelist")
        key = str(entry.patient_id)
        return format_html('<a href="{}?patient_id__exact={}" title="{}">…{}</a>', url, key, key, key[-6:])


@admin.register(LogEntry)
class ChangeLogAdmin(ReadOnlyAdmin):
    """What was changed, field by field, by whom. Objects go by their keys: auditlog's names would be patients'."""

    list_display = ["timestamp", "who", "what", "object_pk"]
    list_display_links = ["timestamp"]
    list_filter = [("timestamp", RangeDateTimeFilter), ("action", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_select_related = ["content_type"]
    fieldsets = [(None, {"fields": ["timestamp", "who", "what", "object_pk", "changed", "remote_addr", "cid"]})]
    readonly_fields = ["who", "what", "changed"]

    def patient_of(self, row: LogEntry) -> str | None:
        return (row.additional_data or {}).get("patient")

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        return super().get_queryset(request).select_related("content_type")

    @display(description="Who")
    def who(self, entry: LogEntry) -> str:
        return (entry.additional_data or {}).get("actor", "-")

    @display(description="What")
    def what(self, entry: LogEntry) -> str:
        return f"{entry.content_type.name} {entry.get_action_display()}d"

    @display(description="Changes")
    def changed(self, entry: LogEntry) -> SafeString:
        rows = [
            format_html("<li><b>{}</b>: {} → {}</li>", name, before or "nothing", after or "nothing")
            for name, (before, after) in readable_changes(entry.changes_dict).items()
        ]
        return format_html("<ul>{}</ul>", SafeString("".join(rows)))
