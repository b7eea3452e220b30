"""Check candidates against the text they come from. Pure: candidates and text in, candidates and counts out."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from memories.choices import CRITICAL_CATEGORIES, AllergyAssertion, Category, Priority
from memories.extraction.candidates import Candidate, Utterance
from memories.facts import folded, with_ingredient
from memories.vocabulary.drugs import high_alert_class
from memories.vocabulary.sensitive import sensitive_topics_of

#: How many turns before its quote a name may stand: "Are you allergic to latex?" "Yes, very."
TURNS_BEFORE = 2
#: As long as the columns of the details.
LONGEST = {
    "substance": 200, "drug": 200, "ingredient": 200, "guess": 200, "reaction": 300, "dose": 100, "route": 60,
    "frequency": 150,
}  # fmt: skip
#: Shorter names are articles and slips, not drugs.
SHORTEST_NAME = 3


def check_candidates(candidates: Iterable[Candidate], utterances: Sequence[Utterance]) -> tuple[list[Candidate], int]:
    """The candidates that rest on words really said, and how many did not."""
    candidates = list(candidates)
    sound = [prioritised(c) for c in candidates if _is_complete(c) and _is_sourced(c, utterances)]
    return sound, len(candidates) - len(sound)


def check_names(candidates: Iterable[Candidate], utterances: Sequence[Utterance]) -> tuple[list[Candidate], int]:
    """For a model's candidates: those whose substance or drug was really named, each with the vocabulary's name for
    it, and how many were not. A true quote alone does not show that its drug was not made up.
    """
    candidates = list(candidates)
    named = [_with_ingredient(c) for c in candidates if _names_what_was_said(c, utterances)]
    return named, len(candidates) - len(named)


def critical_only(candidates: Iterable[Candidate]) -> list[Candidate]:
    return [candidate for candidate in candidates if candidate.category in CRITICAL_CATEGORIES]


def speaks_of(candidate: Candidate, topics: Iterable[str]) -> bool:
    """Whether it speaks of one of these sensitive topics. An allergy or a medication is told whatever it speaks of."""
    if candidate.category in CRITICAL_CATEGORIES:
        return False
    return not sensitive_topics_of(f"{candidate.content} {candidate.quote.text}").isdisjoint(topics)


def _is_complete(candidate: Candidate) -> bool:
    """Whether it says something, at a length that can be kept, and a critical one carries its details."""
    details = {Category.ALLERGY: candidate.allergy, Category.MEDICATION: candidate.medication}
    if candidate.category in details and details[candidate.category] is None:
        return False
    return bool(candidate.content.strip() and candidate.about.strip()) and _fits(candidate)


def _fits(candidate: Candidate) -> bool:
    """Whether each detail is as short as what it is a detail of: a run-on capture is no dose."""
    said = [facts for facts in (candidate.allergy, candidate.medication) if facts]
    return all(
        len(str(getattr(facts, field))) <= limit
        for facts in said
        for field, limit in LONGEST.items()
        if hasattr(facts, field)
    )


def _is_sourced(candidate: Candidate, utterances: Sequence[Utterance]) -> bool:
    """Whether the quote stands in its turn, word by word, at its place."""
    quote = candidate.quote
    if not (0 <= quote.turn < len(utterances) and 0 <= quote.start < quote.end):
        return False
    return utterances[quote.turn].text[quote.start : quote.end] == quote.text


def _names_what_was_said(candidate: Candidate, utterances: Sequence[Utterance]) -> bool:
    """Whether a substance or drug was really named, in the quote's turn or just before it."""
    heard = _heard(candidate)
    if heard is None:
        return True
    turn = candidate.quote.turn
    spoken = folded(" ".join(utterance.text for utterance in utterances[max(0, turn - TURNS_BEFORE) : turn + 1]))
    return len(heard) >= SHORTEST_NAME and all(word in spoken for word in folded(heard).split())


def _heard(candidate: Candidate) -> str | None:
    if candidate.medication:
        return candidate.medication.drug
    if candidate.allergy and candidate.allergy.assertion == AllergyAssertion.SUBSTANCE:
        return candidate.allergy.substance
    return None


def _with_ingredient(candidate: Candidate) -> Candidate:
    if candidate.medication:
        return replace(candidate, medication=with_ingredient(candidate.medication))
    if candidate.allergy and candidate.allergy.substance:
        return replace(candidate, allergy=with_ingredient(candidate.allergy))
    return candidate


def prioritised(candidate: Candidate) -> Candidate:
    """An allergy and a high-alert medication are critical, whatever an extractor says; any other is at least high."""
    if candidate.category == Category.ALLERGY or _is_high_alert(candidate):
        return replace(candidate, priority=Priority.CRITICAL)
    if candidate.category == Category.MEDICATION:
        return replace(candidate, priority=Priority.HIGH)
    return candidate


def _is_high_alert(candidate: Candidate) -> bool:
    said = candidate.medication
    return said is not None and bool(high_alert_class(said.ingredient or said.drug))
