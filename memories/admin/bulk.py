"""Several facts confirmed at once: each seen with its words, each by the one rule, with one reason for all."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.widgets import UnfoldAdminTextInputWidget

from audit.mixins import record_shown
from memories import actions
from memories.admin.asker import user_of
from memories.admin.decisions import CONFIRM, REASON_LENGTH, as_seen, fingerprint, refusal_in_words
from memories.admin.words import sources_of
from memories.models import Memory, ReviewTask, TaskKind
from memories.reviewing import DecisionRefused

NOT_TOGETHER = "It has a question of its own: open it."


class ReasonForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH,
        widget=UnfoldAdminTextInputWidget({"list": "reasons", "autocomplete": "off"}),
        error_messages={"required": "Say why: a decision without a reason is not kept."},
    )


def bulk_confirm(page: Any, request: HttpRequest, tasks: QuerySet[ReviewTask]) -> HttpResponse | None:
    """Show the facts of the chosen tasks, and confirm them once a reason is given. None sends back to the list."""
    chosen = list(tasks)
    form = ReasonForm(request.POST if "confirmed" in request.POST else None)
    if form.is_bound and form.is_valid():
        _confirm_each(page, request, chosen, form.cleaned_data["reason"])
        return None
    memories = [task.memory for task in chosen]
    words = sources_of(memories)
    apart = _asked_about_apart(memories)
    record_shown(memories, resource=Memory)
    return page.page(
        request,
        "memories/bulk_confirm.html",
        "Confirm",
        form=form,
        reasons=CONFIRM.reasons,
        checkbox=ACTION_CHECKBOX_NAME,
        facts=[
            {
                "task": task,
                "memory": task.memory,
                "sources": words.get(task.memory_id, []),
                "seen": fingerprint(task.memory),
                "refused": NOT_TOGETHER if task.memory_id in apart else "",
            }
            for task in chosen
        ],
    )


def _confirm_each(page: Any, request: HttpRequest, tasks: list[ReviewTask], reason: str) -> None:
    refused: list[str] = []
    apart = _asked_about_apart([task.memory for task in tasks])
    for task in tasks:
        try:
            if task.memory_id in apart:
                raise DecisionRefused(NOT_TOGETHER)
            with transaction.atomic():
                memory = as_seen(task.memory, request.POST.get(f"seen_{task.pk}", ""))
                actions.confirm(memory, by=user_of(request), reason=reason)
        except DecisionRefused as refusal:
            refused.append(f"{task.memory}: {refusal_in_words(refusal)}")
    if confirmed := len(tasks) - len(refused):
        page.message_user(request, f"Confirmed: {confirmed}.", messages.SUCCESS)
    for sentence in refused:
        page.message_user(request, f"Not confirmed. {sentence}", messages.WARNING)


def _asked_about_apart(memories: list[Memory]) -> set[object]:
    """The memories with another open question than whether they are true: a glance is not enough for these."""
    others = ReviewTask.objects.open().exclude(kind=TaskKind.VERIFY)
    asked = others.filter(memory__in=memories).values_list("memory_id", flat=True)
    compared = others.filter(related__in=memories).values_list("related_id", flat=True)
    return {*asked, *compared}
