"""Drug names, the ingredient behind them, and the lay names of drug classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from memories.vocabulary.lexicon import Found, Lexicon, rows, spoken_forms
from memories.vocabulary.spelling import nearest
from memories.vocabulary.words import Word


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug name. `ingredient` joins several by "/". `everyday_word` names also mean something else."""

    name: str
    ingredient: str
    everyday_word: bool = False


@dataclass(frozen=True, slots=True)
class DrugClass:
    """A class by a lay name: "water pill" is a diuretic. `generic`: "" or when it says too little to be a fact
    alone: "always" ("antibiotics"), "unless taken" ("an inhaler").
    """

    name: str
    generic: str = ""


def ingredient_of(name: str) -> str | None:
    """The ingredient behind a drug name, by exact match only; None when it is not known."""
    drug = drug_names().exactly(name)
    return drug.ingredient if drug else None


def find_drugs(words: Sequence[Word]) -> list[Found[Drug]]:
    """The drug names in a text."""
    return list(drug_names().all_in(words))


def resembling(name: str) -> str:
    """The well-known drug name that a misspelt one is closest to, or "". A question for a person, never an answer."""
    return "" if name.lower() in lookalikes() else nearest(name.lower(), _common_names())


def high_alert_class(ingredient: str) -> str:
    """The high-alert class of an ingredient, combination or class name, or ""."""
    listed = (_high_alert().get(part) for part in ingredient.lower().split("/"))
    return next((name for name in listed if name), "")


@cache
def drug_names() -> Lexicon[Drug]:
    return Lexicon((row["name"], _drug(row)) for row in rows("drugs.tsv.gz"))


@cache
def drug_classes() -> Lexicon[DrugClass]:
    return Lexicon(
        (said, DrugClass(row["name"], row["generic"])) for row in rows("drug_classes.tsv") for said in spoken_forms(row)
    )


def _drug(row: dict[str, str]) -> Drug:
    return Drug(row["name"], row["ingredient"], bool(row["everyday_word"]))


@cache
def _common_names() -> dict[str, list[str]]:
    """Well-known single-word names by first letter."""
    names: dict[str, list[str]] = {}
    for row in rows("drugs.tsv.gz"):
        if row["common"] and row["name"].isalpha():
            names.setdefault(row["name"][0], []).append(row["name"])
    return names


@cache
def lookalikes() -> frozenset[str]:
    """Everyday words within two slips of a drug's name: "different" is not Differin."""
    return frozenset(row["name"] for row in rows("everyday_lookalikes.tsv"))


@cache
def _high_alert() -> dict[str, str]:
    return {row["ingredient"]: row["class"] for row in rows("high_alert.tsv")}
