"""The figures by which extraction and retrieval are judged."""

import pytest

from memories.evaluation.names import Synonyms, is_symptom, normal
from memories.evaluation.score_extraction import score_extraction
from memories.evaluation.score_retrieval import measure_ranking, score_retrieval

ITEM = {
    "id": "a",
    "source": "ours",
    "gold": {
        "allergies": [{"substance": "penicillin"}, {"substance": "latex", "negated": True}],
        "medications": [
            {"name": "lisinopril", "dose": "10 mg", "status": "active"},
            {"name": "ibuprofen", "status": "stopped"},
            {"name": "vitamins", "status": "active", "optional": True},
        ],
        "conditions": [{"name": "hypertension", "aliases": ["high blood pressure"]}],
        "no_known_drug_allergies": True,
    },
}


def test_ranking_measures_first_rank_and_share() -> None:
    measures = measure_ranking(["x", "a", "a", "y", "b"], {"a", "b"})
    assert (measures["hit@1"], measures["hit@3"], measures["recall@3"], measures["recall@5"]) == (0, 1, 0.5, 1)
    assert measures["mrr@10"] == 0.5


def test_unanswerable_questions_stay_out_of_main() -> None:
    asked = [{"id": "1", "gold": ["a"], "category": "single"}, {"id": "2", "gold": ["a"], "category": "adversarial"}]
    scores = score_retrieval([{"queries": asked}], {"1": ["a"]})
    assert (scores["main"]["hit@1"], scores["main"]["n"], scores["adversarial"]["hit@1"]) == (1, 1, 0)


def test_names_lose_doses_forms_and_plurals() -> None:
    assert normal("Lipitor® 20 mg tablets (at night)") == ("lipitor",)
    assert normal("Gallstones") == ("gallstone",)
    assert is_symptom("severe knee pain")
    assert not is_symptom("gout")
    assert Synonyms([("zestril", "lisinopril")]).same("Zestril 5 mg", ["lisinopril"])
    assert not Synonyms().same("zestril", ["lisinopril"])


def test_perfect_prediction_scores_1_and_what_is_optional_does_not_count() -> None:
    prediction = {
        "allergies": [{"substance": "Penicillins"}],
        "medications": [
            {"name": "Zestril", "dose": "10 mg", "status": "active"},
            {"name": "ibuprofen 400 mg", "status": "stopped"},
            {"name": "vitamins"},
        ],
        "conditions": ["high blood pressure", "knee pain"],
        "no_known_drug_allergies": True,
    }
    figures, errors = score_extraction([ITEM], {"a": prediction}, Synonyms([("zestril", "lisinopril")]))
    assert not errors
    assert figures["item_exact"] == 1
    assert [figures[kind]["f1"] for kind in ("allergies", "medications", "conditions")] == [1, 1, 1]
    assert figures["medication_status"] == {"accuracy": 1, "n": 2, "stopped_recall": "1/1"}
    assert figures["no_known_allergies_flag"]["kind_right"] == "1/1"


@pytest.mark.parametrize(
    ("prediction", "error"),
    [
        ({"allergies": ["latex", "penicillin"]}, ("allergies", "FALSE POSITIVE", "latex")),
        ({"medications": ["morphine"]}, ("medications", "FALSE POSITIVE", "morphine")),
        ({}, ("conditions", "MISSED", "hypertension")),
    ],
)
def test_each_error_is_named(prediction: dict[str, list[str]], error: tuple[str, str, str]) -> None:
    figures, errors = score_extraction([ITEM], {"a": prediction}, Synonyms())
    assert ("a", *error) in errors
    assert figures["item_exact"] == 0


def test_denied_allergy_that_is_predicted_is_a_negation_error() -> None:
    figures, _ = score_extraction([ITEM], {"a": {"allergies": ["latex"]}}, Synonyms())
    assert figures["allergies"]["negation_errors"] == 1
