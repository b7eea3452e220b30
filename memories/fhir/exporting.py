"""What is remembered of a patient as one FHIR R4 bundle. Plain mappings: no library, no query but of the rows given."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from memories.choices import AllergyAssertion, Category, MedicationStatus, Scope, VerificationStatus
from memories.fhir import codes
from memories.fhir.reading import TAKEN
from memories.models import ImportedRow, Memory
from patients.models import Patient

SOURCE = "fhir"
_ASSERTED = {
    AllergyAssertion.NONE_KNOWN: (codes.NO_ALLERGY, "No known allergy"),
    AllergyAssertion.NO_DRUG_KNOWN: (codes.NO_DRUG_ALLERGY, "No known drug allergy"),
}
CRITICALITIES = {"severe": "high"}


def bundle_of(patient: Patient, memories: Sequence[Memory]) -> dict[str, Any]:
    """A collection: the patient, a resource for each memory, and for each of these its Provenance. Memories of an
    agent's own work are no facts of the patient, and are left out.
    """
    brought = _brought_in(memories)
    resources = [_patient(patient)]
    for memory in memories:
        if memory.scope == Scope.AGENT:
            continue
        for resource in _resources(memory, brought.get(memory.pk, [])):
            resources += [resource, _provenance(memory, resource)]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": timezone.now().isoformat(),
        "entry": [{"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource} for resource in resources],
    }


def _brought_in(memories: Sequence[Memory]) -> dict[UUID, list[tuple[UUID, dict[str, Any]]]]:
    """The resources that memories were brought in as, each with the key of its row: grouped, and not dropped."""
    rows = ImportedRow.objects.filter(memory__in=memories, source=SOURCE).order_by("pk")
    brought: dict[UUID, list[tuple[UUID, dict[str, Any]]]] = {}
    for memory_id, key, original in rows.values_list("memory_id", "pk", "original"):
        if memory_id:
            brought.setdefault(memory_id, []).append((key, original.get("resource") or {}))
    return brought


def _resources(memory: Memory, brought: Sequence[tuple[UUID, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """A memory as its resource; one that several resources were grouped into, as each of these."""
    build = _BUILDERS.get(Category(memory.category), _observation)
    first = brought[0][1] if brought else {}
    yield _common(memory, memory.pk) | build(memory, first)
    for key, kept in brought[1:]:
        clinical = {"clinicalStatus": kept["clinicalStatus"]} if kept.get("clinicalStatus") else {}
        yield _common(memory, key) | build(memory, kept) | clinical


def _common(memory: Memory, key: UUID) -> dict[str, Any]:
    return {"id": str(key), "identifier": [{"system": codes.MEMORY, "value": str(memory.pk)}]}


def _patient(patient: Patient) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Patient",
        "id": str(patient.pk),
        "identifier": [{"system": codes.PATIENT, "value": patient.external_id}],
        "active": patient.is_active,
    }
    if patient.name:
        name = {"family": patient.family_name, "given": patient.given_name.split()}
        resource["name"] = [{key: value for key, value in name.items() if value}]
    if patient.birth_date:
        resource["birthDate"] = patient.birth_date.isoformat()
    return resource


def _subject(memory: Memory) -> dict[str, str]:
    return {"reference": f"urn:uuid:{memory.patient_id}"}


def _verification(memory: Memory, system: str) -> dict[str, Any]:
    return codes.concept(system, memory.verification_status)


def _clinical(memory: Memory, system: str) -> dict[str, Any]:
    """R4 forbids a clinical status beside "entered in error"."""
    if memory.verification_status == VerificationStatus.ENTERED_IN_ERROR:
        return {}
    return {"clinicalStatus": codes.concept(system, memory.clinical_status)}


def _allergy(memory: Memory, kept: Mapping[str, Any]) -> dict[str, Any]:
    said = memory.allergy
    asserted = _ASSERTED.get(AllergyAssertion(said.assertion))
    code = {"coding": [{"system": codes.SNOMED, "code": asserted[0], "display": asserted[1]}]} if asserted else None
    resource = {
        "resourceType": "AllergyIntolerance",
        **_clinical(memory, codes.ALLERGY_CLINICAL),
        "verificationStatus": _verification(memory, codes.ALLERGY_VERIFICATION),
        "code": kept.get("code") or {**(code or {}), "text": asserted[1] if asserted else said.substance},
        "patient": _subject(memory),
        "recordedDate": memory.recorded_at.isoformat(),
        "lastOccurrence": kept.get("lastOccurrence"),
        "onsetDateTime": kept.get("onsetDateTime"),
        "type": kept.get("type"),
        "category": kept.get("category"),
        "criticality": kept.get("criticality") or CRITICALITIES.get(said.severity),
        "note": _note(memory),
    }
    if said.reaction:
        reaction = {"manifestation": [{"text": said.reaction}], "severity": said.severity}
        resource["reaction"] = [{key: value for key, value in reaction.items() if value}]
    return _told(resource)


def _medication(memory: Memory, kept: Mapping[str, Any]) -> dict[str, Any]:
    said = memory.medication
    dosage = {
        "text": " ".join(part for part in (said.dose, said.route, said.frequency) if part),
        "asNeededBoolean": said.as_needed or None,
    }
    failed = memory.verification_status == VerificationStatus.ENTERED_IN_ERROR
    return _told(
        {
            "resourceType": "MedicationStatement",
            "status": "entered-in-error" if failed else _taken(said.status, kept),
            "medicationCodeableConcept": kept.get("medicationCodeableConcept") or {"text": said.drug},
            "subject": _subject(memory),
            "effectivePeriod": _period(memory),
            "dateAsserted": memory.recorded_at.isoformat(),
            "dosage": [_told(dosage)] if _told(dosage) else None,
            "note": _note(memory),
        }
    )


def _taken(status: str, kept: Mapping[str, Any]) -> str:
    """The status, in the finer word that it came in with if it is still so: "completed" is stopped."""
    finer = str(kept.get("status"))
    in_r4 = finer in codes.CODES["MedicationStatement", "status"]
    return finer if in_r4 and TAKEN.get(finer, MedicationStatus.UNKNOWN) == status else status


def _condition(memory: Memory, kept: Mapping[str, Any]) -> dict[str, Any]:
    return _told(
        {
            "resourceType": "Condition",
            **_clinical(memory, codes.CONDITION_CLINICAL),
            "verificationStatus": _verification(memory, codes.CONDITION_VERIFICATION),
            "code": kept.get("code") or {"text": memory.about or memory.content},
            "subject": _subject(memory),
            "onsetDateTime": kept.get("onsetDateTime") or _instant(memory.valid_from),
            "abatementDateTime": kept.get("abatementDateTime") or _instant(memory.valid_to),
            "recordedDate": memory.recorded_at.isoformat(),
            "note": _note(memory),
        }
    )


def _appointment(memory: Memory, kept: Mapping[str, Any]) -> dict[str, Any]:
    """One that only a day is known of is proposed: R4 asks a booked one for its end too."""
    return _told(
        {
            "resourceType": "Appointment",
            "status": kept.get("status") or "proposed",
            "description": memory.content,
            "start": kept.get("start") or _instant(memory.valid_from),
            "end": kept.get("end") or (_instant(memory.valid_to) or _instant(memory.valid_from)),
            "participant": [{"actor": _subject(memory), "status": "accepted"}],
        }
    )


def _observation(memory: Memory, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Observations and preferences: what was seen, or is wished, in its own words."""
    failed = memory.verification_status == VerificationStatus.ENTERED_IN_ERROR
    confirmed = memory.verification_status == VerificationStatus.CONFIRMED
    measured = {name: kept[name] for name in MEASURED if kept.get(name) is not None}
    return _told(
        {
            "resourceType": "Observation",
            "status": "entered-in-error" if failed else kept.get("status") or ("final" if confirmed else "preliminary"),
            "category": kept.get("category"),
            "code": kept.get("code") or {"text": memory.about or memory.get_category_display()},
            "subject": _subject(memory),
            "effectiveDateTime": kept.get("effectiveDateTime") or memory.last_said_at.isoformat(),
            **(measured or {"valueString": memory.content}),
            "note": _note(memory) if measured else None,
        }
    )


MEASURED = (
    *("valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange"),
    "component",
)
_BUILDERS = {
    Category.ALLERGY: _allergy,
    Category.MEDICATION: _medication,
    Category.MEDICAL_HISTORY: _condition,
    Category.APPOINTMENT: _appointment,
}


def _provenance(memory: Memory, resource: Mapping[str, Any]) -> dict[str, Any]:
    """Who put it there: whoever decided about it, or else the software that heard it."""
    decided = memory.verified_at is not None
    agent = {"who": {"display": "Clinical staff" if decided else "Homecare Memory, unconfirmed"}}
    return {
        "resourceType": "Provenance",
        "id": _paired(resource["id"]),
        "target": [{"reference": f"urn:uuid:{resource['id']}"}],
        "recorded": (memory.verified_at or memory.recorded_at).isoformat(),
        "agent": [agent],
    }


def _paired(key: str) -> str:
    """The id of what goes with the resource of this id: the same with its last bit turned."""
    return str(UUID(int=UUID(key).int ^ 1))


def _note(memory: Memory) -> list[dict[str, str]]:
    return [{"text": memory.content}]


def _period(memory: Memory) -> dict[str, Any] | None:
    period = {"start": _instant(memory.valid_from), "end": _instant(memory.valid_to or memory.expires_at)}
    return _told(period) or None


def _instant(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def _told(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is not known: R4 has no nulls and no empty lists."""
    return {key: value for key, value in resource.items() if value not in (None, "", [], {})}
