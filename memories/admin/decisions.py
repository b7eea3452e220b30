"""A reviewer's decision, from the form on the page to one call of the domain."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django import forms
from django.db import transaction
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from memories import actions
from memories.choices import AllergyAssertion, Category, MedicationStatus, Severity, VerificationStatus
from memories.models import Memory, ReviewTask
from memories.questions import ask_again, keep_as_it_is, needs_verification
from memories.remembering import lock_patient
from memories.reviewing import DecisionRefused
from patients.models import User

REASON_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Option:
    """One way to decide, in the reviewer's words, with reasons that are often true."""

    key: str
    title: str
    explains: str
    reasons: tuple[str, ...]
    shortcut: str


CONFIRM = Option(
    "confirm",
    "True as it stands",
    "It is confirmed, in your name.",
    ("Asked the patient", "Asked the family", "Read it on the medication list", "Asked the prescriber"),
    "c",
)
CORRECT = Option(
    "correct",
    "True, with a correction",
    "Say what is right. What was said stays in the history.",
    ("Read it on the package", "Read it on the medication list", "The patient put it right", "Asked the prescriber"),
    "r",
)
REFUTE = Option(
    "refute",
    "Not true",
    "It stays to be seen, struck through, and is not recalled any more.",
    ("The patient denies it", "The family denies it", "A side effect, not an allergy", "The prescriber says no"),
    "n",
)
ERROR = Option(
    "error",
    "Entered in error",
    "It should never have been recorded here.",
    ("It is about somebody else", "Misheard", "Recorded twice"),
    "e",
)
KEEP = Option(
    "keep",
    "It stays as decided",
    "The question is answered; nothing is changed.",
    ("Asked again: it is as it was decided", "What was said since was a misunderstanding"),
    "k",
)

REINSTATE = Option(
    "reinstate",
    "True after all",
    "A new memory is confirmed in your name, with all the words; the refuted one stays to be seen.",
    ("Asked the patient again", "Seen in the record of the prescriber"),
    "t",
)
ASK_AGAIN = Option(
    "ask-again",
    "Ask again",
    "The question stays open. Whoever visits next is told what to ask.",
    ("Ask the patient at the next visit", "Ask the family", "Look at the package", "Ask for the medication list"),
    "a",
)

ALLERGY_LABELS = {"substance": "Substance", "reaction": "Reaction", "severity": "Severity"}
MEDICATION_LABELS = {
    "drug": "Drug",
    "dose": "Dose",
    "route": "Route",
    "frequency": "Frequency",
    "status": "Status",
    "as_needed": "Only as needed",
}
CHOICES = {"severity": [("", "not said"), *Severity.choices], "status": MedicationStatus.choices}


def options_for(memory: Memory, task: ReviewTask | None) -> list[Option]:
    """What can be decided about a memory as it is now, and about the question, if there is one."""
    asking = [ASK_AGAIN] if task and memory.is_live else []
    return [*_decisions_about(memory, task), *asking]


def _decisions_about(memory: Memory, task: ReviewTask | None) -> list[Option]:
    if memory.verification_status == VerificationStatus.REFUTED:
        return [KEEP, REINSTATE] if task else [REINSTATE]
    if not memory.is_live:
        return [KEEP] if task else []
    changing = [CORRECT, REFUTE, ERROR] if correctable_fields(memory) else [REFUTE, ERROR]
    if needs_verification(memory):
        return [CONFIRM, *changing]
    return [KEEP, *changing] if task else changing


def correctable_fields(memory: Memory) -> dict[str, str]:
    """The fields of a correction with their labels. "No known allergies" is true or not, and has none."""
    if memory.category == Category.MEDICATION:
        return MEDICATION_LABELS
    if memory.category != Category.ALLERGY:
        return {"content": "What is true"}
    return ALLERGY_LABELS if memory.allergy.assertion == AllergyAssertion.SUBSTANCE else {}


def fingerprint(memory: Memory, task: ReviewTask | None = None) -> str:
    """What a reviewer has seen of a memory, of its words and of the question: if any of it changes under their hands,
    their decision is about something else.
    """
    details = getattr(memory, "allergy", None) or getattr(memory, "medication", None)
    seen: list[object] = [
        memory.content,
        memory.status_label,
        memory.verified_at,
        memory.superseded_by_id,
        memory.deleted_at,
    ]
    seen += [getattr(details, name) for name in correctable_fields(memory) if details]
    seen += [memory.mentions.count()]
    if task:
        seen += [task.state, task.decided_at, task.ask_again_at, task.explanation]
    if task and task.related:
        seen += [task.related.status_label, task.related.verified_at]
    return sha256(repr(seen).encode()).hexdigest()


class DecisionForm(forms.Form):
    """What is decided, why, and what is right instead. `options` are the ways to decide, with their fields."""

    reason = forms.CharField(
        required=False, max_length=REASON_LENGTH, widget=UnfoldAdminTextareaWidget({"rows": 2}), label="In other words"
    )
    seen = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, memory: Memory, task: ReviewTask | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.memory, self.task = memory, task
        self.options = options_for(memory, task)
        self.fields["decision"] = forms.ChoiceField(
            choices=[(option.key, option.title) for option in self.options],
            widget=forms.RadioSelect,
            error_messages={"required": "Choose what you decide."},
        )
        self.fields["seen"].initial = fingerprint(memory, task)
        for option in self.options:
            self.fields[f"reason_{option.key}"] = forms.ChoiceField(
                choices=[(reason, reason) for reason in option.reasons], required=False, widget=forms.RadioSelect
            )
        for name, label in correctable_fields(memory).items():
            self.fields[name] = _correction_field(memory, name, label)

    @property
    def panels(self) -> list[dict[str, Any]]:
        """The options as the template shows them."""
        corrections = [self[name] for name in correctable_fields(self.memory)]
        return [
            {
                "option": option,
                "is_chosen": self["decision"].value() == option.key,
                "reasons": self[f"reason_{option.key}"],
                "fields": corrections if option is CORRECT else [],
            }
            for option in self.options
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        decision = said.get("decision")
        reasons = [said.get(f"reason_{decision}", ""), said.get("reason", "").strip()]
        said["reason"] = ". ".join(reason for reason in reasons if reason)[:REASON_LENGTH]
        if decision and not said["reason"]:
            self.add_error("reason", "Say why: choose a reason or write one.")
        return said

    def corrections(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in correctable_fields(self.memory)}


def _correction_field(memory: Memory, name: str, label: str) -> forms.Field:
    details = getattr(memory, "allergy", None) or getattr(memory, "medication", None) or memory
    value = getattr(details, name)
    if name == "as_needed":
        return forms.BooleanField(label=label, initial=value, required=False, widget=UnfoldBooleanWidget)
    if name in CHOICES:
        return forms.ChoiceField(
            label=label, initial=value, choices=CHOICES[name], required=False, widget=UnfoldAdminSelectWidget
        )
    if name == "content":
        return forms.CharField(
            label=label, initial=value, required=False, widget=UnfoldAdminTextareaWidget({"rows": 2})
        )
    length = getattr(details._meta.get_field(name), "max_length", None)
    return forms.CharField(
        label=label, initial=value, max_length=length, required=False, widget=UnfoldAdminTextInputWidget
    )


def decide(form: DecisionForm, *, by: User) -> None:
    """Carry out a valid form's decision, whole or not at all. Raises `DecisionRefused` and `ReviewRefused`."""
    said, task = form.cleaned_data, form.task
    with transaction.atomic():
        memory = as_seen(form.memory, said["seen"], task)
        if task is not None and said["decision"] in _ABOUT_THE_QUESTION:
            _ABOUT_THE_QUESTION[said["decision"]](task, by=by, reason=said["reason"])
        elif said["decision"] == CORRECT.key:
            actions.correct(memory, by=by, reason=said["reason"], **form.corrections())
        else:
            _SIMPLE[said["decision"]](memory, by=by, reason=said["reason"])


def as_seen(memory: Memory, seen: str, task: ReviewTask | None = None) -> Memory:
    """The memory, locked, if it and its question still are what the reviewer saw. Raises `DecisionRefused`."""
    lock_patient(memory.patient_id)
    current = Memory.objects.with_details().get(pk=memory.pk)
    question = ReviewTask.objects.select_related("related").get(pk=task.pk) if task else None
    if fingerprint(current, question) != seen:
        raise DecisionRefused("This has changed since you opened it. See what it is now, and decide again.")
    return current


_ABOUT_THE_QUESTION: dict[str, Callable[..., ReviewTask]] = {KEEP.key: keep_as_it_is, ASK_AGAIN.key: ask_again}
_SIMPLE: dict[str, Callable[..., Memory]] = {
    CONFIRM.key: actions.confirm,
    REFUTE.key: actions.refute,
    ERROR.key: actions.enter_in_error,
    REINSTATE.key: actions.reinstate,
}


def refusal_in_words(refusal: DecisionRefused) -> str:
    return " ".join(refusal.messages)
