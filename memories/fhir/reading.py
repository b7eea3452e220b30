"""FHIR R4 resources as what they state: a sentence to be quoted, and a typed candidate, unconfirmed like everything."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from memories.choices import (
    AllergyAssertion,
    Category,
    ClinicalStatus,
    Kind,
    MedicationStatus,
    Priority,
    Severity,
)
from memories.extraction.candidates import AllergyFacts, Candidate, MedicationFacts, Quote
from memories.extraction.limits import DOSE, FREQUENCY, NAME, REACTION
from memories.facts import with_ingredient
from memories.fhir import codes
from memories.validation import prioritised
from memories.vocabulary.drugs import find_drugs
from memories.vocabulary.words import words_of

#: The resources that are memories here.
KNOWN = ("AllergyIntolerance", "MedicationStatement", "MedicationRequest", "Condition", "Observation", "Appointment")
#: What was said in error, or refuted, is no memory: its words are history.
UNTRUE = frozenset({"refuted", "entered-in-error"})
TAKEN = {
    "active": MedicationStatus.ACTIVE,
    "completed": MedicationStatus.STOPPED,
    "stopped": MedicationStatus.STOPPED,
    "cancelled": MedicationStatus.NOT_TAKEN,
    "not-taken": MedicationStatus.NOT_TAKEN,
    "intended": MedicationStatus.INTENDED,
    "draft": MedicationStatus.INTENDED,
}
CLINICAL = {
    "active": ClinicalStatus.ACTIVE,
    "recurrence": ClinicalStatus.ACTIVE,
    "relapse": ClinicalStatus.ACTIVE,
    "inactive": ClinicalStatus.INACTIVE,
    "remission": ClinicalStatus.INACTIVE,
    "resolved": ClinicalStatus.RESOLVED,
}
ASSERTED = {
    codes.NO_ALLERGY: AllergyAssertion.NONE_KNOWN,
    codes.NO_DRUG_ALLERGY: AllergyAssertion.NO_DRUG_KNOWN,
}
_DOSE = re.compile(r"\d+(?:\.\d+)?\s?(?:MG|MCG|ML|G|UNT|ACTUAT|MEQ)(?:/[A-Z]+)?", re.IGNORECASE)
#: "Allergy to bee venom", "Shellfish allergy", "Latex allergy (disorder)": the substance.
_TAG = re.compile(r"\s*\((?:disorder|finding|substance|situation)\)$", re.IGNORECASE)
_ALLERGY_TO = re.compile(r"^(?:allerg(?:y|ic)|intolerance) to\s+|\s+(?:allergy|intolerance)$", re.IGNORECASE)


def is_true(resource: Mapping[str, Any]) -> bool:
    """Whether it is claimed at all."""
    said = {*codes.codes_of(resource.get("verificationStatus")), str(resource.get("status"))}
    return not said & UNTRUE


def name_of(resource: Mapping[str, Any]) -> str:
    """What a resource is about, in its own words, or ""."""
    concept = resource.get("medicationCodeableConcept") or resource.get("code") or {}
    if not isinstance(concept, dict):
        return ""
    coded = [c.get("display") for c in concept.get("coding") or () if isinstance(c, dict) and c.get("display")]
    return str(concept.get("text") or next(iter(coded), "") or resource.get("description") or "").strip()


def sentence_of(resource: Mapping[str, Any]) -> str:
    """One sentence that says what the resource says: what is quoted, and shown to staff."""
    kind, name = resource["resourceType"], name_of(resource)
    notes = [str(note["text"]) for note in resource.get("note") or () if isinstance(note, dict) and note.get("text")]
    if kind == "AllergyIntolerance":
        told = [*_status_words(resource), *_prefixed("criticality", resource.get("criticality")), _reaction(resource)]
    elif kind in ("MedicationStatement", "MedicationRequest"):
        told = [*_status_words(resource), _dosage_text(resource)]
    elif kind == "Observation":
        told = [value_of(resource), *_prefixed("on", day_of(resource.get("effectiveDateTime")))]
    elif kind == "Appointment":
        told = [str(resource.get("status") or ""), *_prefixed("at", resource.get("start"))]
    else:
        told = [*_status_words(resource), *_prefixed("since", day_of(resource.get("onsetDateTime")))]
        told += _prefixed("until", day_of(resource.get("abatementDateTime")))
    told = [part for part in (*told, *notes) if part]
    return f"{name} ({'; '.join(told)})" if told else name


def candidate_of(resource: Mapping[str, Any], text: str) -> Candidate:
    """What the resource states, with the whole sentence `text` as its words."""
    quote = Quote(0, 0, len(text), text)
    return prioritised(_CANDIDATES[resource["resourceType"]](resource, text, quote))


def _allergy(resource: Mapping[str, Any], text: str, quote: Quote) -> Candidate:
    name = name_of(resource)
    coded = set(codes.codes_of(resource.get("code")))
    assertion = next((meant for code, meant in ASSERTED.items() if code in coded), AllergyAssertion.SUBSTANCE)
    substance = _ALLERGY_TO.sub("", _TAG.sub("", name)).strip() or name
    reaction = _reaction(resource)
    facts = AllergyFacts(
        "" if assertion != AllergyAssertion.SUBSTANCE else substance[:NAME],
        assertion=assertion,
        reaction=reaction[:REACTION],
        severity=_severity(resource),
    )
    facts = with_ingredient(facts) if facts.substance else facts
    return Candidate(
        Category.ALLERGY,
        (substance if facts.substance else name)[:NAME],
        text,
        quote,
        Priority.CRITICAL,
        clinical_status=_clinical(resource),
        starts_at=_time(resource.get("onsetDateTime")),
        allergy=facts,
    )


def _medication(resource: Mapping[str, Any], text: str, quote: Quote) -> Candidate:
    name = name_of(resource)
    dosages = resource.get("dosage") or resource.get("dosageInstruction") or ()
    dosage = next((one for one in dosages if isinstance(one, dict)), {})
    dose = _DOSE.search(name)
    facts = with_ingredient(
        MedicationFacts(
            name[:NAME],
            dose=dose.group()[:DOSE] if dose else "",
            frequency=str(dosage.get("text") or "")[:FREQUENCY],
            as_needed=bool(dosage.get("asNeededBoolean")),
            status=TAKEN.get(str(resource.get("status")), MedicationStatus.UNKNOWN),
        )
    )
    named = {found.entry.ingredient for found in find_drugs(words_of(name))}
    if not facts.ingredient and len(named) == 1:
        facts = replace(facts, ingredient=named.pop(), guess="")
    period = resource.get("effectivePeriod") or {}
    starts_at = _time(period.get("start") or resource.get("effectiveDateTime") or resource.get("authoredOn"))
    ends_at = _end(starts_at, period.get("end"))
    return Candidate(
        Category.MEDICATION, name[:NAME], text, quote, starts_at=starts_at, ends_at=ends_at, medication=facts
    )


def _condition(resource: Mapping[str, Any], text: str, quote: Quote) -> Candidate:
    starts_at = _time(resource.get("onsetDateTime"))
    return Candidate(
        Category.MEDICAL_HISTORY,
        name_of(resource)[:NAME],
        text,
        quote,
        Priority.HIGH,
        clinical_status=_clinical(resource),
        starts_at=starts_at,
        ends_at=_end(starts_at, resource.get("abatementDateTime")),
    )


def _observation(resource: Mapping[str, Any], text: str, quote: Quote) -> Candidate:
    return Candidate(Category.OBSERVATION, name_of(resource)[:NAME], text, quote, kind=Kind.EPISODIC)


def _appointment(resource: Mapping[str, Any], text: str, quote: Quote) -> Candidate:
    starts_at = _time(resource.get("start"))
    ends_at = _end(starts_at, resource.get("end"))
    about = name_of(resource)[:NAME]
    return Candidate(Category.APPOINTMENT, about, text, quote, kind=Kind.EPISODIC, starts_at=starts_at, ends_at=ends_at)


_CANDIDATES = {
    "AllergyIntolerance": _allergy,
    "MedicationStatement": _medication,
    "MedicationRequest": _medication,
    "Condition": _condition,
    "Observation": _observation,
    "Appointment": _appointment,
}


def said_at(resource: Mapping[str, Any]) -> datetime | None:
    """When it was recorded, or else when it was so."""
    keys = ("recordedDate", "dateAsserted", "authoredOn", "issued", "effectiveDateTime", "onsetDateTime", "created")
    return next((when for key in keys if isinstance(when := _time(resource.get(key)), datetime)), None)


def value_of(resource: Mapping[str, Any]) -> str:
    """What an observation found: "121 mmHg", "Never smoker", or its parts."""
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict):
        return f"{_number(quantity.get('value'))} {quantity.get('unit') or ''}".strip()
    if isinstance(resource.get("valueCodeableConcept"), dict):
        return name_of({"code": resource["valueCodeableConcept"]})
    if resource.get("component"):
        parts = [part for part in resource["component"] if isinstance(part, dict)]
        return ", ".join(f"{name_of(part)} {value_of(part)}" for part in parts)
    value = next((resource[key] for key in ("valueString", "valueInteger", "valueBoolean") if key in resource), "")
    return str(value)


def day_of(value: Any) -> str:
    return str(value or "")[:10]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _status_words(resource: Mapping[str, Any]) -> list[str]:
    clinical = list(codes.codes_of(resource.get("clinicalStatus")))
    status = resource.get("status")
    return [*clinical, *([str(status)] if status else [])]


def _prefixed(word: str, value: Any) -> list[str]:
    return [f"{word} {value}"] if value else []


def _clinical(resource: Mapping[str, Any]) -> ClinicalStatus:
    said = next(codes.codes_of(resource.get("clinicalStatus")), "active")
    return CLINICAL.get(said, ClinicalStatus.ACTIVE)


def _reaction(resource: Mapping[str, Any]) -> str:
    manifested = [
        name_of({"code": concept})
        for reaction in resource.get("reaction") or ()
        if isinstance(reaction, dict)
        for concept in reaction.get("manifestation") or ()
    ]
    return ", ".join(name for name in manifested if name)


def _severity(resource: Mapping[str, Any]) -> Severity | str:
    said = [r.get("severity") for r in resource.get("reaction") or () if isinstance(r, dict) and r.get("severity")]
    return Severity(str(said[0])) if said else ""


def _dosage_text(resource: Mapping[str, Any]) -> str:
    dosages = resource.get("dosage") or resource.get("dosageInstruction") or ()
    told = [str(d["text"]) for d in dosages if isinstance(d, dict) and d.get("text")]
    return ", ".join(told)


def _time(value: Any) -> datetime | date | None:
    """An instant or a day; R4 also has years and months, which are the first day of them."""
    if not isinstance(value, str):
        return None
    try:
        when = parse_datetime(value) if "T" in value else None
        if when:
            return when if timezone.is_aware(when) else timezone.make_aware(when)
        return parse_date(value) or parse_date(f"{value}-01-01"[: len("2026-01-01")])
    except ValueError:
        return None


def _end(starts_at: datetime | date | None, value: Any) -> datetime | date | None:
    """When it ended; what would end before it began tells no end."""
    ends_at = _time(value)
    before = starts_at and ends_at and day_of(ends_at.isoformat()) < day_of(starts_at.isoformat())
    return None if before else ends_at
