"""What became of each conversation. What failed says why, and can be started again."""

from django.contrib import admin, messages
from django.db.models import Model
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from audit.mixins import RecordedAdmin
from memories.admin import labels
from memories.admin.filters import PatientFilter
from memories.ingestion import start_again
from memories.models import Conversation, ExtractionRun, ExtractionRunQuerySet, RunState


@admin.register(ExtractionRun)
class ExtractionRunAdmin(RecordedAdmin):
    list_display = ["created_at", "state_label", "became", "extractor", "attempts", "whose"]
    list_filter = [("state", ChoicesDropdownFilter), PatientFilter]
    list_filter_submit = True
    list_select_related = ["patient", "conversation"]
    actions = ["start_selected_again"]
    fields = [
        "conversation",
        "state",
        "error",
        "became",
        "extractor",
        "extractor_version",
        "model",
        "attempts",
        "calls",
        "prompt_tokens",
        "completion_tokens",
        "dropped",
        "milliseconds",
        "created_at",
        "finished_at",
    ]
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_restart_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "change")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody edits the record of a run. `start_selected_again` has a permission of its own."""
        return False

    @display(description="State", ordering="state", label=labels.RUN)
    def state_label(self, run: ExtractionRun) -> str:
        return run.get_state_display()

    @display(description="Became")
    def became(self, run: ExtractionRun) -> str:
        return outcome_in_words(run)

    @display(description="Patient")
    def whose(self, run: ExtractionRun) -> str:
        return str(run.patient)

    @action(description="Start the failed ones again", permissions=["restart"])
    def start_selected_again(self, request: HttpRequest, queryset: ExtractionRunQuerySet) -> None:
        started = [start_again(run=run) for run in queryset.unread()]
        if started:
            self.message_user(request, f"Started again: {len(started)}. See below what becomes of it.")
        else:
            self.message_user(request, "None of these has failed: there is nothing to start.", messages.WARNING)


def outcome_in_words(run: ExtractionRun) -> str:
    """ "Nothing to remember" and "failed" are different answers."""
    if run.state == RunState.FAILED:
        return f"Could not be read: {run.error}"
    if run.state == RunState.PENDING:
        return f"Being read again: {run.error}" if run.error else "Being read"
    return _found_in_words(len(run.made), len(run.reinforced))


def became_in_words(conversation: Conversation) -> str:
    """What became of a conversation, by the latest run of each of its parts. Its runs are prefetched."""
    latest = {run.first: run for run in sorted(conversation.runs.all(), key=lambda run: run.created_at)}
    unfinished = next((run for run in latest.values() if run.state != RunState.DONE), None)
    if unfinished:
        return outcome_in_words(unfinished)
    if not latest:
        return "Not read"
    made = sum(len(run.made) for run in latest.values())
    return _found_in_words(made, sum(len(run.reinforced) for run in latest.values()))


def _found_in_words(made: int, again: int) -> str:
    return f"{made} new, {again} said again" if made or again else "Nothing new was found"
