"""A conversation as sentences and clauses, each with its words and its place."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeVar

from memories.choices import SpeakerRole
from memories.extraction.candidates import Quote, Utterance
from memories.vocabulary.words import Word, word_set, words_of

Found = TypeVar("Found")
_STOPS = frozenset(".?!…")
_ABBREVIATIONS = word_set("dr mr mrs ms st vs e.g i.e approx")
_SUBJECTS = word_set("i he she we they it you i'm i've i'll i'd he's she's it's they're we're there's that's")
_JOINS = word_set("but and so or because then which although though while since when")
_INVERTED = word_set("do does did are is have has were was can could would")
_ASKED = word_set("you he she they there your")
_NAMING = word_set("the your that this and his her")
_IT = word_set("it that them those")
_FRONTED = 8
#: Words in a sentence at most; what runs on is read in pieces, so that the time taken grows with the text alone.
_LONGEST = 64
_ALWAYS = word_set("but because although though except")

ROLES = {
    "doctor": SpeakerRole.CLINICIAN,
    "physician": SpeakerRole.CLINICIAN,
    "nurse": SpeakerRole.CLINICIAN,
    "clinician": SpeakerRole.CLINICIAN,
    "therapist": SpeakerRole.CLINICIAN,
    "pharmacist": SpeakerRole.CLINICIAN,
    "guest_clinician": SpeakerRole.CLINICIAN,
    "patient": SpeakerRole.PATIENT,
    "client": SpeakerRole.PATIENT,
    "guest_family": SpeakerRole.CAREGIVER,
    "caregiver": SpeakerRole.CAREGIVER,
    "carer": SpeakerRole.CAREGIVER,
    "aide": SpeakerRole.CAREGIVER,
    "family": SpeakerRole.CAREGIVER,
    "daughter": SpeakerRole.CAREGIVER,
    "son": SpeakerRole.CAREGIVER,
    "wife": SpeakerRole.CAREGIVER,
    "husband": SpeakerRole.CAREGIVER,
    "sister": SpeakerRole.CAREGIVER,
    "brother": SpeakerRole.CAREGIVER,
    "niece": SpeakerRole.CAREGIVER,
    "nephew": SpeakerRole.CAREGIVER,
    "neighbor": SpeakerRole.CAREGIVER,
    "assistant": SpeakerRole.AGENT,
    "agent": SpeakerRole.AGENT,
}


def role_of(speaker_label: str) -> SpeakerRole:
    """What a speaker is, by the label that a source gave: "Nurse" and "Nurse 2" are clinicians; else unknown."""
    label = re.sub(r"[\W\d]+$", "", speaker_label.strip().lower()).replace(" ", "_")
    return ROLES.get(label, SpeakerRole.UNKNOWN)


@dataclass(frozen=True, eq=False)
class Sentence:
    """One sentence: words[...] with offsets into the turn's text. `number` counts through the conversation.

    `continues`: the words before it, of a sentence that ran on for too long and was parted.
    """

    number: int
    turn: int
    speaker: str
    role: str
    words: tuple[Word, ...]
    text: str
    continues: "Sentence | None" = None
    _found: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False)

    def once(self, find: Callable[["Sentence"], Found]) -> Found:
        """What `find` makes of it, looked up once only: several kinds of fact ask for the same names."""
        if find not in self._found:
            self._found[find] = find(self)
        return self._found[find]

    @cached_property
    def norms(self) -> tuple[str, ...]:
        return tuple(word.norm for word in self.words)

    @cached_property
    def plain(self) -> str:
        """Its words in lower case, marks left out, with a space on either side: for phrase look-up."""
        return f" {' '.join(word.norm for word in self.words if not word.is_mark)} "

    @property
    def asks(self) -> bool:
        """Whether it ends in a question mark."""
        return self.words[-1].norm == "?"

    @cached_property
    def clauses(self) -> tuple[tuple[int, int], ...]:
        """Its clauses as (first, last) word numbers, last excluded."""
        cuts = [
            0,
            *(at for at in range(1, len(self.words)) if _starts_clause(self.words, at)),
            len(self.words),
        ]
        return tuple(pairwise(cuts))

    def clause_of(self, at: int) -> tuple[int, int]:
        return next((first, last) for first, last in self.clauses if first <= at < last)

    def says(self, *phrases: str) -> bool:
        """Whether any of the phrases stands in it as whole words."""
        return any(f" {phrase} " in self.plain for phrase in phrases)

    def quote(self, first: int = 0, last: int | None = None) -> Quote:
        """The words first:last as a quote, without a mark at either end."""
        words = list(self.words[first:last])
        while len(words) > 1 and words[-1].is_mark and words[-1].norm not in ")%":
            words.pop()
        start, end = words[0].start, words[-1].end
        return Quote(self.turn, start, end, self.text[start:end])


def read(utterances: Sequence[Utterance]) -> list[Sentence]:
    """The sentences of a conversation in order; a turn without words has none."""
    sentences: list[Sentence] = []
    for turn, said in enumerate(utterances):
        ran_on = False
        for words in _sentences(words_of(said.text), said.text):
            before = sentences[-1] if ran_on else None
            sentences.append(Sentence(len(sentences), turn, said.speaker, said.role, tuple(words), said.text, before))
            ran_on = words[-1].norm not in _STOPS and len(words) > _LONGEST // 2
    return sentences


def _sentences(words: list[Word], text: str) -> Iterator[list[Word]]:
    begun: list[Word] = []
    for at, word in enumerate(words):
        if begun and "\n" in text[begun[-1].end : word.start]:
            yield from _worded(begun)
            begun = []
        if len(begun) > 3 and _turns_to_asking(words, at) and not _asks_of_it(begun, words[at : at + _LONGEST]):
            yield from _worded(begun)
            begun = []
        begun.append(word)
        if word.norm in _STOPS and not _abbreviates(words, at):
            yield from _worded(begun)
            begun = []
        elif len(begun) == _LONGEST:
            cut = _breath(begun)
            yield from _worded(begun[:cut])
            begun = begun[cut:]
    yield from _worded(begun)


def _breath(words: list[Word]) -> int:
    """Where to part words that run on: before the last clause of the second half, or else at its last join."""
    later = range(len(words) - 1, len(words) // 2, -1)
    clause = next((at for at in later if _starts_clause(words, at)), None)
    joined = next((at for at in later if words[at].norm in _JOINS or words[at - 1].norm == ","), len(words))
    return joined if clause is None else clause


def _turns_to_asking(words: list[Word], at: int) -> bool:
    """Whether a question begins after a comma: "I see you have asthma, | do you take anything for it?"."""
    following = [word.norm for word in words[at : at + 2]]
    is_tag = at + 2 < len(words) and words[at + 2].norm == "?"  # "..., do you?" belongs to what it asks
    turns = words[at - 1].norm == "," and len(following) == 2 and not is_tag
    return turns and following[0] in _INVERTED and following[1] in _ASKED


def _asks_of_it(named: list[Word], question: list[Word]) -> bool:
    """Whether a question asks of what stands before it alone: "The ibuprofen I see here, are you taking that?"."""
    first = named[0].norm if len(named) <= _FRONTED else ""
    ends = next((at for at, word in enumerate(question) if word.norm in _STOPS), len(question))
    asked = {word.norm for word in question[:ends]}
    return first in _NAMING and bool(asked & _IT) and not _INVERTED & {word.norm for word in named}


def _worded(words: list[Word]) -> Iterator[list[Word]]:
    if any(not word.is_mark for word in words):
        yield words


def _abbreviates(words: list[Word], at: int) -> bool:
    """Whether a full stop belongs to "Dr." or to "p.m." in the middle of a sentence."""
    if words[at].norm != "." or at == 0 or at + 1 == len(words):
        return False
    before, after = words[at - 1], words[at + 1]
    if before.norm == "no":  # "No. 5" is a number, "no." an answer
        return after.norm.isdigit()
    is_initial = len(before.norm) == 1 and before.capital and before.norm not in ("i", "a")
    return (
        before.norm in _ABBREVIATIONS
        or (len(before.norm) == 1 and after.start == words[at].end)
        or (is_initial and not after.capital)
    )


def _starts_clause(words: Sequence[Word], at: int) -> bool:
    """Whether a new statement starts here: "..., but", "; ", "and I", ", he"."""
    before, here = words[at - 1].norm, words[at].norm
    if before in (";", ":") or here in _ALWAYS:
        return True
    if here in _JOINS and at + 1 < len(words):
        return words[at + 1].norm in _SUBJECTS or (before == "," and here in ("so", "then", "which"))
    return before == "," and here in _SUBJECTS
