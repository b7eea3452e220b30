"""Patterns over the words of a sentence, with the place of what they find."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from memories.vocabulary.words import Word


def spans(words: Sequence[Word], pattern: re.Pattern[str]) -> Iterator[tuple[int, int, re.Match[str]]]:
    """Each match of a pattern over the lower-case words joined by single spaces, with its words first:last."""
    text = " ".join(word.norm for word in words)
    starts: list[int] = []
    for match in pattern.finditer(text):
        starts = starts or [0, *accumulate(len(word.norm) + 1 for word in words)]
        first = bisect_right(starts, match.start()) - 1
        yield first, bisect_left(starts, match.end(), lo=first), match
