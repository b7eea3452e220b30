"""How statuses look in lists: the word itself, and a colour that only repeats it."""

from typing import Any

from memories.choices import AllergyAssertion, Category, VerificationStatus
from memories.models import Memory, ReviewSeverity, ReviewTask, RunState
from memories.vocabulary.cross_reactivity import Level

STATUS = {
    VerificationStatus.UNCONFIRMED.label: "warning",
    VerificationStatus.CONFIRMED.label: "success",
    VerificationStatus.REFUTED.label: "danger",
    VerificationStatus.ENTERED_IN_ERROR.label: "danger",
    "Superseded": "info",
    "Deleted": "danger",
}
CATEGORY = {Category.ALLERGY.label: "danger", Category.MEDICATION.label: "primary"}
SEVERITY = {
    ReviewSeverity.HIGH.label: "danger",
    ReviewSeverity.MEDIUM.label: "warning",
    ReviewSeverity.LOW.label: "info",
}
RUN = {RunState.DONE.label: "success", RunState.PENDING.label: "info", RunState.FAILED.label: "danger"}

ALLERGY_FIELDS = {"substance": "Substance, as heard", "ingredient": "In the vocabulary", "reaction": "Reaction"}
MEDICATION_FIELDS = {
    "drug": "Drug, as heard",
    "ingredient": "In the vocabulary",
    "dose": "Dose",
    "route": "Route",
    "frequency": "Frequency",
}


def details_of(memory: Memory) -> list[tuple[str, str]]:
    """The typed details of an allergy or a medication as (name, value); what was not said reads so."""
    if allergy := getattr(memory, "allergy", None):
        if allergy.assertion != AllergyAssertion.SUBSTANCE:
            return [("States", allergy.get_assertion_display())]
        rows = [(label, getattr(allergy, name)) for name, label in ALLERGY_FIELDS.items()]
        rows += [("Severity", allergy.get_severity_display())]
    elif medication := getattr(memory, "medication", None):
        rows = [(label, getattr(medication, name)) for name, label in MEDICATION_FIELDS.items()]
        rows += [("As needed", "yes" if medication.as_needed else "")]
        rows += [("Status", medication.get_status_display())]
    else:
        return []
    return [(label, value or "not said") for label, value in rows]


def guess_of(memory: Memory) -> tuple[str, str] | None:
    """The word heard and the name that merely resembles it, if the vocabulary does not know the word."""
    if (allergy := getattr(memory, "allergy", None)) and allergy.guess:
        return allergy.substance, allergy.guess
    if (medication := getattr(memory, "medication", None)) and medication.guess:
        return medication.drug, medication.guess
    return None


#: How sure it is that an allergy to one thing concerns another.
LEVELS: dict[str, str] = {
    Level.SAME: "A: the same drug or the same group",
    Level.PARTIAL: "B: reactions to both are documented, in part of the patients",
    Level.WEAK: "C: weak",
    Level.MYTH: "M: a myth",
}


def evidence_of(task: ReviewTask) -> dict[str, Any] | None:
    """What an alert rests on: the level of evidence in words, the note and the source. None where there is none."""
    level, note, source = (str(task.evidence.get(name) or "") for name in ("level", "note", "source"))
    if not (level or note or source):
        return None
    return {"level": LEVELS.get(level, level), "note": note, "source": source}
