"""Chats over REST: history stays in its chat, memory follows the patient."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from audit.models import AccessLog, Event
from memories.choices import Category, Kind, Scope
from memories.models import Conversation, ExtractionRun, Memory, ReviewTask, Turn
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import ApiClient, directing, person, token_for
from tests.memories.talk import hear

pytestmark = pytest.mark.django_db


def begin(api: ApiClient, **fields: Any) -> str:
    status, chat = api.call("POST", "chats", {"patient_id": "patient_123", "title": "Talk"} | fields)
    assert status == 201, chat
    return chat["chat_id"]


def say(api: ApiClient, chat: str, message: str, **fields: Any) -> dict[str, Any]:
    body = {"patient_id": "patient_123", "chat_id": chat, "message": message} | fields
    status, said = api.call("POST", "chats/messages", body)
    assert status == 201, said
    return said


def messages(api: ApiClient, chat: str) -> list[str]:
    status, page = api.call("GET", f"chats/{chat}/messages")
    assert status == 200, page
    return [message["content"] for message in page["results"]]


def remembered(**fields: Any) -> list[str]:
    with directing():
        return list(Memory.objects.live().filter(**fields).order_by("recorded_at").values_list("content", flat=True))


# --- history and memory --------------------------------------------------------------------------------------------


def test_memory_follows_the_patient_and_history_stays(mrs_hale: Patient, carl_api: ApiClient) -> None:
    first = begin(carl_api)
    made = say(carl_api, first, "My name is Rosa Hale, and I take metformin 500 mg twice a day.")
    assert made["memories_created"] == len(made["memory_ids"]) == 2
    second = begin(carl_api, title="Another day")
    assert messages(carl_api, second) == [], "a new chat loads no earlier message"
    status, context = carl_api.call("GET", f"patients/patient_123/context/{second}")
    assert (status, "metformin" in context["text"]) == (200, True)
    say(carl_api, second, "What is my name?")
    context = carl_api.call("GET", f"patients/patient_123/context/{second}")[1]
    assert "Is called Rosa Hale" in context["text"]
    assert "and I take metformin" not in context["text"], "a fact is told, not the message"
    assert messages(carl_api, second) == ["What is my name?"]


def test_requests_and_questions_are_not_remembered(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat = begin(carl_api)
    for message in ("Can you help me with this?", "help me with this", "What was I asking about earlier?"):
        assert say(carl_api, chat, message)["memories_created"] == 0
    assert remembered() == []


def test_each_run_covers_the_new_turn_alone(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat = begin(carl_api)
    say(carl_api, chat, "She takes lisinopril 10 mg every morning.", role="daughter")
    again = say(carl_api, chat, "She sleeps badly.", role="daughter")
    assert (again["memories_reinforced"], again["state"]) == (0, "done")
    with directing():
        assert list(ExtractionRun.objects.order_by("created_at").values_list("first", "last")) == [(0, 0), (1, 1)]
        lisinopril = Memory.objects.get(about="lisinopril")
        assert (lisinopril.times_said, lisinopril.mentions.count()) == (1, 1)


def test_an_answer_is_read_with_its_question(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat = begin(carl_api)
    body = {"patient_id": "patient_123", "chat_id": chat, "response": "Do you have any allergies?"}
    assert carl_api.call("POST", "chats/responses", body)[0] == 201
    say(carl_api, chat, "Penicillin.", role="patient")
    assert remembered(category=Category.ALLERGY) == ["Allergic to Penicillin."]


def test_what_an_assistant_says_is_kept_and_never_remembered(
    mrs_hale: Patient, nora: User, carl_api: ApiClient
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    chat = begin(carl_api)
    with directing():
        allergy = Memory.objects.get()
    answer = {
        "patient_id": "patient_123",
        "chat_id": chat,
        "response": "She is allergic to penicillin and takes warfarin 5 mg.",
        "memory_ids": [str(allergy.pk)],
    }
    status, stored = carl_api.call("POST", "chats/responses", answer)
    assert (status, stored["memory_ids"]) == (201, [str(allergy.pk)])
    assert say(carl_api, chat, "I take ibuprofen 200 mg.", role="assistant")["memories_created"] == 0
    with directing():
        assert Memory.objects.get().times_said == 1
    status, page = carl_api.call("GET", f"chats/{chat}/messages")
    assert [(m["role"], m["memory_ids"]) for m in page["results"]] == [
        ("assistant", [str(allergy.pk)]),
        ("assistant", []),
    ]
    status, refused = carl_api.call("POST", "chats/responses", answer | {"memory_ids": [str(uuid4())]})
    assert (status, list(refused)) == (400, ["memory_ids"])


def test_a_message_can_be_kept_from_memory(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat = begin(carl_api)
    said = say(carl_api, chat, "I take warfarin 5 mg.", extract_memory=False)
    assert ("run_id" in said, said["memories_created"]) == (False, 0)
    say(carl_api, chat, "I sleep badly.")
    assert not remembered(category=Category.MEDICATION)
    assert messages(carl_api, chat)[0] == "I take warfarin 5 mg."


def test_background_answers_with_a_run_to_follow(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat = begin(carl_api)
    body = {"patient_id": "patient_123", "chat_id": chat, "message": "I take warfarin.", "background": True}
    status, said = carl_api.call("POST", "chats/messages", body)
    assert (status, said["state"]) == (202, "pending")
    assert carl_api.call("GET", f"runs/{said['run_id']}")[0] == 200


def test_messages_come_in_pages_in_their_order(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat = begin(carl_api)
    for number in range(5):
        say(carl_api, chat, f"Message {number}", extract_memory=False)
    page = carl_api.get(f"/api/v1/chats/{chat}/messages?page_size=2").json()
    seen = [message["content"] for message in page["results"]]
    while page["next"]:
        page = carl_api.get(page["next"]).json()
        seen += [message["content"] for message in page["results"]]
    assert seen == [f"Message {number}" for number in range(5)]
    assert carl_api.get(f"/api/v1/chats/{chat}/messages?cursor=cD1ub3doZXJl").status_code == 404


def test_a_full_chat_says_what_to_do(mrs_hale: Patient, carl_api: ApiClient, settings: Any) -> None:
    settings.MAX_CONVERSATION_TURNS = 1
    chat = begin(carl_api)
    say(carl_api, chat, "Hello.")
    body = {"patient_id": "patient_123", "chat_id": chat, "message": "Hello again."}
    status, refused = carl_api.call("POST", "chats/messages", body)
    assert status == 400
    assert "begin another" in str(refused)
    with directing():
        assert Turn.objects.count() == 1


# --- deleting -----------------------------------------------------------------------------------------------------


def test_a_deleted_chat_leaves_the_lists_and_its_memories_stay(
    mrs_hale: Patient, carl: User, carl_api: ApiClient, nora_api: ApiClient
) -> None:
    chat, other = begin(carl_api), begin(carl_api)
    made = say(carl_api, chat, "I take warfarin 5 mg. Between us, the neighbour drinks.")["memory_ids"]
    assert carl_api.call("DELETE", f"chats/{chat}") == (204, None)
    listed = carl_api.call("GET", "patients/patient_123/chats")[1]["results"]
    assert [each["chat_id"] for each in listed] == [other]
    assert carl_api.call("GET", f"chats/{chat}/messages")[0] == 404
    body = {"patient_id": "patient_123", "chat_id": chat, "message": "Still there?"}
    assert carl_api.call("POST", "chats/messages", body)[0] == 404
    memory = nora_api.call("GET", f"memories/{made[0]}")[1]
    assert [mention["source"] for mention in memory["mentions"]] == ["deleted chat"]
    with directing():
        assert Turn.objects.filter(conversation=chat).count() == 1, "nothing is lost"
        assert AccessLog.objects.filter(event=Event.DELETE, object_ids=[chat], actor_label="carl").count() == 1
    browser = Client()
    with directing():
        browser.login(username="carl", password="correct-horse-battery")
    page = browser.get(f"/admin/memories/memory/{made[0]}/change/").content.decode()
    assert "deleted chat" in page
    assert "neighbour" not in page, "of a deleted chat the quoted words alone are shown"
    assert browser.get(f"/admin/memories/conversation/{chat}/change/").status_code == 404


def test_a_chat_is_deleted_by_who_began_it_or_a_clinician(
    mrs_hale: Patient, carl_api: ApiClient, nora_api: ApiClient
) -> None:
    of_nora, of_carl = begin(nora_api), begin(carl_api)
    assert carl_api.call("DELETE", f"chats/{of_nora}")[0] == 403
    assert nora_api.call("DELETE", f"chats/{of_carl}")[0] == 204
    assert nora_api.call("DELETE", f"chats/{of_carl}")[0] == 404


# --- whose patients -------------------------------------------------------------------------------------------------


def test_chats_of_patients_one_may_not_see_are_not_there(
    mrs_hale: Patient, mr_stone: Patient, carl_api: ApiClient
) -> None:
    with directing():
        vera = person("vera", Role.CLINICIAN)
        CareAssignment.objects.create(user=vera, patient=mr_stone, role=Role.CLINICIAN)
        stranger = ApiClient(token_for(vera))
    chat = begin(carl_api)
    say(carl_api, chat, "I take warfarin 5 mg.")
    of_stone = begin(stranger, patient_id="stone-1")
    about = {"patient_id": "patient_123", "chat_id": chat, "message": "Hello"}
    for method, path, body in (
        ("GET", "patients/patient_123/chats", None),
        ("GET", f"chats/{chat}/messages", None),
        ("DELETE", f"chats/{chat}", None),
        ("POST", "chats", {"patient_id": "patient_123"}),
        ("POST", "chats/messages", about),
        ("POST", "chats/messages", about | {"patient_id": "stone-1"}),
        ("POST", "chats/messages", about | {"chat_id": of_stone}),
        ("POST", "chats/responses", {"patient_id": "patient_123", "chat_id": chat, "response": "Hello"}),
        ("GET", f"patients/stone-1/context/{chat}", None),
        ("GET", f"patients/patient_123/context/{of_stone}", None),
    ):
        assert stranger.call(method, path, body)[0] == 404, (method, path)
    with directing():
        assert AccessLog.objects.refusals().filter(actor_label="vera").count() == 10
        assert Turn.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Hello"},
        {"patient_id": "patient_123", "message": "Hello"},
        {"patient_id": "patient_123", "chat_id": "nonsense", "message": "Hello"},
        {"patient_id": "patient_123", "chat_id": "CHAT", "message": "  "},
        {"patient_id": "patient_123", "chat_id": "CHAT", "message": "x" * 20_001},
        {"patient_id": "patient_123", "chat_id": "CHAT", "message": "Hello", "extract_memories": False},
    ],
)
def test_a_bad_message_is_a_400_and_stores_nothing(
    body: dict[str, Any], mrs_hale: Patient, carl_api: ApiClient
) -> None:
    chat = begin(carl_api)
    status, refused = carl_api.call("POST", "chats/messages", {k: chat if v == "CHAT" else v for k, v in body.items()})
    assert (status, isinstance(refused, dict)) == (400, True)
    with directing():
        assert not Turn.objects.exists()


# --- scopes ---------------------------------------------------------------------------------------------------------


def search(api: ApiClient, query: str, **filters: Any) -> list[str]:
    body = {"patient_id": "patient_123", "query": query, "filters": filters}
    status, found = api.call("POST", "memories/search", body)
    assert status == 200, found
    return [hit["memory"]["content"] for hit in found["results"]]


def test_memories_of_a_session_are_told_there_alone(mrs_hale: Patient, carl_api: ApiClient) -> None:
    chat, other = begin(carl_api, scope="conversation"), begin(carl_api)
    say(carl_api, chat, "I like the window open. I am allergic to latex.")
    assert search(carl_api, "window", scope="conversation", scope_id=chat) == ["They like the window open."]
    assert search(carl_api, "window", scope="conversation", scope_id=other) == []
    assert search(carl_api, "latex allergy", scope="patient")[0] == "Allergic to latex.", "an allergy is the patient's"
    say(carl_api, other, "Shall I do anything about the window?")
    say(carl_api, chat, "Shall I do anything about the window?")
    told = {key: carl_api.call("GET", f"patients/patient_123/context/{key}")[1]["text"] for key in (chat, other)}
    assert ("window open" in told[chat], "window open" in told[other]) == (True, False)
    assert all("latex" in text for text in told.values())


def test_memories_of_an_agent_are_told_to_that_agent(mrs_hale: Patient, carl_api: ApiClient) -> None:
    begun = begin(carl_api, scope="agent", agent_id="diet-bot")
    say(carl_api, begun, "I like my porridge thin.")
    assert search(carl_api, "porridge", scope="agent", scope_id="diet-bot") == ["They like their porridge thin."]
    assert search(carl_api, "porridge", scope="agent", scope_id="night-bot") == []
    later, other = begin(carl_api, agent_id="diet-bot"), begin(carl_api, agent_id="night-bot")
    for chat, is_told in ((later, True), (other, False)):
        say(carl_api, chat, "What about the porridge?")
        context = carl_api.call("GET", f"patients/patient_123/context/{chat}")[1]["text"]
        assert ("porridge thin" in context) is is_told
    listed = carl_api.call("GET", "patients/patient_123/memories?scope=agent&scope_id=diet-bot")[1]["results"]
    assert [(m["scope"], m["scope_id"]) for m in listed] == [("agent", "diet-bot")]


def test_the_same_words_in_two_scopes_are_two_memories(mrs_hale: Patient, carl_api: ApiClient) -> None:
    for scope in ({}, {"scope": "conversation"}, {"scope": "agent", "agent_id": "diet-bot"}):
        body = {"patient_id": "patient_123", "conversation": ["I like my porridge thin."]} | scope
        status, made = carl_api.call("POST", "memories", body)
        assert (status, made["memories_created"]) == (201, 1)
    with directing():
        assert set(Memory.objects.live().values_list("scope", flat=True)) == set(Scope.values)


def test_an_agents_scope_needs_a_name(mrs_hale: Patient, carl_api: ApiClient) -> None:
    status, refused = carl_api.call("POST", "chats", {"patient_id": "patient_123", "scope": "agent"})
    assert (status, list(refused)) == (400, ["agent_id"])


def test_an_instruction_is_remembered_whole_and_found(mrs_hale: Patient, carl_api: ApiClient) -> None:
    steps = "1. Lock the wheelchair. 2. Put the belt on. 3. Count to three and stand her up together."
    body = {
        "patient_id": "patient_123",
        "title": "How we transfer her from bed",
        "kind": "procedural",
        "conversation": [steps],
    }
    status, made = carl_api.call("POST", "memories", body)
    assert (status, made["memories_created"]) == (201, 1)
    hear_pain = {"patient_id": "patient_123", "conversation": ["She had pain in her knee in bed tonight."]}
    carl_api.call("POST", "memories", hear_pain)
    found = search(carl_api, "how do we get her out of bed?", kind=["procedural"])
    assert found == [f"How we transfer her from bed: {steps}"]
    with directing():
        assert Memory.objects.get(kind=Kind.PROCEDURAL).mentions.get().quote == steps


# --- batches --------------------------------------------------------------------------------------------------------


def test_conversations_come_in_batches(mrs_hale: Patient, carl_api: ApiClient) -> None:
    batch = [
        {"patient_id": "patient_123", "conversation": ["I take warfarin 5 mg."], "source_id": "1"},
        {"patient_id": "patient_123", "conversation": ["I sleep badly."], "source_id": "2"},
    ]
    status, runs = carl_api.call("POST", "memories/batch", batch)
    assert (status, [run["state"] for run in runs]) == (202, ["pending", "pending"])
    assert carl_api.call("POST", "memories/batch", batch)[1] == runs, "the same ids are taken in once"
    with directing():
        assert Conversation.objects.count() == 2


@pytest.mark.parametrize("bad", [{"conversation": []}, {"patient_id": "nobody"}, {"conversation": [" "]}, {"x": 1}])
def test_a_batch_with_one_bad_conversation_stores_none(
    bad: dict[str, Any], mrs_hale: Patient, carl_api: ApiClient
) -> None:
    good = {"patient_id": "patient_123", "conversation": ["I take warfarin 5 mg."]}
    assert carl_api.call("POST", "memories/batch", [good, good | bad])[0] in (400, 404)
    assert carl_api.call("POST", "memories/batch", [])[0] == 400
    assert carl_api.call("POST", "memories/batch", good)[0] == 400
    with directing():
        assert not Conversation.objects.exists()


# --- opting out -----------------------------------------------------------------------------------------------------


def test_opting_out_ends_recall_and_keeps_what_is_a_matter_of_safety(
    mrs_hale: Patient, nora: User, nora_api: ApiClient, carl_api: ApiClient
) -> None:
    hear(mrs_hale, nora, "Patient: I'm allergic to penicillin. I take warfarin 5 mg. I take ibuprofen 200 mg.")
    hear(mrs_hale, nora, "Patient: I prefer mornings.", "Patient: I slept badly.")
    with directing():
        warfarin = Memory.objects.get(about="warfarin")
    assert nora_api.call("POST", f"memories/{warfarin.pk}/confirm", {"reason": "On the list."})[0] == 200
    assert carl_api.call("DELETE", "patients/patient_123/memories")[0] == 403
    status, done = nora_api.call("DELETE", "patients/patient_123/memories", {"reason": "She asked."})
    assert (status, done["kept"]) == (200, 2)
    assert done["retired"] >= 3
    assert remembered() == ["Allergic to penicillin.", "Takes warfarin 5 mg."]
    listed = carl_api.call("GET", "patients/patient_123/memories")[1]["results"]
    assert {memory["about"] for memory in listed} == {"penicillin", "warfarin"}
    assert search(carl_api, "When does she like visits, and how does she sleep?") == []
    with directing():
        assert [task.memory.about for task in ReviewTask.objects.open().filter(kind="verify")] == ["penicillin"]
        assert AccessLog.objects.filter(event=Event.DELETE, reason="She asked.", actor_label="nora").exists()
        assert AccessLog.objects.filter(event=Event.EXTRACT).count() == 2, "the log stays"
    body = {"patient_id": "patient_123", "conversation": ["I sleep badly."]}
    assert carl_api.call("POST", "memories", body)[1]["memories_created"] == 0
    assert nora_api.call("DELETE", "patients/patient_123/memories")[1] == {"retired": 0, "kept": 2}
