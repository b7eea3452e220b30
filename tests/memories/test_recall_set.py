"""What a carer asks of four patients is found: floors under the measured figures, and the ways that words meet."""

import pytest

from memories.evaluation.retrieval import evaluate_retrieval
from memories.evaluation.score_retrieval import score_retrieval
from memories.vocabulary.topics import topics_of_memory
from patients.models import Patient
from tests.conftest import directing
from tests.memories.recall_set import records
from tests.memories.remembered import remember
from tests.memories.test_search import ask, found

#: A little below what was measured last, so that a change of a few questions is seen.
FLOORS = {"hit@1": 0.74, "hit@3": 0.93, "recall@10": 0.96}


@pytest.mark.django_db
def test_answers_are_found_among_the_first() -> None:
    asked = list(records())
    assert sum(len(record["queries"]) for record in asked) >= 150
    ranked = {answer["query_id"]: answer["ranked"] for answer in evaluate_retrieval(asked)}
    scores = score_retrieval(asked, ranked)["main"]
    assert {name: scores[name] for name, floor in FLOORS.items() if scores[name] < floor} == {}


@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Her throat closed up after a shot of cefazolin.", "Can she be given Keflex?"),
        ("Sulfa gave her hives.", "May she have Bactrim?"),
        ("Takes sertraline 50 mg daily.", "Is she on an SSRI?"),
        ("Choked on her rice.", "Does she have dysphagia?"),
        ("Senna two tablets in the evening.", "What is her laxative?"),
        ("Gets dizzy after standing up.", "Does she have orthostatic hypotension?"),
        ("Could not do up the buttons of her blouse.", "Can she dress herself?"),
        ("Was a carpenter all his life.", "What was his job?"),
    ],
)
def test_what_carers_say_and_what_clinicians_call_it_meet(mrs_hale: Patient, said: str, question: str) -> None:
    with directing():
        remember(mrs_hale, "Rang the bell twice.", "Weather was fine.", "Had visitors on Sunday.", said)
    assert found(ask(mrs_hale, question))[0] == said


def test_everyday_word_is_no_misspelt_drug() -> None:
    assert topics_of_memory("She had the contrast.") == {"=contrast"}
