"""What a language model says, made safe to show: no allergy and no medication without its status, no made-up source.

Nothing here asks a model. Each sentence is checked on its own, so that an answer can be shown while it is being given.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from memories.choices import Category, VerificationStatus
from memories.models import Memory
from memories.prompting import (
    CRITICAL_NOT_LOADED,
    NO_MEDICATION,
    is_substance_allergy,
    known_allergies_line,
    status_and_age,
    with_status,
)
from memories.vocabulary.allergens import allergens
from memories.vocabulary.drugs import find_drugs
from memories.vocabulary.words import key_of, words_of
from patients.models import KnownAllergies, Patient

_SENTENCE = re.compile(r"[^\n]*?[.!?][\"')\]]*(?:\s?\[[^\]\n]{0,60}\])*(?=\s)\s+(?!\[)|[^\n]*\n\s*")
_REFERENCES = re.compile(r"[ \t]?\[((?:[mp]\d{1,4})(?:\s*[,;]\s*[mp]\d{1,4})*)\]")
_OF_ALLERGIES = re.compile(r"\b(?:allerg|anaphyla|intoleran)|\breact(?:s|ed|ion|ions)? to\b", re.IGNORECASE)
_OF_MEDICATIONS = re.compile(
    r"\b(?:medicat|medicine|meds\b|pills?\b|drugs?\b|prescri|tablets?\b|capsules?\b|doses?\b|dosage)", re.IGNORECASE
)
_NEGATES_ALLERGY = re.compile(
    r"\b(?:no|not|never|without|none|nkda|nka)\b[^.;]{0,60}\ballerg|\ballerg\w*[^.;]{0,20}\b(?:none|no|unlikely)\b"
    r"|n['\u2019]t[^.;]{0,40}\ballerg|\bnkd?a\b",
    re.IGNORECASE,
)
_SAYS_CONFIRMED = re.compile(r"(?<![a-z-])(?:confirmed|verified)\b", re.IGNORECASE)
_UN = re.compile(
    r"\b(?:not|un|never|isn['\u2019]t|yet to be)[ -]?(?:been |yet )*(?:confirmed|verified)\b", re.IGNORECASE
)


def sentences(pieces: Iterable[str]) -> Iterator[str]:
    """Sentences with the space after them, as soon as each is whole. Joined, they are the pieces joined."""
    held = ""
    for piece in pieces:
        held += piece
        while (match := _SENTENCE.match(held)) and match.end() < len(held):
            yield match.group()
            held = held[match.end() :]
    if held:
        yield held


class Guard:
    """Checks the sentences of one answer about one patient.

    `critical` are the live allergies and medications, or None if they could not be read; `references` the short ids of
    the context ("m1") with the memories they stand for. `cited` are those that the checked sentences rest on.
    """

    def __init__(
        self, patient: Patient, critical: Sequence[Memory] | None, references: Mapping[str, UUID], question: str = ""
    ) -> None:
        self.patient = patient
        self.critical = list(critical or [])
        self.is_loaded = critical is not None
        self.references = references
        self.short = {key: reference for reference, key in references.items()}
        self.cited: dict[str, UUID] = {}
        self.told: set[UUID] = set()
        self.is_of_allergies = self.is_of_medications = False
        self._notice(question)
        self.is_of_allergies = self.is_of_allergies or bool(find_drugs(words_of(question)))

    def checked(self, sentence: str) -> str:
        """The sentence as it may be shown, with the space that was after it."""
        said = sentence.rstrip()
        space = sentence[len(said) :]
        said = _REFERENCES.sub(self._known_references, said)
        self._notice(said)
        named = self._named(said)
        if wrong := self._wrong(said, named):
            return " ".join(wrong) + (space or " ")
        notes = [f"{memory.about}: {status_and_age(memory)}" for memory in named if not self._is_stated(said, memory)]
        notes += [f"{drug}: not on record" for drug in self._strangers(said)]
        self.told |= {memory.pk for memory in named}
        return said + (f" ({'; '.join(notes)})" if notes else "") + space

    def ending(self) -> str:
        """What an answer about allergies or medications must not leave out: the record, each item with its status."""
        if not (self.is_of_allergies or self.is_of_medications):
            return ""
        if not self.is_loaded:
            return CRITICAL_NOT_LOADED
        lines = [*self._allergies_left_out(), *self._medications_left_out()]
        return f"On record: {' '.join(lines)}" if lines else ""

    # --- a sentence ------------------------------------------------------------------------------------------------

    def _notice(self, text: str) -> None:
        self.is_of_allergies = self.is_of_allergies or bool(_OF_ALLERGIES.search(text))
        self.is_of_medications = self.is_of_medications or bool(_OF_MEDICATIONS.search(text))

    def _known_references(self, match: re.Match[str]) -> str:
        names = [name for name in re.findall(r"m\d+", match[1]) if name in self.references]
        self.cited |= {name: self.references[name] for name in names}
        return f" [{', '.join(names)}]" if names else ""

    def _named(self, said: str) -> list[Memory]:
        """The critical memories that a sentence names, or cites."""
        words = words_of(said)
        keys = [word.key for word in words]
        known = {found.entry.ingredient.casefold() for found in find_drugs(words)}
        known |= {found.entry.name.casefold() for found in allergens().all_in(words)}
        cited = {self.references[name] for name in re.findall(r"\bm\d+\b", said) if name in self.references}
        return [memory for memory in self.critical if memory.pk in cited or _is_named(memory, keys, known)]

    def _wrong(self, said: str, named: Sequence[Memory]) -> list[str]:
        """What the record says instead, where a sentence denies an allergy or claims a decision that nobody made."""
        if _NEGATES_ALLERGY.search(said):
            denied = [memory for memory in named if memory.category == Category.ALLERGY]
            if denied or not (self._strangers(said) or self._asserts_none()):
                return self._lines(denied) if denied else self._allergies()
        unconfirmed = [m for m in named if m.verification_status != VerificationStatus.CONFIRMED]
        if unconfirmed and _SAYS_CONFIRMED.search(_UN.sub("", said)):
            return self._lines(named)
        return []

    def _asserts_none(self) -> bool:
        none_known = (KnownAllergies.NONE_KNOWN, KnownAllergies.NO_DRUG_KNOWN)
        return self.is_loaded and self.patient.known_allergies_status in none_known

    def _is_stated(self, said: str, memory: Memory) -> bool:
        return status_and_age(memory).casefold() in said.casefold()

    def _strangers(self, said: str) -> list[str]:
        """The drugs in a sentence that are not on record, by the word used."""
        on_record = {_ingredient(memory) for memory in self.critical}
        words = words_of(said)
        named = {
            said[words[found.first].start : words[found.last - 1].end]: found.entry
            for found in find_drugs(words)
            if not found.entry.everyday_word
        }
        return [word for word, drug in named.items() if drug.ingredient.casefold() not in on_record]

    # --- the record ------------------------------------------------------------------------------------------------

    def _lines(self, memories: Iterable[Memory]) -> list[str]:
        lines = []
        for memory in memories:
            self.told.add(memory.pk)
            reference = self.short.get(memory.pk)
            if reference:
                self.cited[reference] = memory.pk
            lines.append(with_status(memory) + (f" [{reference}]" if reference else ""))
        return lines

    def _allergies(self) -> list[str]:
        if not self.is_loaded:
            return [CRITICAL_NOT_LOADED]
        listed = [memory for memory in self.critical if is_substance_allergy(memory)]
        asserted = known_allergies_line(self.patient, self.critical)
        return [*filter(None, [asserted]), *self._lines(listed)]

    def _allergies_left_out(self) -> list[str]:
        if not self.is_of_allergies:
            return []
        allergies = [memory for memory in self.critical if memory.category == Category.ALLERGY]
        asserted = known_allergies_line(self.patient, self.critical)
        return [*filter(None, [asserted]), *self._lines(m for m in allergies if m.pk not in self.told)]

    def _medications_left_out(self) -> list[str]:
        if not self.is_of_medications:
            return []
        medications = [memory for memory in self.critical if memory.category == Category.MEDICATION]
        left_out = [memory for memory in medications if memory.pk not in self.told]
        return self._lines(left_out) if medications else [NO_MEDICATION]


def _ingredient(memory: Memory) -> str:
    detail = getattr(memory, str(memory.category), None)
    return (getattr(detail, "ingredient", "") or memory.about).casefold()


def _is_named(memory: Memory, keys: Sequence[str], known: set[str]) -> bool:
    """Whether the words of a sentence, or what the vocabulary knows of them, name what this memory is about."""
    if _ingredient(memory) in known:
        return True
    detail = getattr(memory, str(memory.category), None)
    names = (memory.about, getattr(detail, "substance", ""), getattr(detail, "drug", ""), getattr(detail, "guess", ""))
    return any(_stands_in(key_of(name), keys) for name in names if name)


def _stands_in(name: tuple[str, ...], keys: Sequence[str]) -> bool:
    return bool(name) and any(tuple(keys[at : at + len(name)]) == name for at in range(len(keys) - len(name) + 1))
