"""What a text is about, in terms that lay people and clinicians share: "water pill" and "furosemide" are one topic.

Topics find memories; they decide nothing. They are lexemes of their own kind (`=blood pressure`), so that search
weighs them like words: a topic that half of a patient's memories share says little.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from memories.vocabulary.conditions import listed_conditions
from memories.vocabulary.drugs import drug_names
from memories.vocabulary.lexicon import Found, Lexicon, rows, spoken_forms
from memories.vocabulary.misspelt import meant_ingredients
from memories.vocabulary.words import Word, words_of

Topics = frozenset[str]


def topics_of_memory(text: str) -> Topics:
    """The topics that a memory names, and those that its drugs are for."""
    words = words_of(text)
    named = {topic for found in find_topics(words) for topic in found.entry}
    guessed = {topic for word in words for topic in guessed_topics(word)}
    return frozenset(named.union(guessed, *(_uses().get(topic, ()) for topic in named)))


def find_topics(words: Sequence[Word]) -> list[Found[Topics]]:
    """The phrases of a text that name topics, in order. Of a drug it is the ingredient only: "lisinopril" does not
    ask for everything about blood pressure. Phrases that overlap are one, with the topics of both.
    """
    merged: list[Found[Topics]] = []
    for found in sorted(_named(words), key=lambda found: (found.first, -found.last)):
        before = merged[-1] if merged else None
        if before and found.first < before.last:
            merged[-1] = Found(before.entry | found.entry, before.first, max(before.last, found.last))
        else:
            merged.append(found)
    return merged


def guessed_topics(word: Word) -> Topics:
    """The ingredients that a word may be a misspelling of."""
    return frozenset() if drug_names().exactly(word.key) else _lexemes(*meant_ingredients(word.key))


def _named(words: Sequence[Word]) -> Iterator[Found[Topics]]:
    yield from _phrases().all_in(words)
    for condition in listed_conditions().all_in(words):
        yield Found(_lexemes(condition.entry), condition.first, condition.last)
    for drug in drug_names().all_in(words):
        if not drug.entry.everyday_word:
            yield Found(_lexemes(*drug.entry.ingredient.split("/")), drug.first, drug.last)


def _lexemes(*names: str) -> Topics:
    return frozenset(f"={name.lower()}" for name in names)


@cache
def _phrases() -> Lexicon[Topics]:
    """Phrase -> its topics; one phrase may belong to several."""
    phrases: dict[str, list[str]] = {}
    for row in rows("topics.tsv"):
        for said in spoken_forms(row):
            phrases.setdefault(said, []).append(row["name"])
    return Lexicon((said, _lexemes(*names)) for said, names in phrases.items())


@cache
def _uses() -> dict[str, set[str]]:
    """Ingredient -> the topics that it is taken for."""
    uses: dict[str, set[str]] = {}
    for row in rows("topics.tsv"):
        for ingredient in filter(None, row["drugs"].split("; ")):
            uses.setdefault(f"={ingredient}", set()).add(f"={row['name']}")
    return uses
