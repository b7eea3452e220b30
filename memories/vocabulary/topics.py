"""What a text is about, in terms that lay people and clinicians share: "water pill" and "furosemide" are one topic.

Topics find memories; they decide nothing. They are lexemes of their own kind (`=blood pressure`), so that search
weighs them like words: a topic that half of a patient's memories share says little.
"""

from collections.abc import Iterator, Sequence
from functools import cache

from memories.vocabulary.conditions import listed_conditions
from memories.vocabulary.cross_reactivity import Level, relations_of
from memories.vocabulary.drugs import drug_names
from memories.vocabulary.lexicon import Found, Lexicon, rows, spoken_forms
from memories.vocabulary.misspelt import meant_ingredients
from memories.vocabulary.words import Word, words_of

Topics = frozenset[str]

#: The evidence that makes substances alike here.
DOCUMENTED = (Level.SAME, Level.PARTIAL)
#: Words shorter than this, or that end so, are not tried as verbs.
SHORTEST_VERB, ENDED = 4, ("ed", "ing", "ion", "ist", "ness", "ity")


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
            ingredients = drug.entry.ingredient.lower().split("/")
            yield Found(_lexemes(*ingredients).union(*map(_alike, ingredients)), drug.first, drug.last)
    for substance in _substances().all_in(words):
        yield Found(_alike(substance.entry), substance.first, substance.last)


def _lexemes(*names: str) -> Topics:
    return frozenset(f"={name.lower()}" for name in names)


def _alike(substance: str) -> Topics:
    """The groups of substances that people react to alike, so that "Keflex" asks for what is known of cefazolin."""
    relations = relations_of().get(substance, ())
    return _lexemes(*(f"like {one.group}" for one in relations if one.part != "related" and one.level in DOCUMENTED))


@cache
def _substances() -> Lexicon[str]:
    """The names that belong to such groups: "sulfa", "contrast"."""
    return Lexicon((name, name) for name in relations_of())


@cache
def _phrases() -> Lexicon[Topics]:
    """Phrase -> its topics; one phrase may belong to several."""
    phrases: dict[str, dict[str, None]] = {}
    for row in rows("topics.tsv"):
        for said in spoken_forms(row):
            for form in _inflected(said):
                phrases.setdefault(form, {})[row["name"]] = None
    for row in rows("everyday.tsv"):
        if row["kind"] == "occupation":
            phrases.setdefault(row["name"], {})["job"] = None
    return Lexicon((said, _lexemes(*names)) for said, names in phrases.items())


def _inflected(phrase: str) -> list[str]:
    """A phrase of one word also as a verb in the past and in the making: "choke", "choked", "choking"."""
    if not phrase.isalpha() or len(phrase) < SHORTEST_VERB or phrase.endswith(ENDED):
        return [phrase]
    stem = phrase.removesuffix("e")
    return [phrase, f"{stem}ed", f"{stem}ing"]


@cache
def _uses() -> dict[str, set[str]]:
    """Ingredient -> the topics that it is taken for."""
    uses: dict[str, set[str]] = {}
    for row in rows("topics.tsv"):
        for ingredient in filter(None, row["drugs"].split("; ")):
            uses.setdefault(f"={ingredient}", set()).add(f"={row['name']}")
    return uses
