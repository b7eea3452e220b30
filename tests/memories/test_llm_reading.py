"""A conversation read by a model that fails in every way a model can: nothing critical is lost, nothing is invented."""

from collections.abc import Sequence

import pytest

from memories.ingestion import carry_out, give_up
from memories.models import ExtractionRun, Memory, RunState
from memories.tasks import QUEUE_ACTOR
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.llm_peer import (
    LLMPeer,
    Reply,
    a_running_peer,  # noqa: F401 because importing it is how a fixture is had
    allergy,
    fact,
    fails,
    medication,
    rate_limited,
    refusal,
    says,
    truncated,
    words,
)
from tests.memories.talk import hear

TALK = (
    "Nurse: Any allergies?",
    "Patient: Penicillin. It gives me hives.",
    "Patient: I take warfarin 5 mg, and my grandson visits every Sunday.",
)
NOTHING: dict[str, list[dict[str, object]]] = {"allergies": [], "medications": [], "facts": []}
SOURCE = {"turn": 1, "quote": "Penicillin", "content": "Allergic to penicillin.", "hedged": False}
UNKNOWN_WORD = NOTHING | {"allergies": [SOURCE | allergy("penicillin", assertion="rumoured")]}
OTHER_STATUS = NOTHING | {
    "medications": [SOURCE | {"turn": 2, "quote": "warfarin 5 mg"} | medication("warfarin", status="paused")]
}

FAILURES = {
    "prose": [words("She may well be allergic to penicillin.")] * 2,
    "broken JSON": [words('{"allergies": [{"turn": 1,')] * 2,
    "truncated JSON": [truncated(UNKNOWN_WORD)] * 2,
    "a word of its own": [says(UNKNOWN_WORD)] * 2,
    "a status of its own": [says(OTHER_STATUS)] * 2,
    "nothing": [words("")] * 2,
    "no words at all": [words(None)] * 2,
    "another shape": [says({"facts": "none"})] * 2,
    "too many requests": [rate_limited(retry_after=0.01)] * 2,
    "a long wait": [rate_limited(retry_after=600)],
    "a timeout": [says(NOTHING, delay=1.5)] * 2,
    "a refusal": [refusal()],
    "an outage": [fails(503, retry_after=0.01)] * 2,
    "a wrong key": [fails(401)],
}


@pytest.fixture
def model(llm_peer: LLMPeer, settings: object) -> LLMPeer:
    settings.EXTRACTOR, settings.OPENAI_BASE_URL, settings.OPENAI_MODEL = "llm", llm_peer.base_url, "tiny"  # type: ignore[attr-defined]
    settings.OPENAI_TIMEOUT, settings.OPENAI_MAX_RETRIES = 1.0, 1  # type: ignore[attr-defined]
    return llm_peer


def remembered() -> set[str]:
    with directing():
        return set(Memory.objects.live().values_list("about", flat=True))


@pytest.mark.parametrize("replies", FAILURES.values(), ids=FAILURES.keys())
def test_whatever_the_model_does_critical_items_are_kept_and_the_rest_is_tried_again(
    replies: Sequence[Reply], model: LLMPeer, mrs_hale: Patient, nora: User
) -> None:
    model.will(*replies)
    run = hear(mrs_hale, nora, *TALK)
    assert run.state == RunState.PENDING
    assert run.error
    assert not {"penicillin", "warfarin", "grandson"} & set(run.error.lower().split())
    assert remembered() == {"penicillin", "warfarin"}

    visit = SOURCE | {
        "turn": 2,
        "quote": "my grandson visits every Sunday",
        "content": "The grandson visits on Sundays.",
    }
    model.will(says(NOTHING | {"allergies": [SOURCE | allergy("penicillin")], "facts": [visit | fact("grandson")]}))
    run = carry_out(run_id=run.pk, patient_id=mrs_hale.pk, by=actor_for(nora))
    assert (run.state, run.error) == (RunState.DONE, "")
    assert remembered() == {"penicillin", "warfarin", "grandson"}
    with directing():
        assert Memory.objects.get(about="penicillin").times_said == 1, "read twice is not said twice"


def test_a_model_that_never_answers_leaves_a_failed_run_and_what_is_critical(
    model: LLMPeer, mrs_hale: Patient, nora: User
) -> None:
    model.will(*[fails(503, retry_after=0.01)] * 4)
    run = hear(mrs_hale, nora, *TALK)
    carry_out(run_id=run.pk, patient_id=mrs_hale.pk, by=QUEUE_ACTOR)
    give_up(run_id=run.pk, patient_id=mrs_hale.pk, by=QUEUE_ACTOR, reason="unavailable")
    with directing():
        run = ExtractionRun.objects.get(pk=run.pk)
    assert (run.state, run.error, run.attempts) == (RunState.FAILED, "unavailable", 2)
    assert remembered() == {"penicillin", "warfarin"}


def test_what_the_model_overlooked_of_allergies_and_medications_is_kept(
    model: LLMPeer, mrs_hale: Patient, nora: User
) -> None:
    model.will(says(NOTHING))
    run = hear(mrs_hale, nora, *TALK)
    assert run.state == RunState.DONE
    assert remembered() == {"penicillin", "warfarin"}


def test_what_the_model_made_up_is_dropped_and_counted(model: LLMPeer, mrs_hale: Patient, nora: User) -> None:
    made_up = SOURCE | {"quote": "Penicillin and latex", "content": "Allergic to latex."}
    unnamed = SOURCE | {"content": "Allergic to peanuts."}
    model.will(says(NOTHING | {"allergies": [made_up | allergy("latex"), unnamed | allergy("peanut")]}))
    run = hear(mrs_hale, nora, *TALK)
    assert run.dropped == 2
    assert remembered() == {"penicillin", "warfarin"}
