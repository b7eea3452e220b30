"""What the vocabularies know, and what they must not take for a drug or a disease."""

import csv
import gzip
import io

import pytest

from memories.vocabulary.allergens import allergens
from memories.vocabulary.conditions import find_conditions, listed_conditions
from memories.vocabulary.drugs import drug_classes, find_drugs, high_alert_class, ingredient_of, resembling
from memories.vocabulary.lexicon import DATA
from memories.vocabulary.words import key_of, words_of


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [
        ("Tylenol", "acetaminophen"),
        ("Augmentin", "amoxicillin/clavulanate"),
        ("paracetamol", "acetaminophen"),
        ("LIPITOR", "atorvastatin"),
        ("pen-vee k", "penicillin"),
        ("baby aspirin", "aspirin"),
        ("lisinipril", None),
        ("choice", None),
        ("", None),
    ],
)
def test_the_ingredient_behind_a_name(name: str, ingredient: str | None) -> None:
    assert ingredient_of(name) == ingredient


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("lisinipril", "lisinopril"),
        ("amoxicilin", "amoxicillin"),
        ("metformin", ""),
        ("chair", ""),
        ("yesterday", ""),
    ],
)
def test_a_misspelt_name_resembles_one_or_none(heard: str, meant: str) -> None:
    assert resembling(heard) == meant


@pytest.mark.parametrize(
    "text", ["Let me tell you, life is a challenge.", "Amanda wins the price.", "That was a good choice."]
)
def test_everyday_words_are_no_drugs(text: str) -> None:
    assert find_drugs(words_of(text)) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("sugar diabetes and high blood pressure", ["diabetes", "hypertension"]),
        ("a papillary serous carcinoma", ["papillary serous carcinoma"]),
        ("an A Fib and a U T I", ["atrial fibrillation", "urinary tract infection"]),
        ("Mrs. Parkinson has Parkinson's", ["Parkinson's disease"]),
        ("the prognosis and the diagnosis", []),
    ],
)
def test_conditions_in_a_text(text: str, names: list[str]) -> None:
    assert [one.entry for one in find_conditions(words_of(text))] == names


def test_high_alert_reaches_into_combinations() -> None:
    assert high_alert_class("hydrocodone/acetaminophen") == "opioid"
    assert high_alert_class("acetaminophen") == ""


def test_lay_names_of_classes_and_allergens() -> None:
    water_pill, nuts = drug_classes().exactly("water pills"), allergens().exactly("cashews")

    assert water_pill
    assert nuts
    assert (water_pill.name, nuts.name) == ("diuretic", "tree nuts")


def test_letters_spelt_apart_are_one_word() -> None:
    assert key_of("twenty M G of vitamin D I take") == ("twenty", "mg", "of", "vitamin", "d", "i", "take")


def test_a_plural_finds_its_singular() -> None:
    assert listed_conditions().exactly("migraines") == listed_conditions().exactly("migraine") == "migraine"


@pytest.mark.parametrize("path", sorted(DATA.glob("*.tsv*")), ids=lambda path: path.name)
def test_every_row_names_its_source_and_licence(path) -> None:  # type: ignore[no-untyped-def]
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))

    assert rows
    assert all(row["source"] and row["licence"] for row in rows)
