"""What was said, with what it became; and a note added by whoever visited."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Model, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from audit.actors import Actor
from audit.mixins import RecordedAdmin, actor_of, granted, record_shown, visible_rows
from audit.models import Event
from audit.recording import record_each
from memories.admin.asker import user_of
from memories.admin.filters import PatientFilter
from memories.admin.runs import became_in_words, outcome_in_words
from memories.admin.words import marked
from memories.choices import SpeakerRole
from memories.extraction.candidates import Utterance
from memories.ingestion import ConversationRefused, Intake, take_in
from memories.ingestion import start_again as start_run_again
from memories.models import Conversation, ExtractionRun, Memory, Mention
from memories.transcripts import parse_transcripts
from patients.models import Patient, User
from patients.roles import Role


class NoteForm(forms.Form):
    """What was said or seen on a visit. `patients` are those to choose from."""

    patient = forms.ModelChoiceField(
        Patient.objects.none(), widget=UnfoldAdminSelectWidget, empty_label="Choose a patient"
    )
    said_at = forms.DateTimeField(
        label="When",
        help_text="When it was said. Words like “yesterday” count from here.",
        widget=UnfoldAdminTextInputWidget({"type": "datetime-local"}),
    )
    title = forms.CharField(
        max_length=200, required=False, help_text="Such as: morning visit.", widget=UnfoldAdminTextInputWidget
    )
    text = forms.CharField(
        label="What was said",
        help_text="A line for each who speaks, as in “Nurse: Any allergies?”; or your note in your own words.",
        widget=UnfoldAdminTextareaWidget({"rows": 12}),
    )

    def __init__(self, *args: Any, patients: QuerySet[Patient], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patients = patients
        self.fields["patient"].queryset = patients  # type: ignore[attr-defined] # because it is a ModelChoiceField

    def utterances(self, by: User, actor: Actor) -> list[Utterance]:
        """The turns of the text; in a plain note the writer speaks."""
        transcripts = parse_transcripts(self.cleaned_data["text"].encode(), name="note.txt")
        turns = [turn for transcript in transcripts.conversations for turn in transcript.utterances]
        role = SpeakerRole.CLINICIAN if actor.has_role(Role.CLINICIAN) else SpeakerRole.CAREGIVER
        writer = by.get_full_name() or by.get_username()
        return [turn if turn.speaker else replace(turn, speaker=writer, role=role) for turn in turns]


@admin.register(Conversation)
class ConversationAdmin(RecordedAdmin):
    list_display = ["what", "whose", "said_at", "turns_said", "became", "recorded_by"]
    list_filter = [PatientFilter]
    list_filter_submit = True
    actions = None

    def get_urls(self) -> list[Any]:
        again = path(
            "<uuid:object_id>/start-again/",
            self.admin_site.admin_view(require_POST(self.start_again)),
            name="memories_conversation_start_again",
        )
        return [again, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows = super().get_queryset(request).filter(deleted_at__isnull=True).select_related("patient", "recorded_by")
        runs = Prefetch("runs", queryset=ExtractionRun.objects.order_by("created_at"))
        return rows.annotate(turn_count=Count("turns")).prefetch_related(runs)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Words that were said stay as they were said."""
        return False

    # --- the list --------------------------------------------------------------------------------------------------

    @display(description="Conversation")
    def what(self, conversation: Conversation) -> str:
        return str(conversation)

    @display(description="Patient")
    def whose(self, conversation: Conversation) -> str:
        return str(conversation.patient)

    @display(description="Turns", ordering="turn_count")
    def turns_said(self, conversation: Any) -> int:
        return conversation.turn_count

    @display(description="Became")
    def became(self, conversation: Conversation) -> str:
        return became_in_words(conversation)

    # --- one conversation ------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        conversation = self.visible_object(request, object_id)
        mentions = list(
            Mention.objects.filter(turn__conversation=conversation).select_related(
                "memory__allergy", "memory__medication"
            )
        )
        self.record_of(Event.READ, conversation)
        if mentions:
            record_shown({mention.memory for mention in mentions}, resource=Memory)
        return self.page(
            request,
            "memories/conversation.html",
            "Conversation",
            conversation=conversation,
            patient=conversation.patient,
            turns=_turns_with_memories(conversation, mentions),
            runs=[{"run": run, "outcome": outcome_in_words(run)} for run in conversation.runs.all()],
            can_start_again=_may_start_again(request) and conversation.runs.unread().exists(),
        )

    def start_again(self, request: HttpRequest, object_id: object) -> HttpResponse:
        conversation = self.visible_object(request, object_id)
        self.require(request, "memories.change_extractionrun")
        for run in conversation.runs.unread():
            start_run_again(run=run)
            self.message_user(request, "Started again. Reload this page to see what became of it.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:memories_conversation_change", args=[conversation.pk]))

    # --- a new one -------------------------------------------------------------------------------------------------

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.require(request, "memories.add_conversation")
        form = self._note_form(request)
        if request.method == "POST" and form.is_valid() and (intake := self._taken_in(request, form)):
            self.message_user(request, "Kept word by word. It is being read; reload to see what it became.")
            return HttpResponseRedirect(reverse("admin:memories_conversation_change", args=[intake.conversation.pk]))
        offered = {patient.pk: [patient.pk] for patient in form.patients}
        record_each(Event.LIST, offered, resource=Patient)
        return self.page(request, "memories/note.html", "Add a note", form=form, has_patients=bool(offered))

    def _note_form(self, request: HttpRequest) -> NoteForm:
        patients = visible_rows(Patient.objects.all(), request)
        now = timezone.localtime().strftime("%Y-%m-%dT%H:%M")
        initial = {"patient": request.GET.get("patient"), "said_at": now}
        return NoteForm(request.POST or None, patients=patients, initial=initial)

    def _taken_in(self, request: HttpRequest, form: NoteForm) -> Intake | None:
        said = form.cleaned_data
        try:
            return take_in(
                patient=said["patient"],
                utterances=form.utterances(user_of(request), actor_of(request)),
                by=actor_of(request),
                said_at=said["said_at"],
                title=said["title"],
                source="admin",
            )
        except ConversationRefused as refusal:
            form.add_error("text", str(refusal))
            return None


def _may_start_again(request: HttpRequest) -> bool:
    return "memories.change_extractionrun" in granted(request)


def _turns_with_memories(conversation: Conversation, mentions: list[Mention]) -> list[dict[str, Any]]:
    """Each turn with its words marked, and the memories that rest on them."""
    said: dict[object, list[Mention]] = {}
    for mention in mentions:
        said.setdefault(mention.turn_id, []).append(mention)
    return [
        {
            "turn": turn,
            "marked": marked(turn.text, [(mention.start, mention.end) for mention in said.get(turn.pk, [])]),
            "memories": list({mention.memory_id: mention.memory for mention in said.get(turn.pk, [])}.values()),
        }
        for turn in conversation.turns.all()
    ]
