"""Numbers as people say them, in digits: "twenty five", "two point five", "a hundred", "one twenty five"."""

import re
from collections.abc import Sequence

from memories.vocabulary.words import Word, word_list

_ONES = {
    word: number
    for number, word in enumerate(
        word_list(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
            "sixteen seventeen eighteen nineteen"
        )
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate(word_list("twenty thirty forty fifty sixty seventy eighty ninety"), start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000}
#: More digits than any dose, date or measured value has are no number; nor are "12.5.2024" and "\u00b2".
_DIGITS = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_DECIMALS = 6
_FRACTIONS = {"half": "0.5", "quarter": "0.25"}
_BEGIN = frozenset({"a", "point", *_ONES, *_TENS, *_FRACTIONS})


def number_at(words: Sequence[Word], at: int) -> tuple[str, int]:
    """The number that starts at a word, in digits, and where it ends; ("", at) when there is none."""
    here = words[at].norm if at < len(words) else ""
    if here[:1].isdecimal():
        digits = here.replace(",", "")
        return (digits, at + 1) if _DIGITS.fullmatch(digits) else ("", at)
    if here not in _BEGIN:
        return "", at
    if here in _FRACTIONS or (here == "a" and _norm(words, at + 1) in _FRACTIONS):
        return _fraction(words, at)
    value, end = _whole(words, at)
    if _norm(words, end) == "point" or (end > at and _norm(words, end) == "and"):
        return _with_fraction(words, value, at, end)
    if end - at > 1 and _norm(words, end) == "times":
        return _without_times(words, value, at, end)
    return (str(value), end) if end > at else ("", at)


def _without_times(words: Sequence[Word], value: int, at: int, end: int) -> tuple[str, int]:
    """ "Six hundred, three times": the last number counts the times."""
    times = _ONES.get(_norm(words, end - 1), 0)
    return (str(value - times), end - 1) if value > times > 0 else (str(value), end)


def _norm(words: Sequence[Word], at: int) -> str:
    return words[at].norm if at < len(words) else ""


def _whole(words: Sequence[Word], at: int) -> tuple[int, int]:
    """A whole number; hundreds may go unsaid: "two fifty", "one twenty five"."""
    value, end = _below_hundred(words, at)
    if end == at and _norm(words, at) == "a" and _norm(words, at + 1) in _SCALES:
        value, end = 1, at + 1
    if end == at:
        return 0, at
    if 0 < value < 10:
        tens, after = _below_hundred(words, end)
        if after > end and tens >= 10:
            return value * 100 + tens, after
    return _scaled(words, value, end)


def _scaled(words: Sequence[Word], value: int, end: int) -> tuple[int, int]:
    """ "Two" before "thousand five hundred and ten": all of it."""
    total = 0
    while _norm(words, end) in _SCALES:
        total += value * _SCALES[_norm(words, end)]
        begins = end + 2 if _norm(words, end + 1) == "and" else end + 1
        value, after = _below_hundred(words, begins)
        end = after if after > begins else end + 1
        value = value if after > begins else 0
    return total + value, end


def _below_hundred(words: Sequence[Word], at: int) -> tuple[int, int]:
    here = _norm(words, at)
    if here in _ONES:
        return _ONES[here], at + 1
    if here not in _TENS:
        return 0, at
    unit = at + 2 if _norm(words, at + 1) == "-" else at + 1
    if 0 < _ONES.get(_norm(words, unit), 0) < 10:
        return _TENS[here] + _ONES[_norm(words, unit)], unit + 1
    return _TENS[here], at + 1


def _with_fraction(words: Sequence[Word], value: int, at: int, end: int) -> tuple[str, int]:
    """What follows a whole number: "point five", "and a half"."""
    if [word.norm for word in words[end : end + 3]] == ["and", "a", "half"]:
        return f"{value}.5", end + 3
    digits, after = "", end + 1
    while _norm(words, end) == "point" and len(digits) < _DECIMALS and (part := _digits(words, after))[1] > after:
        digits, after = digits + part[0], part[1]
    if digits:
        return f"{value}.{digits}", after
    return (str(value), end) if end > at else ("", at)


def _digits(words: Sequence[Word], at: int) -> tuple[str, int]:
    """The next digits after the point: "five", "twenty five", "25"."""
    said = _norm(words, at)
    if said.isdecimal() and len(said) <= _DECIMALS:
        return said, at + 1
    value, end = _below_hundred(words, at)
    return str(value), end


def _fraction(words: Sequence[Word], at: int) -> tuple[str, int]:
    """ "Half a", "a half", "a quarter of a"."""
    named = at + 1 if words[at].norm == "a" else at
    follows = named + 2 if _norm(words, named + 1) in ("a", "of") else named + 1
    return _FRACTIONS[words[named].norm], follows
