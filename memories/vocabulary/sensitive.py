"""Which sensitive matters a sentence speaks of."""

from functools import cache

from memories.vocabulary.lexicon import Lexicon, rows
from memories.vocabulary.words import words_of


def sensitive_topics_of(text: str) -> frozenset[str]:
    """The topics that a text names: "religion", "sexuality", "hiv", ... as in `data/sensitive.tsv`."""
    return frozenset(found.entry for found in _phrases().all_in(words_of(text)))


def known_topics() -> frozenset[str]:
    return frozenset(row["topic"] for row in rows("sensitive.tsv"))


@cache
def _phrases() -> Lexicon[str]:
    return Lexicon((phrase, row["topic"]) for row in rows("sensitive.tsv") for phrase in row["said_as"].split("; "))
