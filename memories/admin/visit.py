"""A caregiver's page for one visit, made for a phone: what to know and ask, a note in a few taps, what became of it."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.mixins import RecordedAdmin, actor_of, granted
from audit.models import Event
from audit.recording import record
from memories.admin.asker import user_of
from memories.admin.overview import critical_in_words
from memories.admin.runs import became_in_words
from memories.choices import Category, SpeakerRole
from memories.extraction.candidates import Utterance
from memories.ingestion import ConversationRefused, take_in
from memories.models import Conversation, Memory, TaskKind
from memories.summary import summarise
from patients.models import Patient, User
from patients.roles import Role

GOOD_TO_KNOW = 6
#: What is seen on many visits, each a sentence that stands alone.
OFTEN_SEEN = (
    "Ate well.",
    "Ate little.",
    "Drank little.",
    "Slept well.",
    "Slept badly.",
    "Was in good spirits.",
    "Seemed low.",
    "Seemed confused.",
    "Was dizzy.",
    "Was in pain.",
    "Had a fall.",
    "Did not take the medication.",
)


class VisitForm(forms.Form):
    """What was seen: some of what is often seen, own words, or both."""

    seen = forms.MultipleChoiceField(
        choices=[(words, words) for words in OFTEN_SEEN], required=False, widget=forms.CheckboxSelectMultiple
    )
    text = forms.CharField(required=False, label="In your own words", widget=UnfoldAdminTextareaWidget({"rows": 4}))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not said.get("seen") and not said.get("text", "").strip():
            raise forms.ValidationError("Nothing is chosen and nothing is written: say what you saw.")
        return said

    def utterances(self, by: User, role: SpeakerRole) -> list[Utterance]:
        writer = by.get_full_name() or by.get_username()
        lines = [*self.cleaned_data["seen"], *self.cleaned_data["text"].splitlines()]
        return [Utterance(writer, line.strip(), role) for line in lines if line.strip()]


def visit(page: RecordedAdmin, request: HttpRequest, patient: Patient) -> HttpResponse:
    form = VisitForm(request.POST or None)
    if request.method == "POST":
        page.require(request, "memories.add_conversation")
        if form.is_valid() and _taken_in(request, patient, form):
            messages.success(request, "Kept word by word. Below you see what becomes of it.")
            return HttpResponseRedirect(reverse("admin:patients_patient_visit", args=[patient.pk]) + "#mine")
    summary, mine = summarise(patient), _last_note(patient, user_of(request))
    liked = _preferences(patient)
    seen = {*summary.shown, *(memory.pk for memory in (*liked, *mine["memories"]))}
    record(Event.SUMMARY, patient_id=patient.pk, objects=seen, resource=Memory)
    return page.page(
        request,
        "memories/visit.html",
        "Visit",
        patient=patient,
        summary=summary,
        to_ask=[task for task in summary.review_tasks if task.ask_again_at],
        in_question=[task for task in summary.review_tasks if task.kind != TaskKind.VERIFY],
        preferences=liked,
        mine=mine,
        form=form if "memories.add_conversation" in granted(request) else None,
        **critical_in_words(patient, summary),
    )


def _taken_in(request: HttpRequest, patient: Patient, form: VisitForm) -> bool:
    actor = actor_of(request)
    role = SpeakerRole.CLINICIAN if actor.has_role(Role.CLINICIAN) else SpeakerRole.CAREGIVER
    try:
        take_in(
            patient=patient,
            utterances=form.utterances(user_of(request), role),
            by=actor,
            title="Note of a visit",
            source="admin",
        )
    except ConversationRefused as refusal:
        form.add_error("text", str(refusal))
        return False
    return True


def _preferences(patient: Patient) -> list[Memory]:
    liked = Memory.objects.for_patient(patient).live().filter(category=Category.PREFERENCE)
    return list(liked.order_by("-last_said_at")[:GOOD_TO_KNOW])


def _last_note(patient: Patient, by: User) -> dict[str, Any]:
    """The asker's latest conversation about this patient, and each memory that rests on it, as it stands now."""
    told = Conversation.objects.for_patient(patient).kept().filter(recorded_by=by).prefetch_related("runs")
    latest = told.order_by("-recorded_at").first()
    if latest is None:
        return {"note": None, "memories": []}
    became = Memory.objects.for_patient(patient).filter(mentions__turn__conversation=latest).distinct()
    memories = list(became.select_related("verified_by", "deleted_by").order_by("category", "about"))
    return {"note": latest, "became": became_in_words(latest), "memories": memories}
