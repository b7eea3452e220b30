"""Links between memories: set by staff and by what was said, seen from both ends, never between two patients."""

import pytest
from auditlog.models import LogEntry
from django.db import IntegrityError, transaction

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.links import LinkRefused, link, representatives, unlink
from memories.models import LinkKind, Memory, MemoryLink
from memories.relations import causes, prescriber, purposes
from memories.search import search
from patients.models import CareAssignment, Patient, User
from tests.conftest import ApiClient, actor_for, directing
from tests.memories.talk import hear


@pytest.fixture
def metformin(mrs_hale: Patient, nora: User) -> Memory:
    hear(mrs_hale, nora, "She takes metformin 500 mg twice a day.", "Patient has type 2 diabetes.")
    with directing():
        return Memory.objects.get(category="medication")


@pytest.fixture
def diabetes(metformin: Memory) -> Memory:
    with directing():
        return Memory.objects.get(about="type 2 diabetes")


def test_link_is_seen_from_both_ends(
    metformin: Memory, diabetes: Memory, nora_api: ApiClient, carl_api: ApiClient
) -> None:
    body = {"target_id": str(diabetes.pk), "kind": "treats", "reason": "Her plan says so."}
    status, made = nora_api.call("POST", f"memories/{metformin.pk}/links", body)
    assert (status, made["relation"], made["set_by"]) == (201, "treats", "nora")
    for memory, relation, other in ((metformin, "treats", diabetes), (diabetes, "treated by", metformin)):
        (shown,) = carl_api.call("GET", f"memories/{memory.pk}")[1]["links"]
        assert (shown["relation"], shown["memory_id"], shown["about"]) == (relation, str(other.pk), other.about)
        assert (shown["status"], shown["reason"]) == ("Unconfirmed", "Her plan says so.")
    with directing():
        row = AccessLog.objects.get(event=Event.CREATE, resource="memories.memorylink")
        assert row.object_ids == [made["id"], str(metformin.pk), str(diabetes.pk)]
        assert LogEntry.objects.get_for_model(MemoryLink).get().additional_data["actor"] == "nora"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "likes"}, 400),
        ({"reason": ""}, 400),
        ({"colour": "red"}, 400),
        ({"target_id": "00000000-0000-0000-0000-000000000000"}, 404),
    ],
)
def test_link_refuses_what_it_does_not_know(
    change: dict, status: int, metformin: Memory, diabetes: Memory, nora_api: ApiClient
) -> None:
    body = {"target_id": str(diabetes.pk), "kind": "treats", "reason": "So.", **change}
    assert nora_api.call("POST", f"memories/{metformin.pk}/links", body)[0] == status


def test_caregiver_sets_and_removes_no_link(
    metformin: Memory, diabetes: Memory, nora: User, carl_api: ApiClient
) -> None:
    body = {"target_id": str(diabetes.pk), "kind": "treats", "reason": "So."}
    assert carl_api.call("POST", f"memories/{metformin.pk}/links", body)[0] == 403
    with acting_as(actor_for(nora)):
        joined = link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
    assert carl_api.call("DELETE", f"memories/{metformin.pk}/links/{joined.pk}", {"reason": "x"})[0] == 403


def test_removed_link_is_gone_from_both_ends_and_may_be_set_again(
    metformin: Memory, diabetes: Memory, nora: User, nora_api: ApiClient
) -> None:
    with acting_as(actor_for(nora)):
        joined = link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
    path = f"memories/{diabetes.pk}/links/{joined.pk}"
    assert nora_api.call("DELETE", path, {"reason": "It is for her cysts."})[0] == 204
    assert nora_api.call("DELETE", path, {"reason": "Again."})[0] == 404
    assert nora_api.call("GET", f"memories/{metformin.pk}")[1]["links"] == []
    with acting_as(actor_for(nora)):
        again = link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="It is for both.")
        assert (again.pk, again.removed_at) == (joined.pk, None)


def test_link_needs_two_live_memories_of_one_patient_a_reason_and_to_be_new(
    metformin: Memory, diabetes: Memory, mr_stone: Patient, nora: User
) -> None:
    with directing():
        CareAssignment.objects.create(user=nora, patient=mr_stone, role="Clinician")
    hear(mr_stone, nora, "He prefers his tea black.")
    with acting_as(actor_for(nora)):
        his_tea = Memory.objects.get(patient=mr_stone)
        for target, reason, complaint in (
            (metformin, "So.", "itself"),
            (his_tea, "So.", "one patient"),
            (diabetes, " ", "Say why"),
        ):
            with pytest.raises(LinkRefused, match=complaint):
                link(metformin, target, kind=LinkKind.TREATS, by=nora, reason=reason)
        joined = link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
        with pytest.raises(LinkRefused, match="already"):
            link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
        unlink(joined, by=nora, reason="Not so.")
        actions.refute(metformin, by=nora, reason="It is her husband's.")
        metformin.refresh_from_db()
        with pytest.raises(LinkRefused, match="live"):
            link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")


def test_database_itself_refuses_a_link_between_two_patients(metformin: Memory, mr_stone: Patient, nora: User) -> None:
    with directing():
        CareAssignment.objects.create(user=nora, patient=mr_stone, role="Clinician")
    hear(mr_stone, nora, "He prefers his tea black.")
    with directing():
        his_tea = Memory.objects.get(patient=mr_stone)
        for patient in (mr_stone, metformin.patient):
            with pytest.raises(IntegrityError, match="two memories of its patient"), transaction.atomic():
                MemoryLink.objects.create(patient=patient, source=metformin, target=his_tea, kind="treats", reason="x")


def test_links_of_another_patient_are_not_there(
    metformin: Memory, diabetes: Memory, mr_stone: Patient, nora: User, adam: User
) -> None:
    with acting_as(actor_for(nora)):
        link(metformin, diabetes, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
        assert MemoryLink.objects.count() == 1
    with acting_as(actor_for(adam)):
        assert MemoryLink.objects.count() == 0


def test_purpose_that_was_said_becomes_a_link(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She takes metformin for her diabetes.")
    with directing():
        joined = MemoryLink.objects.with_ends().get()
        assert (joined.source.about, joined.kind, joined.target.about) == ("metformin", "treats", "diabetes")
        assert joined.set_by is None


def test_purpose_is_linked_when_the_condition_is_told_later(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She takes lisinopril for hypertension.")
    with directing():
        for joined in MemoryLink.objects.all():
            assert joined.target.about == "hypertension"
    hear(mrs_hale, nora, "Patient has hypertension.")
    with directing():
        assert MemoryLink.objects.get().target.about == "hypertension"


def test_removed_link_is_not_set_again_by_what_is_said(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She takes metformin for her diabetes.")
    with acting_as(actor_for(nora)):
        unlink(MemoryLink.objects.get(), by=nora, reason="It is for her cysts.")
    hear(mrs_hale, nora, "As I said, she takes metformin for her diabetes.", source_id="later")
    with directing():
        assert MemoryLink.objects.get().removed_at is not None


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("I take lisinopril for my high blood pressure", ["hypertension"]),
        ("She takes aspirin although she has asthma", []),
        ("He is on warfarin to treat his atrial fibrillation", ["atrial fibrillation"]),
        ("She has asthma and takes aspirin", []),
    ],
)
def test_purposes(sentence: str, named: list[str]) -> None:
    assert purposes(sentence) == named


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("Dr. Chen put her on lisinopril for blood pressure", "Chen"),
        ("Her cardiologist Dr. Okafor has prescribed apixaban", "Okafor"),
        ("The apixaban was prescribed by Dr. Okafor", "Okafor"),
        ("She takes apixaban and sees Dr. Okafor on Friday", ""),
    ],
)
def test_prescriber(sentence: str, name: str) -> None:
    assert prescriber(sentence) == name


@pytest.mark.parametrize(
    ("sentence", "substance", "is_cause"),
    [
        ("The metformin gives her diarrhea", "metformin", True),
        ("She has had a rash since she started amoxicillin", "amoxicillin", True),
        ("She takes metformin and has diarrhea", "metformin", False),
        ("She gave her daughter the metformin box", "metformin", False),
        ("Nothing gives her diarrhea", "metformin", False),
    ],
)
def test_causes(sentence: str, substance: str, is_cause: bool) -> None:
    assert causes(sentence, substance) == is_cause


def related() -> set[tuple[str, str, str]]:
    with directing():
        return {(j.source.about, j.kind, j.target.about) for j in MemoryLink.objects.with_ends()}


def test_prescriber_becomes_a_link_to_what_is_remembered_of_that_doctor(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Dr. Chen put her on lisinopril for her high blood pressure.")
    assert related() == {("lisinopril", "treats", "hypertension")}
    hear(mrs_hale, nora, "She sees Dr. Chen on Friday at ten.", "She sees Dr. Chenoweth on Monday.", source_id="later")
    (prescribed,) = {one for one in related() if one[1] == "prescribed-by"}
    assert prescribed[0] == "lisinopril"
    with directing():
        assert "Dr. Chen " in MemoryLink.objects.with_ends().get(kind="prescribed-by").target.content


def test_what_came_of_a_drug_becomes_a_link(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "The metformin gives her diarrhea.", "She takes lisinopril and slept badly.")
    assert related() == {("metformin", "causes", "bowels")}


def test_who_looks_after_the_pills_is_linked_to_all_that_are_taken(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She takes lisinopril 10 mg every morning.", "She stopped taking warfarin.")
    hear(mrs_hale, nora, "Her daughter Ana looks after her pills.", source_id="later")
    assert related() == {("daughter Ana", "cares-for", "lisinopril")}
    hear(mrs_hale, nora, "She takes metformin 500 mg twice a day.", source_id="last")
    assert related() == {("daughter Ana", "cares-for", drug) for drug in ("lisinopril", "metformin")}


def test_drug_is_found_by_what_it_is_taken_for_as_long_as_the_link_stands(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient has kidney stones.", "She takes ferrous sulfate.", "She prefers tea.")
    with acting_as(actor_for(nora)):
        drug, stones = Memory.objects.get(category="medication"), Memory.objects.get(category="medical_history")

        def found() -> list[Memory]:
            return [hit.memory for hit in search(patient=mrs_hale, query="nephrolithiasis", limit=5).hits]

        assert found() == [stones]
        joined = link(drug, stones, kind=LinkKind.TREATS, by=nora, reason="Her plan.")
        assert set(found()) == {drug, stones}
        unlink(joined, by=nora, reason="It is for her blood.")
        assert found() == [stones]


def test_groups_that_meet_are_one() -> None:
    def same(source: str, target: str) -> MemoryLink:
        return MemoryLink(source_id=source, target_id=target, kind=LinkKind.SAME_AS)  # type: ignore[misc]

    groups = representatives([same("a", "b"), same("c", "d"), same("d", "b")])
    assert groups == {"a": "b", "b": "b", "c": "b", "d": "b"}
