"""The review queue: one question a page, with the words it comes from; then the next."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display

from audit.actors import Actor
from audit.mixins import RecordedAdmin, actor_of, granted, record_shown
from audit.models import Event
from audit.recording import record
from memories.admin import labels
from memories.admin.asker import user_of
from memories.admin.bulk import bulk_confirm
from memories.admin.decisions import DecisionForm, decide, fingerprint, refusal_in_words
from memories.admin.filters import OverdueFilter, PatientFilter, TaskStateFilter
from memories.admin.words import Source, sources_of
from memories.models import Memory, Mention, ReviewTask, TaskState
from memories.reviewing import DecisionRefused
from memories.templatetags.ages import ago
from memories.weighing import weigh

MAY_REVIEW = "memories.review_memory"
BREAK = mark_safe("<br>")


def open_tasks(actor: Actor) -> QuerySet[ReviewTask]:
    """What waits for a decision, most severe first, then the oldest."""
    return ReviewTask.objects.open().by_urgency().visible_to(actor)


def next_task(actor: Actor, *, after: ReviewTask) -> ReviewTask | None:
    """The open task that follows this one in the queue, at its end the first. Those to be asked again come last, each
    once.
    """
    waiting = open_tasks(actor).exclude(pk=after.pk).only("pk")
    later = Q(severity__gt=after.severity) | Q(severity=after.severity, created_at__gt=after.created_at)
    unasked = waiting.filter(ask_again_at__isnull=True)
    put_off = after.ask_again_at is not None and after.state == TaskState.OPEN
    asked = waiting.filter(later) if put_off else waiting
    return unasked.filter(later).first() or unasked.first() or asked.first()


@admin.register(ReviewTask)
class ReviewTaskAdmin(RecordedAdmin):
    list_display = ["fact", "urgency", "question", "said", "whose", "asked"]
    list_filter = [
        TaskStateFilter,
        OverdueFilter,
        PatientFilter,
        ("severity", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    actions = ["confirm_selected"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewTask]:
        said = Mention.objects.select_related("turn__conversation").order_by("recorded_at")
        details = ("patient", "memory__allergy", "memory__medication", "decided_by", "ask_again_by")
        tasks = super().get_queryset(request).select_related(*details)
        return tasks.prefetch_related(Prefetch("memory__mentions", queryset=said))

    # --- the list --------------------------------------------------------------------------------------------------

    @display(description="What was remembered")
    def fact(self, task: ReviewTask) -> str:
        return task.memory.content

    @display(description="Severity", ordering="severity", label=labels.SEVERITY)
    def urgency(self, task: ReviewTask) -> str:
        return task.get_severity_display()

    @display(description="Question", ordering="kind")
    def question(self, task: ReviewTask) -> str:
        return task.get_kind_display()

    @display(description="Said")
    def said(self, task: ReviewTask) -> SafeString:
        quotes = [
            (mention.quote, mention.speaker or "somebody", mention.turn.conversation.said_at.strftime("%d %b"))
            for mention in list(task.memory.mentions.all())[-2:]
        ]
        return format_html('<span class="wp-quotes">{}</span>', format_html_join(BREAK, "<q>{}</q> {}, {}", quotes))

    @display(description="Patient")
    def whose(self, task: ReviewTask) -> str:
        return str(task.patient)

    @display(description="Asked", ordering="created_at")
    def asked(self, task: ReviewTask) -> str:
        if task.state != TaskState.OPEN:
            return task.get_state_display()
        return f"{ago(task.created_at)}, to be asked again" if task.ask_again_at else ago(task.created_at)

    @action(description="Confirm the selected facts", permissions=["review"])
    def confirm_selected(self, request: HttpRequest, queryset: QuerySet[ReviewTask]) -> HttpResponse | None:
        return bulk_confirm(self, request, queryset)

    def has_review_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return MAY_REVIEW in granted(request)

    # --- one question ----------------------------------------------------------------------------------------------

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        task = self.visible_object(request, object_id)
        form: DecisionForm | None = DecisionForm(memory=task.memory, task=task)
        if request.method == "POST":
            self.require(request, MAY_REVIEW)
            was_asked_again = task.ask_again_at
            form = answered(request, task.memory, task)
            if form is None:
                return self._on_to_next(request, task, was_asked_again)
            task = self.visible_object(request, object_id)
        return self._question(request, task, form)

    def _question(self, request: HttpRequest, task: ReviewTask, form: DecisionForm | None) -> HttpResponse:
        compared = [task.memory, *([task.related] if task.related else [])]
        weighed = weigh(task)
        words = sources_of(compared)
        record(Event.READ, patient_id=task.patient_id, objects=[task.pk], resource=ReviewTask)
        record_shown({*compared, *weighed.shown}, resource=Memory)
        return self.page(
            request,
            "memories/review.html",
            "Review",
            task=task,
            patient=task.patient,
            facts=[described(memory, words) for memory in compared],
            weighed=weighed,
            evidence=labels.evidence_of(task),
            said_since=_said_since(task, words.get(task.memory_id, [])),
            form=form if task.state == TaskState.OPEN and MAY_REVIEW in granted(request) else None,
            next_task=next_task(actor_of(request), after=task),
            waiting=open_tasks(actor_of(request)).count(),
        )

    def _on_to_next(self, request: HttpRequest, task: ReviewTask, was_asked_again: datetime | None) -> HttpResponse:
        """A decision about one memory leaves open what compares it with another: then the same question is next."""
        task.refresh_from_db(fields=["state", "ask_again_at"])
        if task.state == TaskState.OPEN and was_asked_again == task.ask_again_at:
            self.message_user(request, "On record. This question is still open: say why it stands.", messages.WARNING)
            return HttpResponseRedirect(request.path)
        still_open = task.state == TaskState.OPEN
        done = "It will be asked at the next visit." if still_open else "Decided, and on record."
        self.message_user(request, done, messages.SUCCESS)
        if following := next_task(actor_of(request), after=task):
            return HttpResponseRedirect(reverse("admin:memories_reviewtask_change", args=[following.pk]))
        return HttpResponseRedirect(reverse("admin:memories_reviewtask_changelist"))


def answered(request: HttpRequest, memory: Memory, task: ReviewTask | None = None) -> DecisionForm | None:
    """Carry out the decision that was sent. None if it is done; else the form to show, with what is to be done."""
    form = DecisionForm(request.POST, memory=memory, task=task)
    if not form.is_valid():
        return form
    try:
        decide(form, by=user_of(request))
    except DecisionRefused as refusal:
        messages.error(request, refusal_in_words(refusal))
        current = Memory.objects.with_details().get(pk=memory.pk)
        if task:
            task.refresh_from_db()
        is_as_seen = fingerprint(current, task) == form["seen"].value()
        return form if is_as_seen else DecisionForm(memory=current, task=task)
    return None


def _said_since(task: ReviewTask, sources: list[Source]) -> bool:
    """Whether there are new words about a question that was put off to be asked again."""
    asked = task.ask_again_at
    return asked is not None and any(source.mention.recorded_at > asked for source in sources)


def described(memory: Memory, words: dict[object, list[Source]]) -> dict[str, Any]:
    """A memory as the pages show it: with its details, what its name may be, and its words."""
    sources = words.get(memory.pk, [])
    return {
        "memory": memory,
        "details": labels.details_of(memory),
        "guess": labels.guess_of(memory),
        "sources": sources,
        "denials": sum(source.denies for source in sources),
        "statements": sum(not source.denies for source in sources),
    }
