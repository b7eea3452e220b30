"""How much of the evidence of a question stands in its context: run on a record of our own, scored by counting."""

import pytest

from memories.evaluation.context import context_scores, evaluate_context

RECORD = {
    "id": "edith",
    "memories": [
        {"id": "m1", "text": "Allergic to penicillin.", "category": "allergy"},
        {"id": "m2", "text": "Edith sings in the choir on Thursdays.", "category": "preference"},
        {"id": "m3", "text": "Edith keeps two canaries.", "category": "preference"},
    ],
    "queries": [
        {"id": "q1", "question": "On which day does the choir sing?", "category": "temporal", "gold": ["m2"]},
        {"id": "q2", "question": "Does she have canaries, or a choir?", "category": "single_hop", "gold": ["m2", "m3"]},
        {"id": "q3", "question": "What of her tortoise?", "category": "adversarial", "gold": ["m3"]},
    ],
}


@pytest.mark.django_db
def test_evidence_stands_in_the_context_of_its_question() -> None:
    answers = {answer["query_id"]: answer for answer in evaluate_context([RECORD], token_budget=400)}
    assert answers["q1"]["in_context"][:2] == ["m1", "m2"]
    assert set(answers["q2"]["in_context"]) == {"m1", "m2", "m3"}
    assert all(answer["tokens"] <= 400 for answer in answers.values())


def test_scores_count_all_any_and_the_share_and_leave_adversarial_questions_out() -> None:
    answers = [
        {"query_id": "q1", "in_context": ["m1"], "tokens": 100},
        {"query_id": "q2", "in_context": ["m1", "m3"], "tokens": 300},
        {"query_id": "q3", "in_context": [], "tokens": 900},
    ]
    scores, missed = context_scores([RECORD], answers)
    assert scores["questions"] == 2
    assert scores["all evidence in context"] == 0
    assert scores["any evidence in context"] == 0.5
    assert scores["share of evidence in context"] == 0.25
    assert scores["most tokens"] == 300
    assert missed == ["q1 | On which day does the choir sing?"]
