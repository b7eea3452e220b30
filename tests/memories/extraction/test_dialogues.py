"""What is found in invented dialogues of many voices: each measure has a floor. `docs/quality.md` has the figures."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from memories.evaluation.names import Synonyms
from memories.evaluation.score_extraction import score_extraction
from memories.vocabulary.lexicon import rows
from tests.memories.extraction.dialogues import dialogues_in, prediction_of

BATCHES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


@cache
def figures() -> Mapping[str, Any]:
    dialogues = [dialogue for batch in BATCHES for dialogue in dialogues_in(batch)]
    predicted = {dialogue["id"]: prediction_of(dialogue) for dialogue in dialogues}
    names = Synonyms((row["name"], row["ingredient"]) for row in rows("drugs.tsv.gz"))
    return score_extraction(dialogues, predicted, names)[0]


@pytest.mark.parametrize(
    ("kind", "missed", "false"), [("allergies", 0.05, 0.05), ("medications", 0.04, 0.04), ("conditions", 0.08, 0.08)]
)
def test_facts_are_found_and_none_made_up(kind: str, missed: float, false: float) -> None:
    counts = figures()[kind]
    stated = counts["tp"] + counts["fn"]
    assert counts["fn"] <= missed * stated
    assert counts["fp"] <= false * stated
    assert counts["negation_errors"] == 0


def test_what_is_taken_is_told_from_what_was_stopped() -> None:
    status = figures()["medication_status"]
    found, stopped = map(int, status["stopped_recall"].split("/"))
    assert status["accuracy"] >= 0.97
    assert found >= 0.88 * stopped


def test_doses_are_found() -> None:
    assert figures()["medication_dose_number"]["accuracy"] >= 0.9


def test_no_known_allergies_is_told_with_its_kind() -> None:
    flag = figures()["no_known_allergies_flag"]
    right, told = map(int, flag["kind_right"].split("/"))
    assert flag["f1"] >= 0.92
    assert right >= 0.9 * told


def test_dialogues_without_allergies_and_medications_yield_none() -> None:
    false, without = map(int, figures()["negative_items_with_a_false_positive"].split("/"))
    assert false <= without / 50


def test_most_dialogues_are_read_without_any_error() -> None:
    assert figures()["item_exact"] >= 0.9
