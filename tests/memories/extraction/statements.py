"""Short ways to write a talk down and to say what was extracted from it."""

from collections.abc import Iterator
from datetime import UTC, datetime

from memories.choices import AllergyAssertion, Category, ClinicalStatus, SpeakerRole
from memories.extraction.candidates import AllergyFacts, Candidate, Extraction, MedicationFacts, Utterance
from memories.extraction.local import extract_locally

SAID_AT = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)  # a Wednesday
WHO = {
    "N": ("Nora", SpeakerRole.CLINICIAN),
    "P": ("Edith", SpeakerRole.PATIENT),
    "C": ("Carlos", SpeakerRole.CAREGIVER),
    "-": ("", SpeakerRole.UNKNOWN),
}


def talk(*turns: str) -> list[Utterance]:
    """Turns written "N: ..." (nurse), "P: ..." (patient), "C: ..." (caregiver), "-: ..." (a note)."""
    parts = (turn.partition(": ") for turn in turns)
    return [Utterance(WHO[who][0], text, WHO[who][1]) for who, _, text in parts]


def extracted(*turns: str) -> Extraction:
    said = talk(*turns)
    extraction = extract_locally(said, SAID_AT)
    for one in extraction.candidates:
        assert one.quote.text == said[one.quote.turn].text[one.quote.start : one.quote.end]
    return extraction


def candidates(category: Category, *turns: str) -> list[Candidate]:
    return [one for one in extracted(*turns).candidates if one.category == category]


def facts(category: Category, *turns: str) -> set[str]:
    """What was extracted of one category, each in one line."""
    return set(_lines(candidates(category, *turns)))


def _lines(found: list[Candidate]) -> Iterator[str]:
    for one in found:
        if one.allergy:
            yield _allergy(one, one.allergy)
        elif one.medication:
            yield _medication(one, one.medication)
        elif one.category == Category.MEDICAL_HISTORY:
            over = " (over)" if one.clinical_status == ClinicalStatus.RESOLVED else ""
            yield f"{'not ' if one.denied else ''}{one.about}{over}"
        else:
            yield f"{one.about}: {one.content}"


def _allergy(one: Candidate, facts: AllergyFacts) -> str:
    if facts.assertion != AllergyAssertion.SUBSTANCE:
        return str(facts.assertion)
    name = facts.ingredient or (f"{facts.substance} = {facts.guess}?" if facts.guess else facts.substance)
    return f"{'not ' if one.denied else ''}{name}{f' ({facts.reaction})' if facts.reaction else ''}"


def _medication(one: Candidate, facts: MedicationFacts) -> str:
    name = facts.ingredient or (f"{facts.drug} = {facts.guess}?" if facts.guess else facts.drug)
    parts = [
        name,
        facts.dose,
        facts.route,
        facts.frequency,
        "as needed" if facts.as_needed else "",
        str(facts.status),
    ]
    return " ".join(part for part in parts if part)
