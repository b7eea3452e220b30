"""FHIR R4 in: what a bundle states arrives unconfirmed, with its codes, and goes out as it came in."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from memories.exporting import export_patient
from memories.fhir.codes import wrong_codes
from memories.fhir.structure import problems_of
from memories.models import ImportedEvent, Memory, ReviewTask, TaskKind
from patients.models import KnownAllergies, Patient
from tests.conftest import directing
from tests.memories.mem0_sources import write_json
from tests.memories.test_import_mem0 import everything

SHARED = Path(__file__).resolve().parents[3] / "shared" / "eval" / "fhir"
HL7 = "http://terminology.hl7.org/CodeSystem"


def concept(code: str, system: str = "http://snomed.info/sct", text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def allergy(text: str, key: str, **fields: Any) -> dict[str, Any]:
    given = {
        "resourceType": "AllergyIntolerance",
        "id": key,
        "clinicalStatus": concept("active", f"{HL7}/allergyintolerance-clinical"),
        "verificationStatus": concept("confirmed", f"{HL7}/allergyintolerance-verification"),
        "code": concept("1", text=text),
        "patient": {"reference": "Patient/1"},
    }
    return given | fields


def medication(text: str, key: str, status: str = "active", **fields: Any) -> dict[str, Any]:
    named = {"medicationCodeableConcept": concept("1", "http://www.nlm.nih.gov/research/umls/rxnorm", text)}
    given = {"resourceType": "MedicationStatement", "id": key, "status": status, **named}
    return given | {"subject": {"reference": "Patient/1"}} | fields


def condition(text: str, key: str, status: str, **fields: Any) -> dict[str, Any]:
    clinical = concept(status, f"{HL7}/condition-clinical")
    given = {"resourceType": "Condition", "id": key, "clinicalStatus": clinical, "code": concept("1", text=text)}
    return given | {"subject": {"reference": "Patient/1"}} | fields


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in resources]}


def bring(source: dict[str, Any] | Path, tmp_path: Path, patient: str = "patient_123", *options: str) -> dict[str, Any]:
    path = source if isinstance(source, Path) else write_json(tmp_path / "bundle.json", source)
    out = StringIO()
    call_command("import_fhir", str(path), "--patient", patient, *options, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue())


def out_again(patient: str) -> dict[str, Any]:
    with directing():
        return json.loads(export_patient(Patient.objects.get(external_id=patient), "fhir"))


def test_what_a_bundle_states_arrives_unconfirmed_and_in_the_queue(mrs_hale: Patient, tmp_path: Path) -> None:
    reaction = [{"manifestation": [{"text": "Hives"}], "severity": "severe"}]
    report = bring(
        bundle(
            {"resourceType": "Patient", "id": "1"},
            allergy("Allergy to penicillin", "a", criticality="high", category=["medication"], reaction=reaction),
            medication(
                "Warfarin 5 MG Oral Tablet", "b", dosage=[{"text": "one in the evening", "asNeededBoolean": False}]
            ),
            medication("Aspirin 81 MG", "c", "stopped"),
            condition("Atrial fibrillation", "d", "active", onsetDateTime="2019-05"),
            {
                "resourceType": "Observation",
                "id": "e",
                "status": "final",
                "code": concept("8867-4", "http://loinc.org", "Heart rate"),
                "effectiveDateTime": "2026-03-01T08:00:00+01:00",
                "valueQuantity": {"value": 88, "unit": "beats/minute"},
            },
            {
                "resourceType": "Appointment",
                "id": "f",
                "status": "booked",
                "description": "Cardiology",
                "start": "2026-12-01T10:00:00Z",
                "end": "2026-12-01T10:30:00Z",
                "participant": [{"status": "accepted"}],
            },
        ),
        tmp_path,
    )
    assert (report["rows"]["read"], report["other"]) == (6, 1)
    with directing():
        memories = {
            memory.category: memory for memory in Memory.objects.with_details() if memory.about != "Aspirin 81 MG"
        }
        assert {memory.verification_status for memory in Memory.objects.all()} == {"unconfirmed"}
        said = memories["allergy"].allergy
        assert (said.substance, said.ingredient, said.reaction, said.severity) == (
            "penicillin",
            "penicillin",
            "Hives",
            "severe",
        )
        taken = memories["medication"].medication
        assert (taken.ingredient, taken.dose, taken.frequency, taken.status) == (
            "warfarin",
            "5 MG",
            "one in the evening",
            "active",
        )
        assert memories["medical_history"].valid_from.year == 2019
        assert "88 beats/minute" in memories["observation"].content
        assert memories["appointment"].valid_from.hour == 10
        asked = ReviewTask.objects.open().filter(kind=TaskKind.VERIFY).values_list("memory__category", flat=True)
        assert sorted(asked) == ["allergy", "medication", "medication"]
    again = everything()
    assert bring(tmp_path / "bundle.json", tmp_path)["rows"]["skipped"] == 6
    assert everything() == again


def test_no_known_allergies_is_an_assertion_that_waits_for_a_person(mrs_hale: Patient, tmp_path: Path) -> None:
    bring(
        bundle(allergy("No known drug allergy", "a", code=concept("409137002", text="No known drug allergy"))), tmp_path
    )
    with directing():
        memory = Memory.objects.with_details().get()
        assert (memory.allergy.assertion, memory.verification_status) == ("no-known-drug-allergies", "unconfirmed")
        assert Patient.objects.get(pk=mrs_hale.pk).known_allergies_status == KnownAllergies.UNKNOWN
    resource = next(
        e["resource"] for e in out_again("patient_123")["entry"] if "Allergy" in e["resource"]["resourceType"]
    )
    assert resource["code"]["coding"][0]["code"] == "409137002"


def test_what_was_refuted_there_is_history_here(mrs_hale: Patient, tmp_path: Path) -> None:
    refuted = concept("refuted", f"{HL7}/allergyintolerance-verification")
    report = bring(bundle(allergy("Allergy to latex", "a", verificationStatus=refuted)), tmp_path)
    assert report["history"]["kept"] == 1
    with directing():
        assert not Memory.objects.exists()
        assert "latex" in ImportedEvent.objects.get().old_text


def test_codes_that_r4_does_not_have_are_told_with_their_place(mrs_hale: Patient, tmp_path: Path) -> None:
    banana = concept("banana", f"{HL7}/allergyintolerance-verification")
    wrong = allergy("Allergy to latex", "a", criticality="medium", verificationStatus=banana)
    assert wrong_codes(wrong) == ["verificationStatus", "criticality"]
    report = bring(bundle(wrong, condition("Asthma", "b", "active")), tmp_path)
    assert report["broken"] == [
        {"place": "bundle.json, entry 1", "reason": "R4 has no such code in verificationStatus, criticality"}
    ]
    assert report["rows"]["imported"] == 1
    with pytest.raises(CommandError, match="is no FHIR bundle"):
        bring({"resourceType": "Patient"}, tmp_path)


def test_what_was_grouped_goes_out_as_often_as_it_came_in(mrs_hale: Patient, tmp_path: Path) -> None:
    years = ["2001-04-01", "2007-09-01", "2013-02-01"]
    bring(
        bundle(
            *(condition("Viral sinusitis", f"c{y}", "resolved", onsetDateTime=y, abatementDateTime=y) for y in years)
        ),
        tmp_path,
    )
    with directing():
        assert Memory.objects.get().mentions.count() == 3
    told = out_again("patient_123")
    assert problems_of(told) == []
    onsets = [e["resource"]["onsetDateTime"] for e in told["entry"] if e["resource"]["resourceType"] == "Condition"]
    assert onsets == years


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared bundles are not there")
def test_shared_bundles_come_out_as_they_are_expected(db: None, tmp_path: Path) -> None:
    expected = [json.loads(line) for line in (SHARED / "expected.jsonl").read_text().splitlines()]
    assert expected
    for number, each in enumerate(expected):
        patient = f"fhir-{number}"
        bring(SHARED / each["file"], tmp_path, patient, "--create-patient")
        told = out_again(patient)
        assert problems_of(told) == []
        resources = [entry["resource"] for entry in told["entry"]]
        for name, of_kind in FOUND.items():
            found = [of_kind(r) for r in resources if r["resourceType"] == KINDS[name]]
            assert sorted(found) == sorted(map(wanted(name), each[name])), (each["file"], name)


KINDS = {"allergies": "AllergyIntolerance", "medications": "MedicationStatement", "conditions": "Condition"}


def _clinical(resource: dict[str, Any]) -> str:
    return resource["clinicalStatus"]["coding"][0]["code"]


def _coded(code: dict[str, Any]) -> tuple[str, str, str]:
    return code["text"], code["coding"][0]["system"], code["coding"][0]["code"]


FOUND = {
    "allergies": lambda r: (*_coded(r["code"]), str(r["category"]), r["criticality"], _clinical(r)),
    "medications": lambda r: (*_coded(r["medicationCodeableConcept"]), r["status"]),
    "conditions": lambda r: (*_coded(r["code"]), _clinical(r)),
}


def wanted(name: str) -> Any:
    fields = {
        "allergies": ("text", "system", "code", "category", "criticality", "clinicalStatus"),
        "medications": ("text", "system", "code", "status"),
        "conditions": ("text", "system", "code", "clinicalStatus"),
    }[name]
    return lambda each: tuple(str(each[f]) if f == "category" else each[f] for f in fields)
