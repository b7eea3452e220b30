"""What the live critical memories of one patient say against each other. Pure: memories in, questions out."""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations, product
from uuid import UUID

from memories.choices import AllergyAssertion, Category, MedicationStatus
from memories.facts import drug_key, folded, is_contradicted, substance_key
from memories.interactions import Finding, Level, Verdict, check_allergy, shared_therapy
from memories.models import Memory, ReviewSeverity, TaskKind

#: A planned drug is the one that an alert can still stop.
TAKEN = (MedicationStatus.ACTIVE, MedicationStatus.INTENDED, MedicationStatus.UNKNOWN)
SEVERITY = {Level.SAME: ReviewSeverity.HIGH, Level.PARTIAL: ReviewSeverity.MEDIUM}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A question about `memory` beside `related`. Questions of one `pair` are one; a person's answer holds as long as
    the `situation` is the same.
    """

    kind: TaskKind
    memory: Memory
    related: Memory
    severity: ReviewSeverity
    explanation: str
    pair: str
    situation: str
    evidence: dict[str, str | None] = field(default_factory=dict)


def compare(critical: Sequence[Memory], changed: Container[UUID] | None = None) -> list[Comparison]:
    """What these memories, all of one patient, all live, say against each other: everything, or only what involves one
    of the keys in `changed`.
    """
    allergies, medications = allergies_of(critical), of_category(critical, Category.MEDICATION)
    taken = [memory for memory in medications if memory.medication.status in TAKEN]
    stated = of_category(critical, Category.ALLERGY)

    def involved(pairs: Iterable[tuple[Memory, Memory]]) -> Iterator[tuple[Memory, Memory]]:
        return (pair for pair in pairs if changed is None or pair[0].pk in changed or pair[1].pk in changed)

    found = (
        *(_contradiction(*pair) for pair in involved(product(stated, allergies))),
        *(_conflict(*pair) for pair in involved(product(allergies, taken))),
        *(_change(*pair) for pair in involved(combinations(medications, 2))),
        *(_therapy_twice(*pair) for pair in involved(combinations(taken, 2))),
    )
    return [comparison for comparison in found if comparison]


def findings_for(medication: Memory, critical: Iterable[Memory]) -> list[tuple[Memory, Finding]]:
    """Each live allergy with what is known of it and this medication, weak evidence and "not checked" included."""
    return [(allergy, _check(allergy, medication)) for allergy in allergies_of(critical)]


def of_category(memories: Iterable[Memory], category: Category) -> list[Memory]:
    """Those of one category that have their details, the earliest first."""
    return [memory for memory in memories if memory.category == category and hasattr(memory, str(category))]


def allergies_of(memories: Iterable[Memory]) -> list[Memory]:
    """The allergies to something, without the statements that there are none."""
    stated = of_category(memories, Category.ALLERGY)
    return [memory for memory in stated if memory.allergy.assertion == AllergyAssertion.SUBSTANCE]


def _contradiction(none_known: Memory, allergy: Memory) -> Comparison | None:
    if not is_contradicted(none_known.allergy.assertion, allergy.allergy):
        return None
    pair = f"{none_known.allergy.assertion} / {substance_key(allergy.allergy)}"
    later, earlier = _later_first(none_known, allergy)
    explanation = "One says that there is an allergy, the other that there is none."
    return Comparison(TaskKind.CONFLICT, later, earlier, ReviewSeverity.HIGH, explanation, pair, pair)


def _check(allergy: Memory, medication: Memory) -> Finding:
    substance, drug = allergy.allergy, medication.medication
    return check_allergy(substance.ingredient or substance.substance, drug.ingredient or drug.drug)


def _conflict(allergy: Memory, medication: Memory) -> Comparison | None:
    finding = _check(allergy, medication)
    if finding.verdict != Verdict.CONFLICT or finding.level is None:
        return None
    said, drug = allergy.allergy, medication.medication
    reaction = f"reaction: {said.reaction}" if said.reaction else "reaction not said"
    pair = f"{substance_key(said)} / {drug_key(drug)}"
    return Comparison(
        TaskKind.ALLERGY_DRUG,
        medication,
        allergy,
        SEVERITY[finding.level],
        f"Allergy to {said.substance} ({allergy.status_label.lower()}, {reaction}) and {drug.drug}.",
        pair,
        f"{pair} / {folded(said.reaction)} / {said.severity} / {folded(drug.dose)}",
        {name: str(value) for name, value in asdict(finding).items()},
    )


def _change(one: Memory, other: Memory) -> Comparison | None:
    """Two statements about one drug: taken and not, or two doses."""
    drug = drug_key(one.medication)
    if drug != drug_key(other.medication):
        return None
    later, earlier = _later_first(one, other)
    new, old = later.medication, earlier.medication
    if (new.status in TAKEN) != (old.status in TAKEN):
        explanation = "Said to be taken before." if old.status in TAKEN else "Said not to be taken before."
        return Comparison(
            TaskKind.STOPPED, later, earlier, ReviewSeverity.HIGH, explanation, f"{drug} / taken or not",
            f"{drug} / {new.status} {folded(new.dose)} / {old.status} {folded(old.dose)}",
        )  # fmt: skip
    if new.status in TAKEN and new.dose and old.dose and folded(new.dose) != folded(old.dose):
        doses = " / ".join(sorted((folded(new.dose), folded(old.dose))))
        explanation = f"{old.dose} before, {new.dose} now. Two strengths can both be right."
        pair = f"{drug} / {doses}"
        return Comparison(TaskKind.DOSE_CHANGE, later, earlier, ReviewSeverity.HIGH, explanation, pair, pair)
    return None


def _therapy_twice(one: Memory, other: Memory) -> Comparison | None:
    """Two drugs of one group that do the same job."""
    drugs = sorted((drug_key(one.medication), drug_key(other.medication)))
    if drugs[0] == drugs[1] or not (group := shared_therapy(*drugs)):
        return None
    explanation = f"{one.medication.drug} and {other.medication.drug} are both {group.replace('-', ' ')}."
    pair, (later, earlier) = " / ".join(drugs), _later_first(one, other)
    return Comparison(
        TaskKind.DUPLICATE, later, earlier, ReviewSeverity.MEDIUM, explanation, pair, pair, {"group": group}
    )


def _later_first(one: Memory, other: Memory) -> tuple[Memory, Memory]:
    said = sorted((one, other), key=lambda memory: (memory.last_said_at, memory.recorded_at, str(memory.pk)))
    return said[1], said[0]
