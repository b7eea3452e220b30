"""Everyday words that tell lasting facts: languages and occupations. Own lists, CC0-1.0."""

from functools import cache

from memories.vocabulary.lexicon import Lexicon, rows


@cache
def languages() -> frozenset[str]:
    """The names of languages, in lower case."""
    return frozenset(row["name"] for row in rows("everyday.tsv") if row["kind"] == "language")


@cache
def occupations() -> Lexicon[str]:
    """The names of occupations."""
    return Lexicon((row["name"], row["name"]) for row in rows("everyday.tsv") if row["kind"] == "occupation")
