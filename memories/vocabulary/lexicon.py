"""Names of one or more words, found in running text by longest match."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from memories.vocabulary.words import Word, key_of

T = TypeVar("T")
DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An entry that stands in a text: words[first:last] (last excluded)."""

    entry: T
    first: int
    last: int


class Lexicon(Generic[T]):
    """Phrases -> entries, looked up word by word. A plural finds its singular."""

    def __init__(self, phrases: Iterable[tuple[str, T]]) -> None:
        self._starts: dict[str, list[tuple[tuple[str, ...], T]]] = {}
        for phrase, entry in phrases:
            key = key_of(phrase)
            if key:
                self._starts.setdefault(key[0], []).append((key[1:], entry))
        for tails in self._starts.values():
            tails.sort(key=lambda tail: -len(tail[0]))

    def exactly(self, phrase: str) -> T | None:
        """The entry of this very phrase, or None."""
        key = key_of(phrase)
        found = self.at([Word(part, part, 0, 0) for part in key], 0) if key else None
        return found.entry if found and found.last == len(key) else None

    def at(self, words: Sequence[Word], first: int) -> Found[T] | None:
        """The longest phrase that starts at this word, or None."""
        for head in singulars(words[first].key):
            for tail, entry in self._starts.get(head, ()):
                last = _follow(words, first + 1, tail)
                if last:
                    return Found(entry, first, last)
        return None

    def all_in(self, words: Sequence[Word]) -> Iterator[Found[T]]:
        """Every phrase in the text, longest first at each place, none inside another."""
        at = 0
        while at < len(words):
            found = self.at(words, at)
            if found:
                yield found
            at = found.last if found else at + 1


def rows(filename: str) -> Iterator[dict[str, str]]:
    """The rows of a vocabulary file (tab-separated, gzipped or not)."""
    path = DATA / filename
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)


def spoken_forms(row: dict[str, str]) -> list[str]:
    """A row's name and the other ways of saying it."""
    return [row["name"], *(said for said in row["said_as"].split("; ") if said)]


def _follow(words: Sequence[Word], at: int, tail: tuple[str, ...]) -> int:
    """Where the rest of a phrase ends when it starts at `at` (hyphens and the stop of an initial ignored), else 0."""
    for key in tail:
        if at < len(words) and (words[at].norm == "-" or _abbreviates(words, at)):
            at += 1
        if at >= len(words) or key not in singulars(words[at].key):
            return 0
        at += 1
    return at


def _abbreviates(words: Sequence[Word], at: int) -> bool:
    """The full stop of "C. diff"."""
    return words[at].norm == "." and len(words[at - 1].norm) == 1 and words[at].start == words[at - 1].end


def singulars(key: str) -> tuple[str, ...]:
    """A word and what it may be the plural of."""
    if len(key) < 4 or not key.endswith("s") or key.endswith("ss"):
        return (key,)
    if key.endswith("ies"):
        return (key, key[:-3] + "y")
    return (key, key[:-1], key[:-2]) if key.endswith("es") else (key, key[:-1])
