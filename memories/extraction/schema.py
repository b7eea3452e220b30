"""The JSON that a language model answers with, and how an answer becomes candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from memories.choices import (
    AllergyAssertion,
    Category,
    ClinicalStatus,
    Kind,
    MedicationStatus,
    Priority,
    Severity,
)
from memories.extraction.candidates import AllergyFacts, Candidate, MedicationFacts, Utterance
from memories.extraction.limits import within_limits
from memories.extraction.quoting import find_quote

#: Confidence by whether the speaker was sure. A model's own numbers are not used: they are not calibrated.
SURE, HEDGED = 0.85, 0.5

#: What the model may call a fact that is neither allergy nor medication, and what that is here.
KINDS_OF_FACT = {
    "medical_history": (Category.MEDICAL_HISTORY, Kind.SEMANTIC),
    "observation": (Category.OBSERVATION, Kind.EPISODIC),
    "appointment": (Category.APPOINTMENT, Kind.EPISODIC),
    "preference": (Category.PREFERENCE, Kind.SEMANTIC),
    "care_instruction": (Category.PREFERENCE, Kind.PROCEDURAL),
}

Item = Mapping[str, Any]


def _words(*choices: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(choices)}


def _list_of(**properties: Any) -> dict[str, Any]:
    """A list of objects that have all of the given properties and no others, as strict servers demand."""
    typed = {name: {"type": kind} if isinstance(kind, str) else kind for name, kind in properties.items()}
    item = {"type": "object", "properties": typed, "required": list(typed), "additionalProperties": False}
    return {"type": "array", "items": item}


_LISTS = {
    "allergies": _list_of(
        turn="integer",
        quote="string",
        content="string",
        substance="string",
        assertion=_words(*AllergyAssertion.values),
        reaction="string",
        severity=_words("", *Severity.values),
        denied="boolean",
        hedged="boolean",
    ),
    "medications": _list_of(
        turn="integer",
        quote="string",
        content="string",
        drug="string",
        dose="string",
        route="string",
        frequency="string",
        as_needed="boolean",
        status=_words(*MedicationStatus.values),
        starts="string",
        ends="string",
        hedged="boolean",
    ),
    "facts": _list_of(
        turn="integer",
        quote="string",
        content="string",
        category=_words(*KINDS_OF_FACT),
        about="string",
        status=_words(*ClinicalStatus.values),
        starts="string",
        ends="string",
        weight="number",
        denied="boolean",
        hedged="boolean",
    ),
}

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": _LISTS,
    "required": list(_LISTS),
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Source:
    """What an answer is about: the whole conversation, also where the model saw a window of it."""

    utterances: Sequence[Utterance]
    said_at: datetime


def candidates_of(answer: Mapping[str, Any], source: Source) -> tuple[list[Candidate], int]:
    """The candidates that rest on words really said, and how many items do not and are dropped.

    Raises `KeyError`, `TypeError` or `ValueError` for another shape: a missing field, an unknown word.
    """
    readers = {"allergies": _allergy, "medications": _medication, "facts": _fact}
    found = [read(item, source) for name, read in readers.items() for item in _items(answer[name])]
    candidates = [candidate for candidate in found if candidate]
    return candidates, len(found) - len(candidates)


def _allergy(item: Item, source: Source) -> Candidate | None:
    facts = AllergyFacts(
        substance=_named(item["substance"]),
        assertion=AllergyAssertion(item["assertion"]),
        reaction=_named(item["reaction"]),
        severity=Severity(severity) if (severity := _named(item["severity"])) else "",
    )
    denied = _flag(item["denied"])
    if facts.assertion != AllergyAssertion.SUBSTANCE:
        # An absence is asserted, not denied, and names no substance, whatever the model says beside it.
        facts, denied = AllergyFacts(substance="", assertion=facts.assertion), False
    about = facts.substance or AllergyAssertion(facts.assertion).label.lower()
    if facts.assertion == AllergyAssertion.SUBSTANCE and not facts.substance:
        return None
    return _candidate(
        item,
        source,
        category=Category.ALLERGY,
        about=about,
        priority=Priority.CRITICAL,
        denied=denied,
        allergy=facts,
    )


def _medication(item: Item, source: Source) -> Candidate | None:
    facts = MedicationFacts(
        drug=_named(item["drug"]),
        dose=_named(item["dose"]),
        route=_named(item["route"]),
        frequency=_named(item["frequency"]),
        as_needed=_flag(item["as_needed"]),
        status=MedicationStatus(item["status"]),
    )
    return _candidate(
        item,
        source,
        category=Category.MEDICATION,
        about=facts.drug,
        priority=Priority.HIGH,
        clinical_status=_clinical_status(facts.status),
        denied=facts.status == MedicationStatus.NOT_TAKEN,
        starts_at=_moment(item["starts"], source),
        ends_at=_moment(item["ends"], source),
        medication=facts,
    )


def _fact(item: Item, source: Source) -> Candidate | None:
    category, kind = KINDS_OF_FACT[item["category"]]
    return _candidate(
        item,
        source,
        category=category,
        about=_named(item["about"]),
        priority=Priority.HIGH if category == Category.MEDICAL_HISTORY else Priority.NORMAL,
        kind=kind,
        clinical_status=ClinicalStatus(item["status"]),
        denied=_flag(item["denied"]),
        emotional_weight=min(max(float(item["weight"]), 0.0), 1.0),
        starts_at=_moment(item["starts"], source),
        ends_at=_moment(item["ends"], source),
    )


def _candidate(item: Item, source: Source, *, about: str, **facts: Any) -> Candidate | None:
    """The candidate, or None if nothing is named, a name is too long, or the words it rests on were not said."""
    content = _text(item["content"])
    confidence = HEDGED if _flag(item["hedged"]) else SURE
    quote = find_quote(_text(item["quote"]), source.utterances, near=_whole(item["turn"]))
    if not (quote and about and content):
        return None
    return within_limits(Candidate(about=about, content=content, quote=quote, confidence=confidence, **facts))


def _clinical_status(status: str) -> ClinicalStatus:
    return ClinicalStatus.ACTIVE if status == MedicationStatus.ACTIVE else ClinicalStatus.INACTIVE


def _moment(value: Any, source: Source) -> datetime | date | None:
    """The day or instant; a vaguer time ("2019", "next spring") stays in the content's words alone."""
    text = _named(value)
    try:
        if len(text) <= len("2026-01-31"):
            return date.fromisoformat(text)
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=source.said_at.tzinfo)


def _items(value: Any) -> Sequence[Item]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise TypeError("not a list of objects")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return " ".join(value.split())


def _named(value: Any) -> str:
    """A name or a detail; models write null, "none" and the like where it was not said. A quoted "None." is words."""
    text = "" if value is None else _text(value)
    return "" if text.lower() in ("null", "none", "n/a", "not specified", "unknown") else text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("not a boolean")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not an integer")
    return value
