"""What a user of mem0 gets from this server: each method of the real client, unchanged."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from mem0 import AsyncMemoryClient, MemoryClient
from mem0.exceptions import AuthenticationError, MemoryError, MemoryNotFoundError, ValidationError

from audit.models import AccessLog, Event, Outcome
from audit.recording import record
from memories.choices import VerificationStatus
from memories.ingestion import carry_out
from memories.models import Conversation, ExtractionRun, Memory, MemoryFeedback, ReviewTask, Turn
from memories.tasks import QUEUE_ACTOR
from patients.models import Patient, User
from patients.models.access import KeyScope
from patients.roles import Role
from tests.conftest import directing, person, token_for

SAID = [
    {"role": "user", "content": "I am allergic to penicillin."},
    {"role": "user", "content": "I like my tea black."},
    {"role": "user", "content": "My blood pressure was 102/60 this morning."},
]


def told(client: MemoryClient, patient: Patient, **more: object) -> dict[str, dict]:
    """What is said above, read at once; the memories by their category."""
    client.add(SAID, user_id=patient.external_id, async_mode=False, **more)
    memories = client.get_all(filters={"user_id": patient.external_id})["results"]
    assert {memory["categories"][0] for memory in memories} == {"allergy", "preference", "observation"}
    return {memory["categories"][0]: memory for memory in memories}


# --- the client itself -----------------------------------------------------------------------------------------------


def test_client_starts_and_is_told_nothing_that_it_would_report_home(client: MemoryClient) -> None:
    assert (client.org_id, client.project_id, client.user_email) == ("homecare", "memory", None)


def test_wrong_key_is_refused_in_one_sentence(site: str) -> None:
    with httpx.Client() as http, pytest.raises(ValueError, match="unknown, expired or revoked"):
        MemoryClient(host=f"{site}/mem0", api_key="hcm_wrong", client=http)


def test_key_without_a_role_for_it_is_refused(site: str) -> None:
    with directing():
        officer = person("officer", Role.PRIVACY_OFFICER)
    with httpx.Client() as http, pytest.raises(ValueError, match="does not allow this"):
        MemoryClient(host=f"{site}/mem0", api_key=token_for(officer), client=http)


# --- add -------------------------------------------------------------------------------------------------------------


def test_add_is_queued_and_its_event_tells_what_became_of_it(client: MemoryClient, edith: Patient) -> None:
    added = client.add("I am allergic to penicillin", user_id=edith.external_id, agent_id="bot", metadata={"a": 1})
    assert added["status"] == "PENDING"
    event = client.client.get(f"/v1/event/{added['event_id']}/").json()
    assert (event["status"], event["results"]) == ("PENDING", [])
    carry_out(run_id=added["event_id"], patient_id=edith.pk, by=QUEUE_ACTOR)
    event = client.client.get(f"/v1/event/{added['event_id']}/").json()
    assert (event["status"], event["payload"]["agent_id"], event["metadata"]) == ("SUCCEEDED", "bot", {"a": 1})
    [result] = event["results"]
    assert (result["event"], result["memory"]) == ("ADD", "Allergic to penicillin (unconfirmed, said today).")
    assert client.get(result["id"])["metadata"] == {"a": 1}


def test_add_without_inferring_keeps_each_message_and_puts_what_is_critical_to_staff(
    client: MemoryClient, edith: Patient
) -> None:
    messages = [
        {"role": "system", "content": "You are a helpful nurse."},
        {"role": "user", "content": " The cat is called Muffin. "},
        {"role": "user", "content": "I take lisinopril 10 mg."},
        {"role": "assistant", "name": "Ada", "content": [{"type": "text", "text": "Good to know."}]},
    ]
    added = client.add(messages, user_id=edith.external_id, infer=False, expiration_date="2099-01-01")
    assert added["status"] == "SUCCEEDED"
    assert [(result["event"], result["memory"]) for result in added["results"]] == [
        ("ADD", "Takes lisinopril 10 mg (unconfirmed, active, said today)."),
        ("ADD", "The cat is called Muffin."),
        ("ADD", "Good to know."),
    ]
    with directing():
        memories = {memory.content: memory for memory in Memory.objects.for_patient(edith)}
        assert [task.memory for task in ReviewTask.objects.for_patient(edith)] == [memories["Takes lisinopril 10 mg."]]
        assert memories["Takes lisinopril 10 mg."].expires_at is None
        assert memories["Good to know."].mentions.get().speaker == "Ada"
        assert [turn.text for turn in Turn.objects.for_patient(edith)] == [
            " The cat is called Muffin. ",
            "I take lisinopril 10 mg.",
            "Good to know.",
        ]
    assert client.get(str(memories["Good to know."].pk))["expiration_date"] == "2099-01-01"
    again = client.add(messages[1:2], user_id=edith.external_id, infer=False)
    assert [result["event"] for result in again["results"]] == ["NONE"]


def test_options_without_a_meaning_are_named_and_others_refused(client: MemoryClient, edith: Patient) -> None:
    options = {"custom_instructions": "Only facts", "immutable": True, "output_format": "v1.1"}
    added = client.add("I like tea.", user_id=edith.external_id, **options)
    assert sorted(added["ignored"]) == sorted(options)
    with pytest.raises(ValidationError, match="colour: Unknown field"):
        client.add("I like tea.", user_id=edith.external_id, colour="red")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"user_id": None, "agent_id": "bot"}, "Say whom this is about"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "content": "Be kind."}]}, "at least one turn"),
        ({"messages": [{"role": "user", "content": {"type": "image_url", "image_url": {"url": "x"}}}]}, "Only text"),
        ({"messages": [{"content": 7}]}, "role and content"),
        ({"messages": [7]}, "role and content"),
        ({"timestamp": 4102444800}, "in the future"),
        ({"timestamp": 10**30}, "no time"),
        ({"expiration_date": "soon"}, "expiration_date"),
        ({"metadata": "night"}, "metadata"),
    ],
)
def test_add_refuses_bad_input_and_stores_nothing(
    change: dict, complaint: str, client: MemoryClient, edith: Patient
) -> None:
    asked = {"messages": SAID, "user_id": edith.external_id, **change}
    with pytest.raises(ValidationError, match=complaint):
        client.add(**asked)
    with directing():
        assert not Conversation.objects.for_patient(edith).exists()


@pytest.mark.parametrize("call", ["add", "search", "get_all", "profile", "summary", "export", "delete_all"])
def test_unknown_patient_and_one_outside_my_care_are_the_same_404_and_never_made(
    call: str, client: MemoryClient, stranger: Patient, nurse: User
) -> None:
    calls = {
        "add": lambda user: client.add(SAID, user_id=user),
        "search": lambda user: client.search("tea", filters={"user_id": user}),
        "get_all": lambda user: client.get_all(filters={"user_id": user}),
        "profile": lambda user: client.get_profile(user),
        "summary": lambda user: client.get_summary({"user_id": user}),
        "export": lambda user: client.create_memory_export({"properties": {}}, filters={"user_id": user}),
        "delete_all": lambda user: client.delete_all(user_id=user),
    }
    details = set()
    for user in ("nobody", stranger.external_id):
        with pytest.raises(MemoryNotFoundError) as refused:
            calls[call](user)
        details.add(str(refused.value))
        with directing():
            assert AccessLog.objects.filter(outcome=Outcome.REFUSED, actor_id=nurse.pk, reason=user).exists()
    assert details == {"No patient with this id is in your care: check the id, or ask for an assignment."}
    with directing():
        assert not Patient.objects.filter(external_id="nobody").exists()
        assert not Conversation.objects.for_patient(stranger).exists()


# --- recall ----------------------------------------------------------------------------------------------------------


def test_search_finds_tells_the_status_and_is_on_record(client: MemoryClient, edith: Patient) -> None:
    told(client, edith, agent_id="bot", run_id="visit-7", metadata={"shift": "night"})
    filters = {"AND": [{"user_id": edith.external_id}, {"run_id": "visit-7"}, {"metadata": {"shift": "night"}}]}
    results = client.search("What is she allergic to?", filters=filters, top_k=1)["results"]
    assert [result["memory"] for result in results] == ["Allergic to penicillin (unconfirmed, said today)."]
    [allergy] = results
    assert 0 < allergy["score"] <= 1
    assert (allergy["user_id"], allergy["agent_id"], allergy["run_id"]) == (edith.external_id, "bot", "visit-7")
    with directing():
        entry = AccessLog.objects.for_patient(edith.pk).get(event=Event.SEARCH)
        assert (entry.query, entry.object_ids) == ("What is she allergic to?", [allergy["id"]])
    elsewhere = {"user_id": edith.external_id, "run_id": "visit-8"}
    assert client.search("What is she allergic to?", filters=elsewhere)["results"] == []
    assert client.search("allergic", filters={"user_id": edith.external_id}, threshold=1)["results"] == []


def test_search_over_two_patients_is_on_record_with_each(
    client: MemoryClient, edith: Patient, register: Callable[..., Patient], nurse: User
) -> None:
    walter = register(nurse)
    for patient in (edith, walter):
        client.add("I like my tea black.", user_id=patient.external_id, async_mode=False)
    both = {"user_id": {"in": [edith.external_id, walter.external_id]}}
    found = client.search("tea", filters=both, fields=["user_id"])["results"]
    assert {tuple(memory.items()) for memory in found} == {
        (("user_id", edith.external_id),),
        (("user_id", walter.external_id),),
    }
    with directing():
        for patient in (edith, walter):
            assert len(AccessLog.objects.for_patient(patient.pk).get(event=Event.SEARCH).object_ids) == 1


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({}, "Filters without a condition"),
        ({"filters": {"agent_id": "bot"}}, "Say whose memories"),
        ({"filters": {"user_id": "*"}}, "wildcards are refused"),
        ({"filters": {"colour": "red"}}, "Unknown filter 'colour'"),
        ({"filters": {"OR": [{"user_id": "a"}, {"agent_id": "b"}]}}, "Say whose memories"),
        ({"filters": {"user_id": {"in": [f"p{n}" for n in range(21)]}}}, "at most 20 patients"),
        ({"filters": {"user_id": "a"}, "categories": ["sports"]}, "Unknown category"),
        ({"filters": {"user_id": "a"}, "fields": ["secret"]}, "fields: Unknown"),
        ({"filters": {"user_id": "a"}, "colour": "red"}, "colour: Unknown field"),
    ],
)
def test_recall_refuses_what_could_mean_everybody_or_nothing(asked: dict, complaint: str, client: MemoryClient) -> None:
    with pytest.raises(ValidationError, match=complaint):
        client.search("tea", **asked)
    with pytest.raises(ValidationError, match=complaint):
        client.get_all(**asked)


def test_get_all_gives_every_memory_once_in_pages(client: MemoryClient, edith: Patient) -> None:
    memories = told(client, edith)
    asked = {"filters": {"user_id": edith.external_id}, "page_size": 2}
    pages = [client.get_all(page=number, **asked) for number in (1, 2, 3)]
    assert [page["count"] for page in pages] == [3, 3, 3]
    assert [len(page["results"]) for page in pages] == [2, 1, 0]
    assert {m["id"] for page in pages for m in page["results"]} == {m["id"] for m in memories.values()}
    assert "page=2" in pages[0]["next"]
    assert [pages[0]["previous"], pages[1]["next"]] == [None, None]
    with pytest.raises(ValidationError, match="page is a number"):
        client.get_all(page="last", **asked)


def test_get_all_narrows_by_its_options(client: MemoryClient, edith: Patient) -> None:
    memories = told(client, edith)
    filters = {"user_id": edith.external_id}
    [tea] = client.get_all(filters=filters, categories=["user_preferences"], fields=["id"])["results"]
    assert tea == {"id": memories["preference"]["id"]}
    assert client.get_all(filters=filters, start_date="2026-01-01", end_date="2026-01-02")["count"] == 0
    client.update(memories["preference"]["id"], expiration_date="2020-01-01")
    assert client.get_all(filters=filters)["count"] == 2
    assert client.get_all(filters=filters, show_expired=True)["count"] == 3


def test_profile_and_summary_are_those_of_the_patient(client: MemoryClient, edith: Patient) -> None:
    assert client.get_profile(edith.external_id)["status"] == "insufficient_data"
    told(client, edith)
    profile = client.get_profile(edith.external_id)
    assert (profile["status"], profile["entity_id"]) == ("succeeded", edith.external_id)
    assert profile["profile"]["allergies"] == ["Allergic to penicillin (unconfirmed, said today)."]
    summary = client.get_summary({"user_id": edith.external_id})
    assert summary["total_memories"] == 3
    assert "tea" in summary["summary"]
    job = client.generate_profile(edith.external_id)
    assert client.get_profile_job(job["status_url"])["job"]["total"] == 1
    assert client.get_profile_settings()["enabled"] is True


def test_users_are_the_patients_in_my_care_and_who_spoke_of_them(
    client: MemoryClient, edith: Patient, stranger: Patient
) -> None:
    told(client, edith, agent_id="bot-of-users", run_id="run-of-users", app_id="app-of-users")
    with directing():
        unseen = Conversation.objects.create(patient=stranger, agent_id="bot-of-strangers")
        record(Event.CREATE, patient_id=stranger.pk, objects=[unseen.pk], resource=Conversation)
    entities = client.users()["results"]
    named = {(entity["type"], entity["name"]) for entity in entities}
    wanted = {("user", edith.external_id), ("agent", "bot-of-users"), ("run", "run-of-users"), ("app", "app-of-users")}
    assert wanted <= named
    assert not {("user", stranger.external_id), ("agent", "bot-of-strangers")} & named


# --- change ----------------------------------------------------------------------------------------------------------


def test_update_changes_a_memory_and_its_history_tells_of_it(client: MemoryClient, edith: Patient) -> None:
    tea = told(client, edith, run_id="visit-7")["preference"]
    updated = client.update(
        tea["id"], text="Likes tea with milk.", metadata={"cup": "big"}, timestamp=1767225600, expiration_date=None
    )
    assert (updated["memory"], updated["metadata"]) == ("Likes tea with milk.", {"cup": "big"})
    assert (updated["last_said_at"][:10], updated["session_id"]) == ("2026-01-01", "visit-7")
    client.delete(tea["id"])
    history = client.history(tea["id"])
    assert [entry["event"] for entry in history] == ["ADD", "UPDATE", "DELETE"]
    assert [(entry["old_memory"], entry["new_memory"]) for entry in history[:2]] == [
        (None, tea["memory"]),
        (tea["memory"], "Likes tea with milk."),
    ]
    assert history[0]["input"] == [{"role": "unknown", "content": "I like my tea black"}]


def test_deleted_memory_leaves_recall_and_stays_in_its_history(client: MemoryClient, edith: Patient) -> None:
    added = client.add("She has asthma.", user_id=edith.external_id, async_mode=False)
    client.delete(added["results"][0]["id"])
    tea = told(client, edith)["preference"]
    assert client.client.get(f"/v1/event/{added['event_id']}/").json()["results"] == []
    assert client.delete(tea["id"], delete_linked=True) == {"message": "Memory deleted successfully!"}
    assert tea["id"] not in {m["id"] for m in client.get_all(filters={"user_id": edith.external_id})["results"]}
    with directing():
        assert Memory.objects.get(pk=tea["id"]).deletion_reason == "Deleted by a mem0 client."
    for call in (client.get, client.delete, client.feedback):
        with pytest.raises(MemoryNotFoundError, match="was deleted"):
            call(tea["id"])
    assert client.history(tea["id"])[-1]["event"] == "DELETE"


def test_what_is_critical_is_not_changed_by_a_client(client: MemoryClient, edith: Patient) -> None:
    allergy = told(client, edith)["allergy"]
    for change in (
        lambda: client.update(allergy["id"], text="No allergies."),
        lambda: client.delete(allergy["id"]),
        lambda: client.batch_update([{"memory_id": allergy["id"], "text": "None."}]),
        lambda: client.batch_delete([{"memory_id": allergy["id"]}]),
    ):
        with pytest.raises(AuthenticationError, match="confirm, correct, refute or entered-in-error"):
            change()
    assert client.get(allergy["id"])["memory"] == allergy["memory"]


def test_batch_is_done_whole_or_not_at_all(client: MemoryClient, edith: Patient) -> None:
    memories = told(client, edith)
    tea, sleep = memories["preference"]["id"], memories["observation"]["id"]
    both = [{"memory_id": tea, "text": "Likes green tea."}, {"memory_id": sleep, "metadata": {"a": 1}}]
    with pytest.raises(MemoryNotFoundError):
        client.batch_update([*both, {"memory_id": str(uuid4()), "text": "x"}])
    assert client.get(tea)["memory"] == memories["preference"]["memory"]
    assert client.batch_update(both) == {"message": "Successfully updated 2 memories"}
    assert (client.get(tea)["memory"], client.get(sleep)["metadata"]) == ("Likes green tea.", {"a": 1})
    with pytest.raises(MemoryNotFoundError):
        client.batch_delete([{"memory_id": tea}, {"memory_id": str(uuid4())}])
    client.batch_delete([{"memory_id": tea}, {"memory_id": sleep}])
    assert client.get_all(filters={"user_id": edith.external_id})["count"] == 1


def test_delete_all_forgets_one_patients_normal_memories_alone(
    client: MemoryClient, edith: Patient, register: Callable[..., Patient], nurse: User
) -> None:
    walter = register(nurse)
    told(client, edith)
    told(client, walter)
    client.add("I like my coffee strong.", user_id=edith.external_id, run_id="visit-2", async_mode=False)
    assert client.delete_all(user_id=edith.external_id, run_id="visit-2")["message"] == "Memories deleted successfully!"
    assert client.get_all(filters={"user_id": edith.external_id})["count"] == 3
    assert "allergies and medications (1)" in client.delete_all(user_id=edith.external_id)["message"]
    left = client.get_all(filters={"user_id": edith.external_id})["results"]
    assert [memory["categories"] for memory in left] == [["allergy"]]
    assert client.get_all(filters={"user_id": walter.external_id})["count"] == 3


def test_nothing_wipes_everybody(client: MemoryClient, edith: Patient) -> None:
    told(client, edith)
    for wipe in (
        lambda: client.delete_all(),
        lambda: client.delete_all(agent_id="bot"),
        lambda: client.delete_all(filters={"user_id": edith.external_id}),
        lambda: client.delete_all(user_id=edith.external_id, metadata={"k": "v"}),
        lambda: client.delete_all(user_id="*"),
    ):
        with pytest.raises(ValidationError, match=r"nothing was deleted|wildcards are refused"):
            wipe()
    for wipe in (client.reset, client.delete_users, lambda: client.delete_users(user_id=edith.external_id)):
        with pytest.raises(AuthenticationError, match="nothing was deleted"):
            wipe()
    assert client.get_all(filters={"user_id": edith.external_id})["count"] == 3


def test_feedback_is_kept_and_a_bad_one_is_put_to_staff(client: MemoryClient, edith: Patient) -> None:
    memories = told(client, edith)
    allergy, tea = memories["allergy"]["id"], memories["preference"]["id"]
    given = client.feedback(tea, "VERY_NEGATIVE", "She hates it")
    assert (given["feedback"], given["feedback_reason"]) == ("VERY_NEGATIVE", "She hates it")
    client.feedback(allergy, "NEGATIVE")
    with directing():
        questions = {str(task.memory_id): task.explanation for task in ReviewTask.objects.for_patient(edith).open()}
        assert questions == dict.fromkeys([tea, allergy], "A user of a program said that this is wrong.")
    doubted = client.get_all(filters={"user_id": edith.external_id, "feedback": "VERY_NEGATIVE"})
    assert [memory["id"] for memory in doubted["results"]] == [tea]
    client.feedback(tea)
    with directing():
        assert MemoryFeedback.objects.get(memory=tea).verdict == ""
        assert Memory.objects.get(pk=allergy).verification_status == VerificationStatus.UNCONFIRMED
    assert client.client.post("/v1/feedback/", json={"memory_id": tea, "feedback": "LOVELY"}).status_code == 400


def test_export_fills_a_schema_with_what_is_remembered(client: MemoryClient, edith: Patient) -> None:
    memories = told(client, edith)
    client.add("She takes metformin 500 mg twice a day.", user_id=edith.external_id, async_mode=False)
    drug = {"type": "object", "properties": {name: {"type": "string"} for name in ("drug", "dose", "colour")}}
    schema = {
        "$defs": {"Drug": drug},
        "type": "object",
        "properties": {
            "known_allergies": {"type": "array", "items": {"type": "string"}},
            "medications": {"type": "array", "items": {"$ref": "#/$defs/Drug"}},
            "likes": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "shoe_size": {"type": "number"},
            "appointments": {"type": "array"},
        },
    }
    created = client.create_memory_export(schema, filters={"user_id": edith.external_id}, export_instructions="x")
    expected = {
        "known_allergies": ["Allergic to penicillin (unconfirmed, said today)."],
        "medications": [{"drug": "metformin", "dose": "500 mg", "colour": None, "verification_status": "unconfirmed"}],
        "likes": memories["preference"]["memory"],
        "shoe_size": None,
        "appointments": [],
    }
    assert client.get_memory_export(memory_export_id=created["id"]) == expected
    assert client.get_memory_export(filters={"user_id": edith.external_id}) == expected
    with directing():
        assert AccessLog.objects.for_patient(edith.pk).filter(event=Event.EXPORT).count() == 2
    with pytest.raises(MemoryNotFoundError, match="no such export"):
        client.get_memory_export(memory_export_id=str(uuid4()))
    with pytest.raises(ValidationError, match="JSON schema"):
        client.create_memory_export("{nonsense", filters={"user_id": edith.external_id})


# --- who may ---------------------------------------------------------------------------------------------------------


def test_memory_of_an_unseen_patient_is_a_404_by_every_method(
    client: MemoryClient, connect: Callable[..., MemoryClient], register: Callable[..., Patient]
) -> None:
    with directing():
        uma = person(f"uma-{uuid4().hex[:6]}", Role.CLINICIAN)
    walter, hers = register(uma), connect(uma)
    tea = told(hers, walter)["preference"]["id"]
    export = hers.create_memory_export({"properties": {}}, filters={"user_id": walter.external_id})["id"]
    with directing():
        run = ExtractionRun.objects.for_patient(walter).first()
    for call in (
        lambda: client.get(tea),
        lambda: client.update(tea, text="x"),
        lambda: client.delete(tea),
        lambda: client.history(tea),
        lambda: client.feedback(tea, "NEGATIVE"),
        lambda: client.batch_delete([{"memory_id": tea}]),
        lambda: client.get_memory_export(memory_export_id=export),
        lambda: client.get_profile_job(str(walter.pk)),
        lambda: client.get("a/b c"),
    ):
        with pytest.raises(MemoryNotFoundError):
            call()
    assert client.client.get(f"/v1/event/{run.pk}/").status_code == 404
    assert hers.get(tea)["id"] == tea


def test_key_for_reading_alone_changes_nothing(
    client: MemoryClient, connect: Callable[..., MemoryClient], edith: Patient, nurse: User
) -> None:
    tea = told(client, edith)["preference"]["id"]
    reader = connect(nurse, scopes=[KeyScope.READ])
    assert reader.search("tea", filters={"user_id": edith.external_id})["results"]
    for change in (
        lambda: reader.add("I like coffee.", user_id=edith.external_id),
        lambda: reader.update(tea, text="x"),
        lambda: reader.delete(tea),
        lambda: reader.delete_all(user_id=edith.external_id),
        lambda: reader.feedback(tea, "NEGATIVE"),
    ):
        with pytest.raises(AuthenticationError, match="does not allow this"):
            change()


def test_agent_adds_and_recalls_but_changes_nothing(
    connect: Callable[..., MemoryClient], register: Callable[..., Patient]
) -> None:
    with directing():
        robot = person(f"robot-{uuid4().hex[:6]}", Role.AGENT)
    patient = register(robot)
    agent = connect(robot)
    tea = told(agent, patient)["preference"]["id"]
    with pytest.raises(AuthenticationError, match="does not allow this"):
        agent.delete(tea)


# --- what has no meaning here ----------------------------------------------------------------------------------------


def test_what_has_no_meaning_here_says_so(client: MemoryClient, edith: Patient) -> None:
    for call in (
        lambda: client.get_project(fields=["custom_instructions"]),
        lambda: client.update_project(custom_instructions="x"),
        lambda: client.project.get(),
        lambda: client.project.create("n"),
        lambda: client.project.delete(),
        lambda: client.project.get_members(),
        lambda: client.project.add_member("a@example.org"),
        lambda: client.project.update_member("a@example.org", "OWNER"),
        lambda: client.project.remove_member("a@example.org"),
        lambda: client.get_webhooks("p"),
        lambda: client.create_webhook("https://example.org", "n", "p", ["memory_add"]),
        lambda: client.update_webhook("w", name="n"),
        lambda: client.delete_webhook("w"),
        lambda: client.sample_profiles(limit=2),
        lambda: client.update_profile_settings(enabled=True),
    ):
        with pytest.raises(MemoryError, match=r"no meaning here|not sampled here|no settings here") as refused:
            call()
        assert refused.value.error_code == "HTTP_501"


@pytest.mark.parametrize("path", ["/v9/nothing/", "/v1/exports/get", "/v1/memories/"])
def test_every_answer_is_json_and_none_a_redirect(path: str, client: MemoryClient) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        response = client.client.request(method, path, headers={"Accept": "text/html"})
        assert response.headers["content-type"] == "application/json"
        assert response.json()


# --- the asynchronous client -----------------------------------------------------------------------------------------


def test_asynchronous_client_does_the_same(site: str, edith: Patient, nurse: User) -> None:
    async def work(token: str) -> None:
        async with AsyncMemoryClient(host=f"{site}/mem0", api_key=token) as client:
            whose = {"user_id": edith.external_id}
            added = await client.add(SAID, user_id=edith.external_id, async_mode=False)
            assert added["status"] == "SUCCEEDED"
            page = await client.get_all(filters=whose, page=1, page_size=50)
            tea = next(memory["id"] for memory in page["results"] if memory["categories"] == ["preference"])
            found = await client.search("allergic", filters=whose)
            assert "unconfirmed" in found["results"][0]["memory"]
            assert (await client.update(tea, text="Likes green tea."))["memory"] == "Likes green tea."
            assert (await client.get(tea))["memory"] == "Likes green tea."
            assert [entry["event"] for entry in await client.history(tea)] == ["ADD", "UPDATE"]
            assert (await client.users())["total_users"] >= 1
            assert (await client.get_profile(edith.external_id))["status"] == "succeeded"
            assert (await client.feedback(tea, "POSITIVE"))["feedback"] == "POSITIVE"
            assert await client.batch_update([{"memory_id": tea, "text": "Likes tea."}])
            assert await client.batch_delete([{"memory_id": tea}])
            with pytest.raises(ValidationError, match="nothing was deleted"):
                await client.delete_all()
            await client.delete_all(user_id=edith.external_id)
            assert (await client.get_all(filters=whose))["count"] == 1

    asyncio.run(work(token_for(nurse)))
