"""The examples of docs/agents.md do what they say: against the real servers, and a stand-in for the language model."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest

from memories.models import Conversation
from patients.models import CareAssignment, Patient
from patients.roles import Role
from tests.conftest import directing, person, token_for
from tests.llm_peer import (
    LLMPeer,
    a_running_peer,  # noqa: F401 because importing it is how a fixture is had
    words,
)
from tests.memories.mcp.conftest import served_to_agents
from tests.memories.talk import hear
from tests.serving import cloned_database, served

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "agents.md").read_text()


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def example(of: str) -> dict[str, Any]:
    """What the one Python example defines that imports this."""
    [code] = [code for code in examples("python") if f"from {of} import" in code]
    namespace: dict[str, Any] = {}
    exec(compile(code, "docs/agents.md", "exec"), namespace)  # noqa: S102 because it is the project's own
    return namespace


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker: Any) -> Any:
    with django_db_blocker.unblock(), cloned_database("examples"):
        yield


@pytest.fixture(scope="module")
def token(database: None) -> str:
    """The key of an agent who has one patient."""
    with directing():
        robot = person("robot", Role.AGENT)
        patient = Patient.objects.create(external_id="patient_123")
        CareAssignment.objects.create(user=robot, patient=patient, role=Role.AGENT)
    hear(patient, robot, "Patient: I am allergic to penicillin.", "Patient: I like my tea black.")
    return token_for(robot)


@pytest.fixture
def rest(token: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The site, named as the examples expect it."""
    with served() as address:
        monkeypatch.setenv("HOMECARE_URL", f"{address}/api/v1")
        monkeypatch.setenv("HOMECARE_KEY", token)
        yield


def test_settings_of_clients_are_json_and_name_no_real_key() -> None:
    settings = [json.loads(code) for code in examples("json")]
    assert len(settings) == 3
    assert set(re.findall(r"hcm_\S*?(?=[\"`]|$)", PAGE, re.MULTILINE)) == {"hcm_..."}


def test_example_with_the_openai_sdk(rest: None, llm_peer: LLMPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("BASE_URL", llm_peer.base_url), ("API_KEY", "none"), ("MODEL", "peer")):
        monkeypatch.setenv(f"OPENAI_{name}", value)
    llm_peer.will(words("You are said to be allergic to penicillin; it is not confirmed [m1]."))
    made = example("openai")
    try:
        assert "penicillin" in made["reply"]("patient_123", "What am I allergic to?")
    finally:
        made["memory"].close()
        made["llm"].close()
    assert "UNCONFIRMED allergy" in llm_peer.requests[-1].instructions
    with directing():
        heard = Conversation.objects.order_by("-recorded_at").first()
        assert [turn.role for turn in heard.turns.all()] == ["patient", "agent"]


def test_example_with_langchain(rest: None) -> None:
    pytest.importorskip("langchain_core", reason="LangChain is not part of the project.")
    made = example("langchain_core.tools")
    try:
        context, remember = made["tools"]
        asked = {"patient_id": "patient_123", "question": "What may she drink?"}
        assert "tea black" in context.invoke(asked)
        assert "Kept" in remember.invoke({"patient_id": "patient_123", "words": "She drank two cups."})
    finally:
        made["memory"].close()


def test_example_with_the_mcp_sdk(database: None, token: str) -> None:
    ask = example("mcp")["ask"]
    with served_to_agents() as address:
        text = asyncio.run(ask(address, token, "patient_123", "What may she drink?"))
    assert "UNCONFIRMED allergy" in text
    assert "tea black" in text
