"""Check candidates against the text they come from. Pure: candidates and text in, candidates and counts out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from memories.choices import CRITICAL_CATEGORIES, Category, Priority
from memories.extraction.candidates import Candidate, Utterance


def is_sourced(candidate: Candidate, utterances: Sequence[Utterance]) -> bool:
    """Whether the quote stands in its turn, word by word, at its place."""
    quote = candidate.quote
    if not (0 <= quote.turn < len(utterances) and 0 <= quote.start < quote.end):
        return False
    return utterances[quote.turn].text[quote.start : quote.end] == quote.text


def with_safe_priority(candidate: Candidate) -> Candidate:
    """An allergy is critical and a medication at least high, whatever an extractor says."""
    if candidate.category == Category.ALLERGY:
        return replace(candidate, priority=Priority.CRITICAL)
    if candidate.category == Category.MEDICATION and candidate.priority == Priority.NORMAL:
        return replace(candidate, priority=Priority.HIGH)
    return candidate


def is_complete(candidate: Candidate) -> bool:
    """Whether a critical candidate carries its details, so that staff and checks can work with it."""
    if candidate.category == Category.ALLERGY:
        return candidate.allergy is not None
    if candidate.category == Category.MEDICATION:
        return candidate.medication is not None and bool(candidate.medication.drug)
    return bool(candidate.content.strip())


def check_candidates(candidates: Iterable[Candidate], utterances: Sequence[Utterance]) -> tuple[list[Candidate], int]:
    """The candidates that rest on words really said, and how many did not."""
    candidates = list(candidates)
    sound = [with_safe_priority(c) for c in candidates if is_complete(c) and is_sourced(c, utterances)]
    return sound, len(candidates) - len(sound)


def critical_only(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.category in CRITICAL_CATEGORIES]
