"""Whether two sentences that are alike say different things: mornings against evenings, with against without."""

import re
from functools import cache

from memories.vocabulary.lexicon import rows

_NEGATIONS = frozenset({"not", "no", "never", "none", "cannot", "neither", "nor", "without"})


def contrasts(one: str, other: str) -> bool:
    """Whether one sentence negates the other, has other numbers, or a word where the other has its opposite."""
    mine, theirs = _words(one), _words(other)
    if _is_negated(mine) != _is_negated(theirs):
        return True
    only_mine, only_theirs = mine - theirs, theirs - mine
    if any(map(_has_digit, only_mine)) or any(map(_has_digit, only_theirs)):
        return True
    sides, other_sides = _sides(only_mine), _sides(only_theirs)
    return any(side != other_sides.get(scale, side) for scale, side in sides.items())


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w'/.-]+", text.lower().replace("’", "'").rstrip(".!?")))  # noqa: RUF001 because people type it


def _is_negated(words: set[str]) -> bool:
    return bool(words & _NEGATIONS) or any(word.endswith("n't") for word in words)


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _sides(words: set[str]) -> dict[int, int]:
    """Scale -> side, for the words that stand on one."""
    return {scale: side for word, (scale, side) in _places().items() if word in words}


@cache
def _places() -> dict[str, tuple[int, int]]:
    return {
        word: (scale, side)
        for scale, row in enumerate(rows("contrasts.tsv"))
        for side, words in enumerate(row["words"].split("|"))
        for word in words.split()
    }
