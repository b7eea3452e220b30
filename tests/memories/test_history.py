"""How a memory came to be what it is reads cleanly over REST: no placeholders, no empty fields."""

from typing import Any

import pytest

from audit.actors import acting_as
from memories import actions
from memories.models import Memory
from patients.models import Patient, User
from tests.conftest import ApiClient, actor_for, directing
from tests.memories.talk import hear


@pytest.fixture
def history(mrs_hale: Patient, nora: User, nora_api: ApiClient) -> list[dict[str, Any]]:
    """Of an allergy that was said, denied and confirmed."""
    hear(mrs_hale, nora, "Patient: I'm allergic to penicillin, I get hives.")
    with directing():
        allergy = Memory.objects.get(about="penicillin")
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    with acting_as(actor_for(nora)):
        actions.confirm(Memory.objects.get(pk=allergy.pk), by=nora, reason="Seen on her bracelet.")
    status, found = nora_api.call("GET", f"memories/{allergy.pk}/history")
    assert status == 200
    return found


def values_of(history: list[dict[str, Any]]) -> list[Any]:
    return [value for entry in history for pair in entry["changes"].values() for value in pair]


def test_every_change_is_a_pair_and_nothing_is_null(history: list[dict[str, Any]]) -> None:
    pairs = [pair for entry in history for pair in entry["changes"].values()]
    assert pairs
    assert {len(pair) for pair in pairs} == {2}
    assert [None, None] not in pairs
    assert not {"None", "", "[]", "{}"} & {value for value in values_of(history) if isinstance(value, str)}
    assert not [value for value in values_of(history) if str(value).endswith(".None")]


def test_what_is_first_said_has_its_words_and_its_speaker(history: list[dict[str, Any]]) -> None:
    said = next(entry for entry in history if entry["event"] == "said")
    assert said["actor"] == "extraction"
    assert said["changes"]["said_by"] == [None, "Patient"]
    assert said["changes"]["quote"][0] is None
    assert "allergic to penicillin" in said["changes"]["quote"][1]
    denied = next(entry for entry in history if entry["event"] == "denied")
    assert "not allergic" in denied["changes"]["quote"][1].lower()


def test_what_was_created_begins_with_null(history: list[dict[str, Any]]) -> None:
    created = next(entry for entry in history if entry["event"] == "memory created")
    assert created["changes"]["about"] == [None, "penicillin"]
    detail = next(entry for entry in history if entry["event"] == "allergy detail created")
    assert detail["changes"]["substance"] == [None, "penicillin"]


def test_a_decision_has_its_reason_and_who_made_it(history: list[dict[str, Any]]) -> None:
    decision = next(entry for entry in history if entry["actor"] == "nora" and entry["event"] == "memory updated")
    assert decision["changes"]["verification_status"] == ["unconfirmed", "confirmed"]
    assert decision["changes"]["verification_reason"] == [None, "Seen on her bracelet."]


def test_a_speaker_who_is_not_known_is_left_out(mrs_hale: Patient, nora: User, nora_api: ApiClient) -> None:
    hear(mrs_hale, nora, "She prefers tea in the morning.")
    with directing():
        memory = Memory.objects.get()
    _, history = nora_api.call("GET", f"memories/{memory.pk}/history")
    said = next(entry for entry in history if entry["event"] == "said")
    assert set(said["changes"]) == {"quote"}
