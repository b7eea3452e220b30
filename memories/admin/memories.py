"""What is remembered: read here, changed by decisions alone."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from audit.changes import NOTHING, readable_changes
from audit.mixins import granted
from audit.models import Event
from memories.admin import labels
from memories.admin.decisions import DecisionForm
from memories.admin.filters import PatientFilter, StandingFilter
from memories.admin.linking import MAY_LINK, LinkingAdmin
from memories.admin.review import MAY_REVIEW, answered, described
from memories.admin.words import sources_of
from memories.choices import VerificationStatus
from memories.history import Change, history_of
from memories.models import Memory
from memories.templatetags.ages import ago

#: Fields that mean nothing to a reader of a history, or that its headings say.
LEFT_OUT = (
    *("id", "patient", "memory", "related", "superseded_by", "kind", "scope", "confidence", "emotional_weight"),
    *("metadata", "evidence", "severity", "recorded_at", "updated_at", "created_at", "last_said_at", "times_said"),
    *("verified_by", "verified_at", "verification_reason", "deleted_by", "deletion_reason"),
    *("decided_by", "decided_at", "reason", "ask_again_by", "ask_again_at", "ask_again_note", "obsolete_at"),
)
#: What a change is called by whoever asks about it.
EVENTS = {
    "memory created": "Remembered",
    "memory updated": "Changed",
    "allergy detail created": "Details remembered",
    "medication detail created": "Details remembered",
    "allergy detail updated": "Details changed",
    "medication detail updated": "Details changed",
    "review task created": "Question asked",
    "review task updated": "Question closed",
}


@admin.register(Memory)
class MemoryAdmin(LinkingAdmin):
    list_display = ["content_shown", "category_label", "status", "whose", "last_said", "times_said"]
    list_filter = [
        StandingFilter,
        PatientFilter,
        ("category", ChoicesDropdownFilter),
        ("verification_status", ChoicesDropdownFilter),
        ("priority", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    actions = None
    ordering = ["-last_said_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Memory]:
        return super().get_queryset(request).select_related("patient", "allergy", "medication", "verified_by")

    # --- the list --------------------------------------------------------------------------------------------------

    @display(description="What is remembered", ordering="content")
    def content_shown(self, memory: Memory) -> SafeString | str:
        return memory.content if memory.is_live else format_html("<s>{}</s>", memory.content)

    @display(description="Category", ordering="category", label=labels.CATEGORY)
    def category_label(self, memory: Memory) -> str:
        return memory.get_category_display()

    @display(description="Status", ordering="verification_status", label=labels.STATUS)
    def status(self, memory: Memory) -> str:
        return memory.status_label

    @display(description="Patient", ordering="patient")
    def whose(self, memory: Memory) -> str:
        return str(memory.patient)

    @display(description="Last said", ordering="last_said_at")
    def last_said(self, memory: Memory) -> str:
        return ago(memory.last_said_at)

    # --- one memory ------------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        memory = self.visible_object(request, object_id)
        form: DecisionForm | None = DecisionForm(memory=memory)
        if request.method == "POST":
            self.require(request, MAY_REVIEW)
            form = answered(request, memory)
            if form is None:
                self.message_user(request, "Decided, and on record.", messages.SUCCESS)
                return HttpResponseRedirect(request.path)
            memory = self.visible_object(request, object_id)
        self.record_of(Event.READ, memory)
        return self.page(
            request,
            "memories/memory.html",
            "Memory",
            fact=described(memory, sources_of([memory])),
            memory=memory,
            patient=memory.patient,
            form=form if form and form.options and MAY_REVIEW in granted(request) else None,
            earlier=list(memory.supersedes.all()),
            **self.links_of(memory, request, may_link=MAY_LINK in granted(request)),
        )

    def history_sections(self, request: HttpRequest, row: Memory) -> list[dict[str, Any]]:
        """The memory's own history, then that of what it replaces."""
        earlier_ones = list(row.supersedes.with_details())
        decided = row.verification_status != VerificationStatus.UNCONFIRMED
        corrects = next(iter(earlier_ones), None) if decided else None
        sections = [{"title": row.content, "entries": _entries(row, corrects=corrects)}]
        for earlier in earlier_ones:
            sections.append({"title": f"Before: {earlier.content}", "entries": _entries(earlier)})
        return sections


def _entries(memory: Memory, *, corrects: Memory | None = None) -> list[dict[str, Any]]:
    """The history of a memory, the latest first. One that corrects another begins with what it changed in that."""
    entries = []
    for change in reversed(history_of(memory)):
        if corrects and change.event.endswith("detail created"):
            continue
        entry = {"at": change.at, "actor": change.actor, "event": _event(change), "reason": _reason(change.changes)}
        entry["changes"] = readable_changes(change.changes, leave_out=LEFT_OUT)
        if corrects and change.event == "memory created":
            entry.update(event="Corrected", changes=_differences(corrects, memory))
        entries.append(entry)
    return entries


def _differences(before: Memory, after: Memory) -> dict[str, tuple[str, str]]:
    """What reads otherwise, field by field."""
    was, reads = dict(labels.details_of(before)), dict(labels.details_of(after))
    changed = {name: (was.get(name, ""), value) for name, value in reads.items() if was.get(name) != value}
    return changed or {"Content": (before.content, after.content)}


def _event(change: Change) -> str:
    """What happened; a decision goes by its name."""
    decided = change.changes.get("verification_status", NOTHING)[1]
    if decided not in (*NOTHING, VerificationStatus.UNCONFIRMED):
        return VerificationStatus(decided).label
    if change.changes.get("ask_again_at", NOTHING)[1] not in NOTHING:
        return "To be asked again"
    if change.changes.get("superseded_by", NOTHING)[1] not in NOTHING:
        return "Replaced"
    return EVENTS.get(change.event, change.event.capitalize())


def _reason(changes: dict[str, Any]) -> str:
    for name in ("verification_reason", "deletion_reason", "reason", "ask_again_note"):
        if (said := changes.get(name, NOTHING)[1]) not in NOTHING:
            return str(said)
    return ""
