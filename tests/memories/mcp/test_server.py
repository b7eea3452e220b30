"""The official client against the real server, over both transports."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from audit.actors import Door
from audit.models import AccessLog, Event, Outcome
from memories.ingestion import carry_out
from memories.models import Conversation, ExtractionRun, Memory, Turn
from memories.tasks import QUEUE_ACTOR
from patients.models import Patient, User
from patients.models.access import KeyScope
from patients.roles import Role
from tests.conftest import directing, person, token_for
from tests.memories.mcp.conftest import COMMAND
from tests.memories.talk import hear

SAID = ("Patient: I am allergic to penicillin.", "Patient: I like my tea black.")
Connection = Callable[[str], Any]


@pytest.fixture
def over_http(address: str) -> Connection:
    @asynccontextmanager
    async def connect(token: str, scheme: str = "Bearer") -> AsyncIterator[Client]:
        headers = {"Authorization": f"{scheme} {token}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            yield client

    return connect


@pytest.fixture
def over_stdio(database: dict[str, str]) -> Connection:
    @asynccontextmanager
    async def connect(token: str) -> AsyncIterator[Client]:
        environment = {**os.environ, **database, "MCP_ACCESS_KEY": token}
        async with Client(StdioServerParameters(command=COMMAND[0], args=COMMAND[1:], env=environment)) as client:
            yield client

    return connect


@pytest.fixture(params=["over_http", "over_stdio"])
def connect(request: pytest.FixtureRequest) -> Connection:
    """Either transport."""
    return request.getfixturevalue(request.param)


def using(connection: Any, work: Callable[[Client], Coroutine[Any, Any, Any]]) -> Any:
    async def run() -> Any:
        async with connection as client:
            return await work(client)

    return asyncio.run(run())


def text_of(result: Any) -> str:
    return " ".join(part.text for part in result.content)


@pytest.fixture(scope="module")
def told(edith: Patient, nurse: User) -> None:
    hear(edith, nurse, *SAID)


def test_agent_finds_few_tools_that_say_what_they_do(connect: Connection, token: str) -> None:
    async def work(client: Client) -> Any:
        return await client.list_tools(), await client.list_resource_templates()

    tools, templates = using(connect(token), work)
    assert {tool.name: tool.annotations.read_only_hint for tool in tools.tools} == {
        "list_patients": True,
        "search_memories": True,
        "get_patient_context": True,
        "list_review_tasks": True,
        "add_conversation": False,
        "record_observation": False,
    }
    assert all(len(tool.description) > 100 and tool.output_schema for tool in tools.tools)
    assert [template.uri_template for template in templates.resource_templates] == [
        "homecare://patients/{patient_id}/summary"
    ]


def test_agent_recalls_with_the_status_and_is_on_record(
    connect: Connection, told: None, edith: Patient, token: str
) -> None:
    async def work(client: Client) -> Any:
        asked = {"patient_id": "patient_123", "query": "What is she allergic to?", "categories": ["allergy"]}
        found = await client.call_tool("search_memories", asked)
        context = await client.call_tool("get_patient_context", {"patient_id": "patient_123", "question": "Tea?"})
        tasks = await client.call_tool("list_review_tasks", {"patient_id": "patient_123"})
        summary = await client.read_resource("homecare://patients/patient_123/summary")
        patients = await client.call_tool("list_patients", {})
        return found, context, tasks, summary, patients

    with directing():
        before = set(AccessLog.objects.values_list("pk", flat=True))
    found, context, tasks, summary, patients = using(connect(token), work)
    [allergy] = found.structured_content["results"]
    assert allergy["text"].startswith("Allergic to penicillin (unconfirmed, said ")
    assert json.loads(text_of(found)) == found.structured_content
    assert "UNCONFIRMED allergy" in context.structured_content["text"]
    assert "tea black" in context.structured_content["text"]
    assert [task["memory_id"] for task in tasks.structured_content["tasks"]] == [allergy["id"]]
    [critical] = json.loads(summary.contents[0].text)["allergies_and_medications"]
    assert critical == allergy["text"]
    assert patients.structured_content == {
        "patients": [{"patient_id": "patient_123", "name": "Edith Hale"}],
        "total": 1,
    }
    with directing():
        entries = AccessLog.objects.exclude(pk__in=before).filter(door=Door.MCP)
        assert sorted(entry.event for entry in entries) == [
            Event.LIST, Event.LIST, Event.READ, Event.SEARCH, Event.SUMMARY,
        ]  # fmt: skip
        assert {(entry.patient_id, entry.actor_label) for entry in entries} == {(edith.pk, "nora")}
        assert len({entry.request_id for entry in entries}) == 5
        assert entries.get(event=Event.SEARCH).object_ids == [allergy["id"]]


def test_agent_tells_word_for_word_and_a_worker_reads_it(connect: Connection, edith: Patient, token: str) -> None:
    async def work(client: Client) -> Any:
        turns = [{"role": "nurse", "content": "Any pain?"}, {"role": "patient", "content": "My left knee hurts."}]
        added = await client.call_tool(
            "add_conversation", {"patient_id": "patient_123", "turns": turns, "agent_id": "rounds", "title": "Visit"}
        )
        seen = await client.call_tool(
            "record_observation", {"patient_id": "patient_123", "observation": "The cat sat on her lap all morning."}
        )
        return added.structured_content, seen.structured_content

    for answer in using(connect(token), work):
        assert (answer["state"], answer["memory_ids"]) == ("pending", [])
        with directing():
            run = ExtractionRun.objects.get(conversation=answer["conversation_id"])
        carry_out(run_id=run.pk, patient_id=edith.pk, by=QUEUE_ACTOR)
    with directing():
        [visit] = Conversation.objects.filter(title="Visit", agent_id="rounds").order_by("-recorded_at")[:1]
        assert [turn.text for turn in visit.turns.all()] == ["Any pain?", "My left knee hurts."]
        assert Memory.objects.live().filter(content="The cat sat on her lap all morning.").count() == 1
        assert visit.recorded_by.username == "nora"


def test_unknown_patient_and_one_outside_my_care_are_refused_alike_and_on_record(
    over_http: Connection, stranger: Patient, token: str
) -> None:
    calls = [
        ("search_memories", {"query": "tea"}),
        ("get_patient_context", {}),
        ("list_review_tasks", {}),
        ("add_conversation", {"turns": [{"role": "nurse", "content": "Hello."}]}),
        ("record_observation", {"observation": "She smiled."}),
    ]

    async def work(client: Client) -> Any:
        answers = [
            await client.call_tool(name, {"patient_id": patient_id, **more})
            for patient_id in ("stone-1", "nobody")
            for name, more in calls
        ]
        with pytest.raises(MCPError, match="in your care") as refused:
            await client.read_resource("homecare://patients/stone-1/summary")
        return answers, refused.value

    answers, refused = using(over_http(token), work)
    assert all(answer.is_error for answer in answers)
    assert {text_of(answer).partition(": ")[2] for answer in answers} == {str(refused)}
    with directing():
        refusals = AccessLog.objects.refusals().filter(door=Door.MCP)
        for patient_id in ("stone-1", "nobody"):
            routes = set(refusals.filter(reason=patient_id).values_list("route", flat=True))
            assert {f"mcp {name}" for name, _ in calls} <= routes
        assert not Turn.objects.filter(patient=stranger).exists()
        assert not Patient.objects.filter(external_id="nobody").exists()


def test_key_and_role_allow_no_more_than_over_rest(over_http: Connection, edith: Patient, nurse: User) -> None:
    async def work(client: Client) -> Any:
        return [
            text_of(await client.call_tool(name, {"patient_id": "patient_123", **more}))
            for name, more in (
                ("record_observation", {"observation": "She smiled."}),
                ("list_review_tasks", {}),
                ("search_memories", {"query": "tea"}),
            )
        ]

    with directing():
        robot = person("robot", Role.AGENT)
    refusal = "Your role or your key does not allow this."
    reader = using(over_http(token_for(nurse, scopes=[KeyScope.READ])), work)
    assert [refusal in answer for answer in reader] == [True, False, False]
    agent = using(over_http(token_for(robot)), work)
    assert [refusal in answer for answer in agent] == [False, True, False]
    assert all("in your care" in answer for answer in (agent[0], agent[2]))


def test_bad_arguments_are_told_and_nothing_is_stored(over_http: Connection, edith: Patient, token: str) -> None:
    async def work(client: Client) -> Any:
        return [
            await client.call_tool(name, {"patient_id": "patient_123", **more})
            for name, more in (
                ("search_memories", {"query": ""}),
                ("search_memories", {"query": "tea", "limit": 1000}),
                ("search_memories", {"query": "tea", "categories": ["ghost"]}),
                ("get_patient_context", {"token_budget": 0}),
                ("add_conversation", {"turns": []}),
                ("add_conversation", {"turns": [{"role": "nurse", "content": "   "}]}),
                ("add_conversation", {"turns": [{"role": "nurse", "content": "a\x00b"}]}),
                ("search_memories", {"query": "a\x00b"}),
                ("record_observation", {}),
            )
        ]

    with directing():
        before = Conversation.objects.count()
    answers = using(over_http(token), work)
    assert [answer.is_error for answer in answers] == [True] * len(answers)
    assert all(": " in text_of(answer) for answer in answers)  # a crash would tell no more than the tool's name
    with directing():
        assert Conversation.objects.count() == before


def test_without_a_usable_key_nobody_comes_in(address: str, database: dict[str, str], nurse: User) -> None:
    answers = [
        httpx.post(address, json={}, headers={"Authorization": header})
        for header in ("", "Bearer hcm_wrong", "Basic hcm_wrong", f"Basic {token_for(nurse)}")
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert all(answer.json()["detail"] for answer in answers)
    with directing():
        assert AccessLog.objects.filter(door=Door.MCP, outcome=Outcome.REFUSED, actor_kind="anonymous").count() >= 4
    environment = {**os.environ, **database, "MCP_ACCESS_KEY": "hcm_wrong"}
    done = subprocess.run(COMMAND, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Set MCP_ACCESS_KEY" in done.stderr
    assert done.stdout == ""


def test_revoked_key_opens_nothing_from_then_on(address: str, nurse: User) -> None:
    headers = {"Authorization": f"Token {token_for(nurse)}"}
    assert httpx.post(address, json={}, headers=headers).status_code == 400
    with directing():
        key = nurse.access_keys.order_by("-created_at").first()
        key.revoked_at = key.created_at
        key.save()
    assert httpx.post(address, json={}, headers=headers).status_code == 401


def test_foreign_host_is_refused(address: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Host": "evil.example", "Accept": "application/json"}
    assert httpx.post(address, json={"jsonrpc": "2.0"}, headers=headers).status_code == 421


def test_web_process_has_no_mcp_in_its_memory() -> None:
    loads = "import homecare.wsgi, sys; print(sorted({'mcp', 'uvicorn', 'mem0', 'memories.mcp'} & set(sys.modules)))"
    done = subprocess.run([COMMAND[0], "-c", loads], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
