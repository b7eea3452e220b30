"""Remembering a conversation turn by turn, in its own words, where its sender wants nothing to be made of it."""

from collections.abc import Sequence
from dataclasses import replace

from memories.choices import Category, Kind
from memories.extraction.candidates import Candidate, Quote, Utterance
from memories.reading import Reading
from memories.validation import critical_only

ABOUT_LENGTH = 60


def keep_every_turn(reading: Reading, utterances: Sequence[Utterance]) -> Reading:
    """The reading with its allergies and medications, and each turn that speaks of none as a memory of its own words.

    What is critical is never kept as a mere sentence: as such nobody would review it.
    """
    critical = critical_only(reading.candidates)
    spoken_for = {candidate.quote.turn for candidate in critical}
    verbatim = (
        _as_said(place, utterance.text, _read_from(place, reading))
        for place, utterance in enumerate(utterances)
        if place not in spoken_for
    )
    return replace(reading, candidates=(*critical, *verbatim))


def _read_from(place: int, reading: Reading) -> Candidate | None:
    """What was read from the turn at this place, if it is one thing."""
    found = [candidate for candidate in reading.candidates if candidate.quote.turn == place and not candidate.denied]
    return found[0] if len(found) == 1 else None


def _as_said(place: int, text: str, read: Candidate | None) -> Candidate:
    words = text.strip()
    start = text.index(words)
    quote = Quote(place, start, start + len(words), words)
    if read:
        return replace(read, content=words, quote=quote)
    about = " ".join(words.split())[:ABOUT_LENGTH]
    return Candidate(Category.OBSERVATION, about=about, content=words, quote=quote, kind=Kind.EPISODIC)
