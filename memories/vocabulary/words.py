"""Text as words that know where they stand."""

import re
from dataclasses import dataclass


def word_list(text: str) -> list[str]:
    """The words of a list written as a line: easier to read and to add to than quoted ones."""
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """The words of a set written as a line."""
    return frozenset(text.split())


_WORD = re.compile(r"\[[^\]]{0,200}\]|\d+(?:[.,]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[^\s\w]|_")
_POSSESSIVE = re.compile(r"'s$|(?<=s)'$")
_PRESCRIBED = re.compile(r"mcg|mg|ml|bid|tid|qid|qhs|qd|prn|po")
_PRESCRIPTION = re.compile(rf"(?:{_PRESCRIBED.pattern})+")
_MOST_SPELT = 12
#: So many small letters in a row are an abbreviation, though "a" and "i" be among them: "a c l".
_SURELY_SPELT = 3
#: "'s" after these is "is" or "has", not a possessor.
_CONTRACTED = word_set("he's she's it's that's what's there's here's who's where's how's let's when's")


@dataclass(frozen=True, slots=True)
class Word:
    """One word or mark. `norm` is lower case; `key` is what vocabularies know it by (no possessive 's)."""

    norm: str
    key: str
    start: int
    end: int
    capital: bool = False

    @property
    def is_spelt(self) -> bool:
        """Whether it was spelt letter by letter, as abbreviations are: "C M V"."""
        return len(self.norm) > 1 and self.end - self.start > len(self.norm)

    @property
    def is_mark(self) -> bool:
        return not self.norm[0].isalnum()


def words_of(text: str) -> list[Word]:
    """The words of a text in order; letters spelt apart ("U T I", "M G") are one word."""
    return _joined_letters([_word(match) for match in _WORD.finditer(text)], text)


def key_of(phrase: str) -> tuple[str, ...]:
    """A phrase as the keys of its words, marks left out: how vocabularies store and look up names."""
    return tuple(word.key for word in words_of(phrase) if not word.is_mark)


def _word(match: re.Match[str]) -> Word:
    text = match.group().replace("\u2019", "'")
    norm = text.lower()
    key = norm if norm in _CONTRACTED else _POSSESSIVE.sub("", norm)
    return Word(norm, key, match.start(), match.end(), text[0].isupper())


def _joined_letters(words: list[Word], text: str) -> list[Word]:
    joined: list[Word] = []
    at = 0
    while at < len(words):
        end = _spelt_run(words, at, text)
        joined += _spelt(words[at:end]) if end - at > 1 else [words[at]]
        at = max(end, at + 1)
    return joined


def _spelt_run(words: list[Word], at: int, text: str) -> int:
    """Where a run of single letters that starts at `at` ends; `at` itself when there is none."""
    end = at
    while (
        end < min(at + _MOST_SPELT, len(words)) and _is_letter(words[end]) and words[end].capital == words[at].capital
    ):
        if end > at and text[words[end - 1].end : words[end].start].strip():
            break
        end += 1
    letters = [word.norm for word in words[at:end]]
    if len(letters) == 2 and letters[-1] == "i" and letters != ["m", "i"]:
        return at  # "vitamin D I take": the pronoun
    if not words[at].capital and {"a", "i"} & set(letters) and len(letters) < _SURELY_SPELT:
        return at
    return end if len(letters) > 1 else at


def _is_letter(word: Word) -> bool:
    return len(word.norm) == 1 and word.norm.isalpha() and word.norm.isascii()


def _spelt(run: list[Word]) -> list[Word]:
    """One word, or several where prescriptions run together: "M G B I D" is "mg" and "bid"."""
    letters = "".join(word.norm for word in run)
    parts = _PRESCRIBED.findall(letters) if _PRESCRIPTION.fullmatch(letters) else [letters]
    spelt, at = [], 0
    for part in parts:
        ends = at + len(part)
        spelt.append(Word(part, part, run[at].start, run[ends - 1].end, run[at].capital))
        at = ends
    return spelt
