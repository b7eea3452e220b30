"""What a text is about, in terms that lay people and clinicians share: "water pill" and "furosemide" are one topic.

Topics find memories; they decide nothing. They are lexemes of their own kind (`=blood pressure`), so that search
weighs them like words: a topic that half of a patient's memories share says little.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from memories.vocabulary.conditions import listed_conditions
from memories.vocabulary.drugs import drug_names
from memories.vocabulary.lexicon import Lexicon, rows, spoken_forms
from memories.vocabulary.words import Word, words_of


def topics_of_query(text: str) -> set[str]:
    """The topics that a question names: of a drug the ingredient only, since its uses are another question."""
    return {f"={name}" for name in _named(words_of(text))}


def topics_of_memory(text: str) -> set[str]:
    """The topics that a memory names, and those that its drugs are for."""
    named = set(_named(words_of(text)))
    return {f"={name}" for name in named.union(*(_uses().get(name, ()) for name in named))}


def _named(words: Sequence[Word]) -> Iterator[str]:
    for found in _topics().all_in(words):
        yield from found.entry
    for condition in listed_conditions().all_in(words):
        yield condition.entry.lower()
    for drug in drug_names().all_in(words):
        if not drug.entry.everyday_word:
            yield from drug.entry.ingredient.lower().split("/")


@cache
def _topics() -> Lexicon[tuple[str, ...]]:
    """Phrase -> its topics; one phrase may belong to several."""
    phrases: dict[str, list[str]] = {}
    for row in rows("topics.tsv"):
        for said in spoken_forms(row):
            phrases.setdefault(said, []).append(row["name"])
    return Lexicon((said, tuple(names)) for said, names in phrases.items())


@cache
def _uses() -> dict[str, set[str]]:
    """Ingredient -> the topics that it is taken for."""
    uses: dict[str, set[str]] = {}
    for row in rows("topics.tsv"):
        for ingredient in filter(None, row["drugs"].split("; ")):
            uses.setdefault(ingredient, set()).add(row["name"])
    return uses
