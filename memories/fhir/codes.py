"""FHIR R4's value sets, as far as they are used. Structure checks do not look at them, so they are looked at here."""

from collections.abc import Iterator, Mapping
from typing import Any

from memories.vocabulary.words import word_set

SNOMED = "http://snomed.info/sct"
HL7 = "http://terminology.hl7.org/CodeSystem"
#: Ours: the key of a memory, by which what was exported from here is known again.
MEMORY = "urn:homecare-memory:memory"
PATIENT = "urn:homecare-memory:patient"

ALLERGY_CLINICAL = f"{HL7}/allergyintolerance-clinical"
ALLERGY_VERIFICATION = f"{HL7}/allergyintolerance-verification"
CONDITION_CLINICAL = f"{HL7}/condition-clinical"
CONDITION_VERIFICATION = f"{HL7}/condition-ver-status"

#: Assertions that there is nothing: no allergy at all, none to drugs.
NO_ALLERGY, NO_DRUG_ALLERGY = "716186003", "409137002"

#: (resource, field) -> codes; a field of CodeableConcepts has its codes in `coding`.
CODES: Mapping[tuple[str, str], frozenset[str]] = {
    ("AllergyIntolerance", "clinicalStatus"): word_set("active inactive resolved"),
    ("AllergyIntolerance", "verificationStatus"): word_set("unconfirmed confirmed refuted entered-in-error"),
    ("AllergyIntolerance", "type"): word_set("allergy intolerance"),
    ("AllergyIntolerance", "category"): word_set("food medication environment biologic"),
    ("AllergyIntolerance", "criticality"): word_set("low high unable-to-assess"),
    ("MedicationStatement", "status"): word_set(
        "active completed entered-in-error intended stopped on-hold unknown not-taken"
    ),
    ("MedicationRequest", "status"): word_set(
        "active on-hold cancelled completed entered-in-error stopped draft unknown"
    ),
    ("Condition", "clinicalStatus"): word_set("active recurrence relapse inactive remission resolved"),
    ("Condition", "verificationStatus"): word_set(
        "unconfirmed provisional differential confirmed refuted entered-in-error"
    ),
    ("Observation", "status"): word_set(
        "registered preliminary final amended corrected cancelled entered-in-error unknown"
    ),
    ("Appointment", "status"): word_set(
        "proposed pending booked arrived fulfilled cancelled noshow entered-in-error checked-in waitlist"
    ),
}
REQUIRED = {"MedicationStatement": "status", "MedicationRequest": "status", "Observation": "status"}
SEVERITIES = word_set("mild moderate severe")


def wrong_codes(resource: Mapping[str, Any]) -> list[str]:
    """The fields of a resource with a code that R4 does not have there, or without one that it asks for."""
    kind = str(resource.get("resourceType"))
    wrong = [
        field
        for (of, field), known in CODES.items()
        if of == kind and any(code not in known for code in codes_of(resource.get(field)))
    ]
    wrong += [field for of, field in REQUIRED.items() if of == kind and not resource.get(field)]
    reactions = resource.get("reaction") if kind == "AllergyIntolerance" else None
    for reaction in reactions if isinstance(reactions, list) else ():
        if isinstance(reaction, dict) and reaction.get("severity", "mild") not in SEVERITIES:
            wrong.append("reaction.severity")
    return wrong


def codes_of(value: Any) -> Iterator[str]:
    """The codes in a code, a list of codes, or CodeableConcepts."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for coding in value.get("coding") or ():
            if isinstance(coding, dict) and coding.get("code") is not None:
                yield str(coding["code"])
    elif isinstance(value, list):
        for part in value:
            yield from codes_of(part)


def concept(system: str, code: str) -> dict[str, Any]:
    """A CodeableConcept of one code."""
    return {"coding": [{"system": system, "code": code}]}
