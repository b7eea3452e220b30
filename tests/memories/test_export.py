"""Out again, in four shapes, on record; and back in without a change."""

import csv
import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.exporting import export_patient
from memories.fhir.structure import problems_of
from memories.models import Memory
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.mem0_sources import write_json
from tests.memories.talk import hear
from tests.memories.test_import_mem0 import everything, row, run


def exported(form: str, *options: str) -> str:
    out = StringIO()
    call_command("export_memories", "--format", form, *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def remembered(mrs_hale: Patient, mr_stone: Patient, nora: User, tmp_path: Path) -> None:
    hear(
        mrs_hale,
        nora,
        "Patient is allergic to penicillin, she gets hives.",
        "Patient takes lisinopril 10 mg every morning.",
        "Patient has asthma.",
        "Patient prefers tea in the morning.",
        "Patient is allergic to latex.",
    )
    with acting_as(actor_for(nora)):
        latex = Memory.objects.get(allergy__substance="latex")
        actions.refute(memory=latex, by=nora, reason="Patch test negative.")
        sure = Memory.objects.get(allergy__ingredient="penicillin")
        actions.confirm(memory=sure, by=nora, reason="Seen in the chart.")
    run(write_json(tmp_path / "stone.json", [row("Sleeps in his chair.", user_id="stone-1", agent_id="night-aide")]))


@pytest.mark.parametrize("form", ["mem0", "jsonl", "csv"])
def test_an_import_of_our_own_export_changes_nothing(form: str, remembered: None, tmp_path: Path) -> None:
    path = tmp_path / f"ours.{'json' if form == 'mem0' else form}"
    call_command("export_memories", "--format", form, "--output", str(path), stderr=StringIO())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = everything()
    report = run(path)
    assert everything() == before
    assert report["rows"]["reasons"]["skipped"] == {"a memory of this system itself": report["rows"]["read"]}
    assert report["rows"]["read"] >= 4
    with pytest.raises(CommandError, match="is there already"):
        call_command("export_memories", "--format", form, "--output", str(path))


def test_a_fhir_export_is_sound_and_comes_back_without_a_change(remembered: None, tmp_path: Path) -> None:
    bundle = json.loads(exported("fhir", "--patient", "patient_123"))
    assert problems_of(bundle) == []
    resources = [entry["resource"] for entry in bundle["entry"]]
    kinds = {resource["resourceType"] for resource in resources}
    assert {"Patient", "AllergyIntolerance", "MedicationStatement", "Condition", "Provenance"} <= kinds
    allergies = {r["code"]["text"]: r for r in resources if r["resourceType"] == "AllergyIntolerance"}
    status = {name: r["verificationStatus"]["coding"][0]["code"] for name, r in allergies.items()}
    assert status == {"penicillin": "confirmed", "latex": "refuted"}
    assert allergies["penicillin"]["reaction"][0]["manifestation"][0]["text"] == "hives"
    path = write_json(tmp_path / "bundle.json", bundle)
    before = everything()
    out = StringIO()
    call_command("import_fhir", str(path), "--patient", "patient_123", "--json", stdout=out, stderr=StringIO())
    assert everything() == before
    assert json.loads(out.getvalue())["rows"]["skipped"] > 0


def test_each_shape_tells_status_words_and_provenance(remembered: None) -> None:
    rows = {each["memory"]: each for each in map(json.loads, exported("jsonl").splitlines())}
    chair = rows["Sleeps in his chair."]
    assert (chair["user_id"], chair["agent_id"], chair["created_at"]) == (
        "stone-1",
        "night-aide",
        "2026-03-02T09:15:00-05:00",
    )
    assert chair["mentions"][0]["quote"] == "Sleeps in his chair."
    drug = next(each for each in rows.values() if each["category"] == "medication")
    assert (drug["details"]["dose"], drug["verification_status"]) == ("10 mg", "unconfirmed")
    mem0 = {each["memory"]: each for each in json.loads(exported("mem0"))["results"]}
    assert not any("latex" in memory for memory in mem0)
    table = list(csv.DictReader(StringIO(exported("csv"))))
    latex = next(each for each in table if "latex" in each["memory"].lower())
    assert (latex["verification_status"], latex["state"]) == ("refuted", "deleted")


def test_an_export_is_on_record_for_each_patient_and_of_one_tells_nobody_else(
    remembered: None, mrs_hale: Patient, mr_stone: Patient
) -> None:
    told = exported("jsonl", "--patient", "stone-1")
    assert "penicillin" not in told
    with directing():
        entry = AccessLog.objects.get(event=Event.EXPORT)
        assert (entry.patient_id, len(entry.object_ids)) == (mr_stone.pk, 1)
    exported("csv")
    with directing():
        assert AccessLog.objects.filter(event=Event.EXPORT, patient_id=mrs_hale.pk).count() == 1
    with pytest.raises(CommandError, match="There is no patient nobody"):
        exported("csv", "--patient", "nobody")


def test_staff_export_what_they_may_see(remembered: None, mrs_hale: Patient, mr_stone: Patient, nora: User) -> None:
    def told(patient: Patient) -> list[Any]:
        with acting_as(actor_for(nora)):
            return [json.loads(line) for line in export_patient(patient, "jsonl").splitlines()]

    assert told(mrs_hale)
    assert told(mr_stone) == []
