"""Questions that arise between the critical memories of one patient: allergy against medication, and one therapy twice.

Asked whenever either side changes. A question that a person has answered for the same two substances stays answered,
with the reason to be seen; weak evidence and myths are shown beside a medication and never ask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from memories.choices import AllergyAssertion, Category, MedicationStatus
from memories.facts import drug_key, substance_key
from memories.interactions import Finding, Level, Verdict, check_allergy, shared_therapy
from memories.models import Memory, ReviewSeverity, ReviewTask, TaskKind
from memories.models.review import TaskState
from patients.models import Patient

#: A planned drug is the one that an alert can still stop.
TAKEN = (MedicationStatus.ACTIVE, MedicationStatus.INTENDED, MedicationStatus.UNKNOWN)
SEVERITY = {Level.SAME: ReviewSeverity.HIGH, Level.PARTIAL: ReviewSeverity.MEDIUM}


def raise_alerts(patient: Patient, changed: Iterable[Memory]) -> list[ReviewTask]:
    """Open the questions between what has changed and the patient's other live critical memories."""
    changed_keys = {memory.pk for memory in changed if memory.is_critical}
    if not changed_keys:
        return []
    critical = list(Memory.objects.for_patient(patient).live().critical().with_details())
    allergies, medications = _allergies(critical), _medications(critical)
    opened = [
        _ask_about_conflict(allergy, medication)
        for allergy in allergies
        for medication in medications
        if changed_keys & {allergy.pk, medication.pk}
    ]
    opened += [
        _ask_about_therapy(one, other)
        for at, one in enumerate(medications)
        for other in medications[at + 1 :]
        if changed_keys & {one.pk, other.pk}
    ]
    return [task for task in opened if task]


def findings_for(medication: Memory, critical: Sequence[Memory]) -> list[tuple[Memory, Finding]]:
    """Each live allergy with what is known of it and this medication, weak evidence and "not checked" included."""
    return [(allergy, _check(allergy, medication)) for allergy in _allergies(critical)]


def _allergies(critical: Iterable[Memory]) -> list[Memory]:
    return [
        memory
        for memory in critical
        if memory.category == Category.ALLERGY and memory.allergy.assertion == AllergyAssertion.SUBSTANCE
    ]


def _medications(critical: Iterable[Memory]) -> list[Memory]:
    return [
        memory for memory in critical if memory.category == Category.MEDICATION and memory.medication.status in TAKEN
    ]


def _check(allergy: Memory, medication: Memory) -> Finding:
    substance, drug = allergy.allergy, medication.medication
    return check_allergy(substance.ingredient or substance.substance, drug.ingredient or drug.drug)


def _ask_about_conflict(allergy: Memory, medication: Memory) -> ReviewTask | None:
    finding = _check(allergy, medication)
    if finding.verdict != Verdict.CONFLICT:
        return None
    substance = allergy.allergy
    reaction = f"reaction: {substance.reaction}" if substance.reaction else "reaction not said"
    status = allergy.status_label.lower()
    explanation = f"Allergy to {substance.substance} ({status}, {reaction}) and {medication.medication.drug}."
    pair = f"{substance_key(substance)} / {drug_key(medication.medication)}"
    evidence = {**asdict(finding), "pair": pair}
    return _ask(TaskKind.ALLERGY_DRUG, medication, allergy, SEVERITY[finding.level], explanation, evidence)


def _ask_about_therapy(one: Memory, other: Memory) -> ReviewTask | None:
    """Two drugs of one group; two strengths of one drug are a question of dose, asked elsewhere."""
    drugs = drug_key(one.medication), drug_key(other.medication)
    if drugs[0] == drugs[1] or not (group := shared_therapy(*drugs)):
        return None
    explanation = f"{one.medication.drug} and {other.medication.drug} are both {group.replace('-', ' ')}."
    pair = " / ".join(sorted(drugs))
    return _ask(TaskKind.DUPLICATE, one, other, ReviewSeverity.MEDIUM, explanation, {"group": group, "pair": pair})


def _ask(
    kind: TaskKind,
    memory: Memory,
    related: Memory,
    severity: ReviewSeverity,
    explanation: str,
    evidence: dict[str, str],
) -> ReviewTask | None:
    """Open the question, unless it is open or was answered for the same two substances."""
    asked = ReviewTask.objects.for_patient(memory.patient).filter(kind=kind, evidence__pair=evidence["pair"])
    if asked.exclude(state=TaskState.OBSOLETE).exists():
        return None
    return ReviewTask.objects.ask(kind, memory, explanation, severity, related, evidence)
