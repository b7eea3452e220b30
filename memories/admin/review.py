"""The review queue: one question a page, with the words it comes from; then the next."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
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
from memories.admin.filters import PatientFilter, TaskStateFilter
from memories.admin.words import sources_of
from memories.choices import Category
from memories.comparisons import findings_for
from memories.models import Memory, Mention, ReviewTask, TaskState
from memories.reviewing import DecisionRefused
from memories.templatetags.ages import ago

MAY_REVIEW = "memories.review_memory"
BREAK = mark_safe("<br>")


def open_tasks(actor: Actor) -> QuerySet[ReviewTask]:
    """What waits for a decision, most severe first, then the oldest."""
    return ReviewTask.objects.open().by_urgency().visible_to(actor)


def next_task(actor: Actor, *, after: ReviewTask) -> ReviewTask | None:
    """The open task that follows this one in the queue; at its end the first."""
    waiting = list(open_tasks(actor).exclude(pk=after.pk).only("pk", "severity", "created_at"))
    place = (after.severity, after.created_at)
    later = [task for task in waiting if (task.severity, task.created_at) >= place]
    return next(iter(later or waiting), None)


@admin.register(ReviewTask)
class ReviewTaskAdmin(RecordedAdmin):
    list_display = ["fact", "urgency", "question", "said", "whose", "asked"]
    list_filter = [
        TaskStateFilter,
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
        tasks = super().get_queryset(request).select_related("patient", "memory__allergy", "memory__medication")
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
        return ago(task.created_at) if task.state == TaskState.OPEN else task.get_state_display()

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
            form = answered(request, task.memory, task)
            if form is None:
                return self._on_to_next(request, task)
            task = self.visible_object(request, object_id)
        return self._question(request, task, form)

    def _question(self, request: HttpRequest, task: ReviewTask, form: DecisionForm | None) -> HttpResponse:
        compared = [task.memory, *([task.related] if task.related else [])]
        known = known_critical(task)
        words = sources_of(compared)
        record(Event.READ, patient_id=task.patient_id, objects=[task.pk], resource=ReviewTask)
        record_shown([*compared, *known], resource=Memory)
        return self.page(
            request,
            "memories/review.html",
            "Review",
            task=task,
            patient=task.patient,
            facts=[described(memory, words) for memory in compared],
            known=known,
            checks=allergy_checks(task.memory, [*compared, *known]),
            form=form if task.state == TaskState.OPEN and MAY_REVIEW in granted(request) else None,
            next_task=next_task(actor_of(request), after=task),
            waiting=open_tasks(actor_of(request)).count(),
        )

    def _on_to_next(self, request: HttpRequest, task: ReviewTask) -> HttpResponse:
        """A decision about one memory leaves open what compares it with another: then the same question is next."""
        task.refresh_from_db(fields=["state"])
        if task.state == TaskState.OPEN:
            self.message_user(request, "On record. This question is still open: say why it stands.", messages.WARNING)
            return HttpResponseRedirect(request.path)
        self.message_user(request, "Decided, and on record.", messages.SUCCESS)
        if following := next_task(actor_of(request), after=task):
            return HttpResponseRedirect(reverse("admin:memories_reviewtask_change", args=[following.pk]))
        return HttpResponseRedirect(reverse("admin:memories_reviewtask_changelist"))


def answered(request: HttpRequest, memory: Memory, task: ReviewTask | None = None) -> DecisionForm | None:
    """Carry out the decision that was sent. None if it is done; else the form to show, with what is to be done."""
    form = DecisionForm(request.POST, memory=memory, task=task)
    if not form.is_valid():
        return form
    try:
        decide(form, by=user_of(request), task=task)
    except DecisionRefused as refusal:
        messages.error(request, refusal_in_words(refusal))
        current = Memory.objects.with_details().get(pk=memory.pk)
        return form if fingerprint(current) == form["seen"].value() else DecisionForm(memory=current, task=task)
    return None


def known_critical(task: ReviewTask) -> list[Memory]:
    """The allergies and medications that count now, beside those in question."""
    live = Memory.objects.live().critical().with_details().for_patient(task.patient)
    return list(live.exclude(pk__in=[task.memory_id, task.related_id]).order_by("category", "about"))


def allergy_checks(memory: Memory, critical: list[Memory]) -> list[tuple[Memory, Any]]:
    """A medication against each live allergy, with what is known and from where; "not checked" where nothing is."""
    return findings_for(memory, critical) if memory.category == Category.MEDICATION else []


def described(memory: Memory, words: dict[object, list[Any]]) -> dict[str, Any]:
    """A memory as the pages show it: with its details, what its name may be, and its words."""
    return {
        "memory": memory,
        "details": labels.details_of(memory),
        "guess": labels.guess_of(memory),
        "sources": words.get(memory.pk, []),
    }
