"""The summary before a visit: what is open, what is critical, and sentences that each rest on memories."""

from datetime import timedelta

import pytest
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from audit.actors import acting_as, system_actor
from memories import actions
from memories.models import Memory, PatientNarrative
from memories.narrative import refresh_narrative
from memories.summary import summarise
from patients.models import CareAssignment, Patient, User
from tests.conftest import ApiClient, actor_for, directing
from tests.llm_peer import (
    LLMPeer,
    a_running_peer,  # noqa: F401 because importing it is how a fixture is had
    fails,
    says,
)
from tests.memories.talk import hear

NIGHT = system_actor("nightly")
SAID = (
    "Patient is allergic to penicillin.",
    "She takes metformin 500 mg twice a day.",
    "Patient has type 2 diabetes.",
    "She prefers her tea without sugar.",
)


@pytest.fixture
def said(mrs_hale: Patient, nora: User) -> dict[str, Memory]:
    hear(mrs_hale, nora, *SAID, said_at=timezone.now() - timedelta(days=3, hours=1))
    with directing():
        return {memory.category: memory for memory in Memory.objects.all()}


@pytest.fixture
def model(llm_peer: LLMPeer, settings: object) -> LLMPeer:
    """A language model is set up."""
    settings.EXTRACTOR, settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = "llm", llm_peer.base_url, "tiny"  # type: ignore[attr-defined]
    settings.OPENAI_MAX_RETRIES = 0  # type: ignore[attr-defined]
    return llm_peer


def told(patient: Patient, nora: User) -> list[str]:
    with acting_as(actor_for(nora)):
        return [sentence.text for sentence in summarise(patient).narrative.sentences]


def test_summary_lists_open_questions_taken_medications_and_critical_items_with_status_and_age(
    said: dict[str, Memory], nora_api: ApiClient
) -> None:
    status, summary = nora_api.call("GET", "patients/patient_123/summary")
    assert status == 200
    words = {item["about"]: item["status_and_age"] for item in summary["critical_items"]}
    assert words == {
        "penicillin": "unconfirmed, said 3 days ago",
        "metformin": "unconfirmed, active, said 3 days ago",
    }
    assert [item["about"] for item in summary["active_medications"]] == ["metformin"]
    assert summary["open_review_tasks"] == len(summary["review_tasks"]) == 2
    assert {task["memory_id"] for task in summary["review_tasks"]} == {
        str(said["allergy"].pk),
        str(said["medication"].pk),
    }


def test_stopped_and_planned_medications_are_not_active(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She stopped taking warfarin.", "She takes metformin.")
    with acting_as(actor_for(nora)):
        summary = summarise(mrs_hale)
    assert [item.about for item in summary.active_medications] == ["metformin"]
    assert {item.about for item in summary.critical_items} == {"metformin", "warfarin"}


def test_caregiver_is_told_how_many_questions_are_open_but_not_the_queue(
    said: dict[str, Memory], carl_api: ApiClient
) -> None:
    _, summary = carl_api.call("GET", "patients/patient_123/summary")
    assert (summary["open_review_tasks"], summary["review_tasks"]) == (2, [])


def test_each_sentence_rests_on_memories_and_critical_ones_tell_status_and_age(
    said: dict[str, Memory], nora_api: ApiClient
) -> None:
    text = nora_api.call("GET", "patients/patient_123/summary")[1]["summary"]
    ids = {str(memory.pk) for memory in said.values()}
    assert all(set(sentence["memory_ids"]) <= ids and sentence["memory_ids"] for sentence in text["sentences"])
    assert {key for sentence in text["sentences"] for key in sentence["memory_ids"]} == ids
    assert "Allergic to penicillin (unconfirmed, said 3 days ago)." in text["text"]


def test_refuted_item_leaves_the_summary_text_at_once(said: dict[str, Memory], mrs_hale: Patient, nora: User) -> None:
    refresh_narrative(mrs_hale, by=NIGHT)
    with acting_as(actor_for(nora)):
        actions.refute(said["allergy"], by=nora, reason="It was her sister.")
        actions.delete(said["preference"], by=nora, reason="No longer so.")
    sentences = " ".join(told(mrs_hale, nora))
    assert "penicillin" not in sentences
    assert "tea" not in sentences
    assert "metformin" in sentences


def test_model_words_the_text_and_critical_items_stay_in_our_words(
    said: dict[str, Memory], model: LLMPeer, mrs_hale: Patient, nora: User
) -> None:
    model.will(says({"sentences": [{"text": "A tea drinker with type 2 diabetes.", "ids": ["m1", "m2"]}]}))
    assert refresh_narrative(mrs_hale, by=NIGHT)
    assert told(mrs_hale, nora) == [
        "Patient is allergic to penicillin (unconfirmed, said 3 days ago).".replace("Patient is a", "A"),
        "Takes metformin 500 mg twice a day (unconfirmed, active, said 3 days ago).",
        "A tea drinker with type 2 diabetes.",
    ]
    (request,) = model.requests
    assert "penicillin" not in request.conversation
    assert "metformin" not in request.conversation
    assert not refresh_narrative(mrs_hale, by=NIGHT)


@pytest.mark.parametrize(
    "bad",
    [
        {"text": "She is well.", "ids": []},
        {"text": "She is well.", "ids": ["m99"]},
        {"text": "She takes 40 units of something.", "ids": ["m1"]},
        {"text": "She takes warfarin for it.", "ids": ["m1"]},
    ],
)
def test_sentence_that_rests_on_nothing_or_adds_to_it_is_dropped(
    bad: dict, said: dict[str, Memory], model: LLMPeer, mrs_hale: Patient, nora: User
) -> None:
    model.will(says({"sentences": [bad, {"text": "She likes tea.", "ids": ["m2"]}]}))
    refresh_narrative(mrs_hale, by=NIGHT)
    assert told(mrs_hale, nora)[2:] == ["She likes tea."]


@pytest.mark.parametrize("reply", [fails(500), says({"sentences": "none"}), says({}), says({"sentences": []})])
def test_memories_speak_for_themselves_when_the_model_gives_nothing(
    reply: object, said: dict[str, Memory], model: LLMPeer, mrs_hale: Patient, nora: User
) -> None:
    model.will(reply)  # type: ignore[arg-type]
    refresh_narrative(mrs_hale, by=NIGHT)
    assert told(mrs_hale, nora)[2:] == [said["medical_history"].content, said["preference"].content]
    with directing():
        assert PatientNarrative.objects.get().model == ""


def test_stale_text_is_queued_to_be_made_once_when_somebody_asks(
    said: dict[str, Memory], model: LLMPeer, nora_api: ApiClient
) -> None:
    for _ in range(2):
        assert nora_api.call("GET", "patients/patient_123/summary")[0] == 200
    with directing():
        jobs = ProcrastinateJob.objects.filter(task_name="memories.narrate")
        assert [set(job.args) for job in jobs] == [{"patient_id"}]
    assert model.requests == []


def test_summary_text_of_another_patient_is_not_there(
    said: dict[str, Memory], mrs_hale: Patient, mr_stone: Patient, nora: User, adam: User
) -> None:
    refresh_narrative(mrs_hale, by=NIGHT)
    with directing():
        CareAssignment.objects.create(user=adam, patient=mr_stone, role="Clinician")
    with acting_as(actor_for(adam)):
        assert not PatientNarrative.objects.exists()
        assert summarise(mr_stone).narrative.sentences == []
