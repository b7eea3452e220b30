"""Numbers as people say them, in digits: "twenty five", "two point five", "a hundred", "one and a half"."""

from collections.abc import Sequence

from memories.vocabulary.words import Word

_ONES = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * number
    for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2)
}
_SCALES = {"hundred": 100, "thousand": 1000}
_FRACTIONS = {"half": "0.5", "quarter": "0.25"}


def number_at(words: Sequence[Word], at: int) -> tuple[str, int]:
    """The number that starts at a word, in digits, and where it ends; ("", at) when there is none."""
    if at < len(words) and words[at].norm[0].isdigit():
        return words[at].norm.replace(",", "") if words[at].norm.count(",") else words[at].norm, at + 1
    if at + 1 < len(words) and words[at].norm in ("half", "a", "quarter"):
        return _fraction(words, at)
    value, end = _whole(words, at)
    if end == at and not (at < len(words) and words[at].norm == "point"):
        return "", at
    return _with_decimals(words, value, end)


def _whole(words: Sequence[Word], at: int) -> tuple[int, int]:
    total, part, end, last = 0, 0, at, ""
    while end < len(words):
        word = words[end].norm
        kind = "tens" if word in _TENS else "ones" if word in _ONES else "scale" if word in _SCALES else ""
        if word == "-" and last == "tens" and end + 1 < len(words) and words[end + 1].norm in _ONES:
            end += 1
            continue
        if (
            word == "and"
            and last == "scale"
            and end + 1 < len(words)
            and words[end + 1].norm in (_ONES | _TENS)
        ):
            end += 1
            continue
        if last == "ones" and 0 < part < 10 and total == 0 and _is_tens(word):
            total, part = part * 100, 0  # "two fifty", "one twenty five"
        elif not kind or not _may_follow(kind, last, word):
            break
        if kind == "scale":
            total, part = (total + (part or 1) * _SCALES[word], 0)
        else:
            part = part + (_TENS.get(word) or _ONES.get(word, 0))
        end, last = end + 1, kind
    return total + part, end


def _is_tens(word: str) -> bool:
    return word in _TENS or _ONES.get(word, 0) >= 10


def _may_follow(kind: str, last: str, word: str) -> bool:
    if kind == "scale":
        return last in ("ones", "tens")
    if kind == "ones":
        return last in ("", "scale") or (last == "tens" and 0 < _ONES[word] < 10)
    return last in ("", "scale")


def _with_decimals(words: Sequence[Word], value: int, end: int) -> tuple[str, int]:
    digits = ""
    at = end + 1
    if end < len(words) and words[end].norm == "point":
        while at < len(words) and (
            words[at].norm in _ONES or words[at].norm in _TENS or words[at].norm.isdigit()
        ):
            part, after = (
                _whole(words, at)
                if words[at].norm in _TENS
                else (_ONES.get(words[at].norm, words[at].norm), at + 1)
            )
            digits, at = digits + str(part), after
    if digits:
        return f"{value}.{digits}", at
    if end < len(words) and words[end].norm == "point" and not value:
        return "", end
    following = [word.norm for word in words[end : end + 3]]
    if following == ["and", "a", "half"]:
        return f"{value}.5", end + 3
    return str(value), end


def _fraction(words: Sequence[Word], at: int) -> tuple[str, int]:
    if words[at].norm in _FRACTIONS:
        return _FRACTIONS[words[at].norm], at + 2 if words[at + 1].norm in ("a", "of") else at + 1
    if words[at + 1].norm in _FRACTIONS:
        return _FRACTIONS[words[at + 1].norm], at + 2
    if words[at + 1].norm in _SCALES:
        return str(_SCALES[words[at + 1].norm]), at + 2
    return "", at
