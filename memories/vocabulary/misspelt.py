"""Drug names as people misspell them, for finding only: what resembles a name is never taken for it."""

from functools import cache, lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

from memories.vocabulary.drugs import lookalikes
from memories.vocabulary.lexicon import rows

SHORTEST = 6


@lru_cache(maxsize=8192)
def meant_ingredients(word: str) -> frozenset[str]:
    """The ingredients of the well-known drug names that a word is one slip from, or two from eight letters on."""
    if len(word) < SHORTEST or not word.isalpha() or word in lookalikes():
        return frozenset()
    names = _well_known().get(word[0], {})
    close = process.extract(word, names.keys(), scorer=OSA.distance, score_cutoff=2 if len(word) >= 8 else 1, limit=2)
    return frozenset(ingredient for name, slips, _ in close if slips for ingredient in names[name].split("/"))


@cache
def _well_known() -> dict[str, dict[str, str]]:
    """First letter -> well-known names of one word, with their ingredients. Slips rarely begin a word."""
    names: dict[str, dict[str, str]] = {}
    for row in rows("drugs.tsv.gz"):
        if row["common"] and row["name"].isalpha() and not row["everyday_word"]:
            names.setdefault(row["name"][0], {})[row["name"]] = row["ingredient"].lower()
    return names
