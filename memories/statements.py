"""From a memory back to what it states, and from typed details to a sentence."""

from dataclasses import asdict
from typing import Any

from memories.choices import Category, ClinicalStatus, Kind, MedicationStatus, Priority, Scope
from memories.extraction.candidates import AllergyFacts, Candidate, MedicationFacts, Quote
from memories.models import Memory

NO_QUOTE = Quote(turn=0, start=0, end=0, text="")

_VERB = {
    MedicationStatus.ACTIVE: "Takes",
    MedicationStatus.INTENDED: "Is to take",
    MedicationStatus.STOPPED: "Has stopped taking",
    MedicationStatus.NOT_TAKEN: "Does not take",
    MedicationStatus.UNKNOWN: "Has taken",
}


def as_candidate(memory: Memory) -> Candidate:
    """What a memory states, as an extractor would put it. It quotes nobody."""
    return Candidate(
        category=Category(memory.category),
        about=memory.about,
        content=memory.content,
        quote=NO_QUOTE,
        priority=Priority(memory.priority),
        kind=Kind(memory.kind),
        clinical_status=ClinicalStatus(memory.clinical_status),
        confidence=memory.confidence,
        emotional_weight=memory.emotional_weight,
        starts_at=memory.valid_from,
        ends_at=memory.valid_to,
        allergy=_allergy_facts(memory),
        medication=_medication_facts(memory),
        metadata=memory.metadata,
        scope=Scope(memory.scope),
        scope_id=memory.scope_id,
    )


def facts_of(memory: Memory) -> dict[str, Any] | None:
    """The typed details of an allergy or a medication, or None."""
    facts = _allergy_facts(memory) or _medication_facts(memory)
    return asdict(facts) if facts else None


def _allergy_facts(memory: Memory) -> AllergyFacts | None:
    if memory.category != Category.ALLERGY:
        return None
    said = memory.allergy
    return AllergyFacts(said.substance, said.ingredient, said.guess, said.assertion, said.reaction, said.severity)


def _medication_facts(memory: Memory) -> MedicationFacts | None:
    if memory.category != Category.MEDICATION:
        return None
    said = memory.medication
    return MedicationFacts(
        said.drug, said.ingredient, said.guess, said.dose, said.route, said.frequency, said.as_needed, said.status
    )


def allergy_sentence(facts: AllergyFacts) -> str:
    """`Allergic to penicillin (hives).`"""
    return f"Allergic to {facts.substance}{f' ({facts.reaction})' if facts.reaction else ''}."


def medication_sentence(facts: MedicationFacts) -> str:
    """`Takes lisinopril 10 mg by mouth every morning, as needed.`"""
    parts = [_VERB[MedicationStatus(facts.status)], facts.drug, facts.dose, facts.route, facts.frequency]
    return " ".join(part for part in parts if part) + (", as needed." if facts.as_needed else ".")
