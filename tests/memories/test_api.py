"""The API as its callers use it: shapes, refusals, and what is put on record."""

import pytest

from audit.models import AccessLog, Event, Outcome
from memories.models import Conversation, Memory
from patients.models import CareAssignment, Patient, User
from patients.models.access import KeyScope
from tests.conftest import ApiClient, directing, token_for
from tests.memories.talk import hear

SAID = [
    "Patient is allergic to penicillin",
    "Patient prefers morning medication schedule",
    "Patient has type 2 diabetes",
]


def add(api: ApiClient, **more: object) -> dict:
    status, answer = api.call("POST", "memories", {"patient_id": "patient_123", "conversation": SAID, **more})
    assert status == 201, answer
    return answer


def test_add_answers_with_the_memories_made(mrs_hale: Patient, nora_api: ApiClient) -> None:
    answer = add(nora_api)
    assert answer["memories_created"] == 3
    with directing():
        assert {str(memory.pk) for memory in Memory.objects.all()} == set(answer["memory_ids"])
        assert set(Memory.objects.values_list("category", flat=True)) == {"allergy", "preference", "medical_history"}


def test_add_in_the_background_is_acknowledged_with_a_run(mrs_hale: Patient, nora_api: ApiClient) -> None:
    body = {"patient_id": "patient_123", "conversation": SAID, "background": True}
    status, answer = nora_api.call("POST", "memories", body)
    assert (status, answer["state"], answer["memory_ids"]) == (202, "pending", [])
    status, run = nora_api.call("GET", f"runs/{answer['run_id']}")
    assert (status, run["state"]) == (200, "pending")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"conversation": []}, "conversation"),
        ({"conversation": ["  "]}, "at least one turn"),
        ({"conversation": "a string"}, "conversation"),
        ({"conversation": [{"role": "user"}]}, "role and content"),
        ({"conversation": [7]}, "role and content"),
        ({"patient": "patient_123"}, "Unknown field"),
        ({"said_at": "yesterday"}, "said_at"),
        ({"said_at": "9999-12-31T00:00:00Z"}, "in the future"),
    ],
)
def test_add_refuses_bad_input_and_stores_nothing(
    change: dict, complaint: str, mrs_hale: Patient, nora_api: ApiClient
) -> None:
    status, answer = nora_api.call("POST", "memories", {"patient_id": "patient_123", "conversation": SAID, **change})
    assert status == 400
    assert complaint in str(answer)
    with directing():
        assert not Conversation.objects.exists()


@pytest.mark.parametrize("external_id", ["stone-1", "nobody"])
def test_unknown_patient_and_one_outside_my_care_are_the_same_404(
    external_id: str, mr_stone: Patient, mrs_hale: Patient, nora_api: ApiClient
) -> None:
    calls = [
        ("POST", "memories", {"patient_id": external_id, "conversation": SAID}),
        ("POST", "memories/search", {"patient_id": external_id, "query": "allergies"}),
        ("GET", f"memories?patient_id={external_id}", None),
        ("GET", f"patients/{external_id}", None),
        ("PATCH", f"patients/{external_id}", {"given_name": "X"}),
        ("GET", f"patients/{external_id}/summary", None),
    ]
    answers = [nora_api.call(*call) for call in calls]
    assert [status for status, _ in answers] == [404] * len(calls)
    assert len({answer["detail"] for _, answer in answers}) == 1
    with directing():
        refusals = AccessLog.objects.refusals()
        assert [row.reason for row in refusals] == [external_id] * len(calls)
        assert {row.actor_label for row in refusals} == {"nora"}
        assert Patient.objects.count() == 2


def test_memory_of_another_patient_is_a_404_through_every_door(
    mr_stone: Patient, mrs_hale: Patient, nora: User, nora_api: ApiClient
) -> None:
    with directing():
        visit = CareAssignment.objects.create(user=nora, patient=mr_stone, role="Clinician")
    hear(mr_stone, nora, "Patient is allergic to penicillin.", "He prefers tea.")
    with directing():
        visit.ends_at = visit.starts_at.__class__.now(visit.starts_at.tzinfo)
        visit.save()
        memories = list(Memory.objects.all())
    assert memories
    for memory in memories:
        for method, path, body in [
            ("GET", "", None),
            ("GET", "/history", None),
            ("PATCH", "", {"content": "x"}),
            ("DELETE", "", {"reason": "x"}),
            *(("POST", f"/{verb}", {"reason": "x"}) for verb in ("confirm", "refute", "correct", "entered-in-error")),
        ]:
            status, _ = nora_api.call(method, f"memories/{memory.pk}{path}", body)
            assert status == 404, (method, path)


def test_search_answers_in_shape_and_is_on_record_with_its_ids(mrs_hale: Patient, nora_api: ApiClient) -> None:
    add(nora_api)
    body = {"patient_id": "patient_123", "query": "What allergies does the patient have?", "limit": 3}
    status, answer = nora_api.call("POST", "memories/search", body)
    assert status == 200
    assert answer["total"] == len(answer["results"]) > 0
    first = answer["results"][0]
    assert first["memory"]["category"] == "allergy"
    assert first["memory"]["verification_status"] == "unconfirmed"
    assert 0 <= first["relevance_score"] <= 1
    expected = {"id", "patient_id", "category", "priority", "content", "metadata", "created_at", "updated_at"}
    assert expected <= set(first["memory"])
    with directing():
        row = AccessLog.objects.get(event=Event.SEARCH)
        assert row.query == body["query"]
        assert row.object_ids == [result["memory"]["id"] for result in answer["results"]]


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"limit": 0},
        {"limit": 101},
        {"filters": {"colour": "red"}},
        {"filters": {"category": ["ghost"]}},
        {"top_k": 3},
    ],
)
def test_search_refuses_what_it_does_not_know(body: dict, mrs_hale: Patient, nora_api: ApiClient) -> None:
    status, _ = nora_api.call("POST", "memories/search", {"patient_id": "patient_123", "query": "allergies", **body})
    assert status == 400


def test_list_filters_and_refuses_an_unknown_filter(mrs_hale: Patient, nora_api: ApiClient) -> None:
    add(nora_api)
    status, page = nora_api.call("GET", "memories?patient_id=patient_123&category=allergy")
    assert status == 200
    assert [memory["category"] for memory in page["results"]] == ["allergy"]
    status, answer = nora_api.call("GET", "memories?patient_id=patient_123&colour=red")
    assert status == 400
    assert "Unknown filter" in str(answer)


def test_critical_memory_is_not_changed_by_patch_or_delete(mrs_hale: Patient, nora_api: ApiClient) -> None:
    add(nora_api)
    with directing():
        allergy = Memory.objects.get(category="allergy")
    for method, body in [("PATCH", {"content": "Allergic to nothing."}), ("DELETE", {"reason": "x"})]:
        status, answer = nora_api.call(method, f"memories/{allergy.pk}", body)
        assert status == 403
        assert "confirm, correct, refute" in answer["detail"]
    with directing():
        allergy.refresh_from_db()
        assert allergy.is_live


def test_preference_is_edited_and_deleted(mrs_hale: Patient, nora_api: ApiClient) -> None:
    add(nora_api)
    with directing():
        preference = Memory.objects.get(category="preference")
    status, answer = nora_api.call("PATCH", f"memories/{preference.pk}", {"content": "Prefers evenings."})
    assert (status, answer["content"]) == (200, "Prefers evenings.")
    assert nora_api.call("DELETE", f"memories/{preference.pk}", {"reason": "Asked for it."}) == (204, None)
    status, page = nora_api.call("GET", "memories?patient_id=patient_123&category=preference")
    assert page["results"] == []


def test_confirm_correct_and_history_through_the_api(mrs_hale: Patient, nora_api: ApiClient) -> None:
    add(nora_api)
    with directing():
        allergy = Memory.objects.get(category="allergy")
    status, corrected = nora_api.call(
        "POST", f"memories/{allergy.pk}/correct", {"reason": "Hives, she says.", "details": {"reaction": "hives"}}
    )
    assert (status, corrected["verification_status"], corrected["allergy"]["reaction"]) == (200, "confirmed", "hives")
    status, answer = nora_api.call("POST", f"memories/{allergy.pk}/confirm", {"reason": "x"})
    assert (status, "superseded already" in answer["detail"]) == (409, True)
    status, history = nora_api.call("GET", f"memories/{allergy.pk}/history")
    assert status == 200
    assert any(change["actor"] == "nora" and "superseded_by" in change["changes"] for change in history)


def test_caregiver_adds_and_reads_but_decides_nothing(mrs_hale: Patient, carl_api: ApiClient) -> None:
    add(carl_api)
    with directing():
        allergy = Memory.objects.get(category="allergy")
    assert carl_api.call("GET", f"memories/{allergy.pk}")[0] == 200
    assert carl_api.call("POST", f"memories/{allergy.pk}/confirm", {"reason": "x"})[0] == 403
    assert carl_api.call("POST", "patients", {"patient_id": "new-1"})[0] == 403
    with directing():
        assert AccessLog.objects.refusals().count() == 2


def test_summary_counts_and_shows_critical_items_with_status(mrs_hale: Patient, nora_api: ApiClient) -> None:
    add(nora_api)
    status, summary = nora_api.call("GET", "patients/patient_123/summary")
    assert status == 200
    assert (summary["total_memories"], summary["critical_memories"]) == (3, 1)
    assert summary["memories_by_category"] == {
        "allergy": 1,
        "medication": 0,
        "medical_history": 1,
        "preference": 1,
        "observation": 0,
        "appointment": 0,
    }
    assert [item["verification_status"] for item in summary["critical_items"]] == ["unconfirmed"]
    assert summary["known_allergies"] == "unknown"


def test_clinician_registers_a_patient_and_cares_for_them(nora_api: ApiClient, carl_api: ApiClient) -> None:
    status, patient = nora_api.call("POST", "patients", {"patient_id": "new-1", "given_name": "Ines"})
    assert (status, patient["known_allergies_status"]) == (201, "unknown")
    assert nora_api.call("GET", "patients/new-1")[0] == 200
    assert carl_api.call("GET", "patients/new-1")[0] == 404
    status, answer = nora_api.call("POST", "patients", {"patient_id": "new-1"})
    assert status == 400
    assert "patient_id" in answer


def test_routes_answer_with_and_without_a_slash(mrs_hale: Patient, nora_api: ApiClient) -> None:
    for path in ("patients", "patients/", "patients/patient_123/summary", "patients/patient_123/summary/"):
        assert nora_api.call("GET", path)[0] == 200


@pytest.mark.parametrize("token", ["", "hcm_wrong"])
def test_nobody_is_answered_without_a_valid_key(token: str, mrs_hale: Patient) -> None:
    for method, path in [("GET", "patients"), ("GET", "memories?patient_id=patient_123"), ("POST", "memories/search")]:
        assert ApiClient(token).call(method, path)[0] == 401
    with directing():
        rows = AccessLog.objects.all()
        assert [(row.actor_kind, row.outcome) for row in rows] == [("anonymous", Outcome.REFUSED)] * 3


def test_key_does_no_more_than_its_scopes_and_patients(mrs_hale: Patient, mr_stone: Patient, nora: User) -> None:
    with directing():
        CareAssignment.objects.create(user=nora, patient=mr_stone, role="Clinician")
    reader = ApiClient(token_for(nora, scopes=[KeyScope.READ]))
    body = {"patient_id": "patient_123", "conversation": SAID}
    assert reader.call("POST", "memories", body)[0] == 403
    assert reader.call("POST", "memories/search", {"patient_id": "patient_123", "query": "tea"})[0] == 200
    narrow_token = token_for(nora, all_patients=False)
    with directing():
        nora.access_keys.get(all_patients=False).patients.add(mr_stone)
    narrow = ApiClient(narrow_token)
    assert [p["patient_id"] for p in narrow.call("GET", "patients")[1]["results"]] == ["stone-1"]
    assert narrow.call("GET", "patients/patient_123")[0] == 404


def test_key_ends_with_its_user(nora: User, nora_api: ApiClient) -> None:
    assert nora_api.call("GET", "patients")[0] == 200
    with directing():
        nora.is_active = False
        nora.save()
    assert nora_api.call("GET", "patients")[0] == 401


def test_health_answers_without_a_name(db: None) -> None:
    assert ApiClient().get("/health/").json() == {"status": "ok"}


def test_openapi_page_and_schema(nora_api: ApiClient, db: None) -> None:
    assert b"swagger" in nora_api.get("/api/docs/").content.lower()
    schema = nora_api.get("/api/schema/?format=json").json()
    assert "/api/v1/memories/search" in schema["paths"]
    assert not [path for path in schema["paths"] if path.endswith("/")]


def test_a_patient_who_opts_out_leaves_every_recall_whichever_way_it_is_said(
    mrs_hale: Patient, nora: User, nora_api: ApiClient
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient prefers tea in the morning.")
    status, _ = nora_api.call("PATCH", "patients/patient_123", {"opted_out_at": "2026-01-02T08:00:00Z"})
    assert status == 200
    with directing():
        assert [memory.category for memory in Memory.objects.for_patient(mrs_hale).live()] == ["allergy"]
