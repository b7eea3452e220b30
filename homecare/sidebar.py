"""The admin's sidebar: what the asker's roles open, and how many questions wait for them."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from audit.mixins import actor_of, granted
from memories.admin.review import open_tasks
from patients.models import EmergencyAccess
from patients.roles import Role

#: Group -> (permission, title, icon, page).
PAGES = {
    "Care": [
        ("memories.view_reviewtask", "Review queue", "fact_check", "memories_reviewtask_changelist"),
        ("patients.view_patient", "Patients", "personal_injury", "patients_patient_changelist"),
        ("memories.view_conversation", "Conversations", "forum", "memories_conversation_changelist"),
        ("memories.view_memory", "Memories", "neurology", "memories_memory_changelist"),
        ("memories.view_extractionrun", "Readings", "manufacturing", "memories_extractionrun_changelist"),
    ],
    "Record": [
        ("audit.view_accesslog", "Access log", "visibility", "audit_accesslog_changelist"),
        (
            "patients.view_emergencyaccess",
            "Emergency accesses",
            "e911_emergency",
            "patients_emergencyaccess_changelist",
        ),
        ("auditlog.view_logentry", "Log of changes", "history_edu", "auditlog_logentry_changelist"),
    ],
    "People": [
        ("patients.view_user", "People", "group", "patients_user_changelist"),
        ("patients.view_careassignment", "Care assignments", "diversity_1", "patients_careassignment_changelist"),
        ("patients.view_careteam", "Care teams", "diversity_3", "patients_careteam_changelist"),
        ("patients.view_accesskey", "Access keys", "key", "patients_accesskey_changelist"),
    ],
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's groups of links, with those pages only that the asker may open."""
    allowed = granted(request)
    groups: list[dict[str, Any]] = [{"items": [{"title": "Today", "icon": "today", "link": reverse("admin:index")}]}]
    for title, pages in PAGES.items():
        items = [_item(request, *page) for permission, *page in pages if permission in allowed]
        if items:
            groups.append({"title": title, "items": items})
    return groups


def said_at_the_top(request: HttpRequest) -> list[str] | None:
    """Beside the search on every page: that a password alone opens, where it does."""
    return None if settings.SECOND_FACTOR else ["No second factor", "warning"]


def _item(request: HttpRequest, title: str, icon: str, page: str) -> dict[str, Any]:
    item: dict[str, Any] = {"title": title, "icon": icon, "link": reverse(f"admin:{page}")}
    if page == "memories_reviewtask_changelist" and (waiting := open_tasks(actor_of(request)).count()):
        item.update(badge=waiting, badge_variant="danger")
    if page == "patients_emergencyaccess_changelist" and actor_of(request).has_role(Role.PRIVACY_OFFICER):
        unreviewed = EmergencyAccess.objects.visible_to(actor_of(request)).awaiting_review().count()
        item.update({"badge": unreviewed, "badge_variant": "danger"} if unreviewed else {})
    return item
