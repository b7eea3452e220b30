"""Illnesses by the bare word that people list them with ("sugar, pressure") or take something for ("my
cholesterol")."""

from collections.abc import Iterator

from memories.choices import SpeakerRole
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import TAKING, Mention, medicines_in
from memories.extraction.topics import Topic

_MEANT = {
    ("sugar",): "diabetes",
    ("sugars",): "diabetes",
    ("pressure",): "hypertension",
    ("blood", "pressure"): "hypertension",
    ("cholesterol",): "high cholesterol",
    ("nerves",): "anxiety",
    ("thyroid",): "thyroid disease",
}
_BEFORE = frozenset({",", ".", "and", "my", "just", "only", "the", "some", "have", "with", "also", ":"})
_WHOSE = frozenset({"my", "your", "his", "her", "the", "their", "high"})
_OTHERWISE = (("level",), ("levels",), ("check",), ("checks",), ("cuff",), ("free",), ("in",), ("on",))
_AFTER = frozenset({",", ".", "and", ";", "!", "too", "also"})


def ailments_in(move: Move) -> Iterator[Mention]:
    """The illnesses that an answer about conditions lists by a bare word, or that something is taken for."""
    lists, takes = _answers_about_conditions(move), _tells_of_taking(move)
    if not (lists or takes):
        return
    norms = move.sentence.norms
    for first in range(len(norms)):
        for said, name in _MEANT.items():
            last = first + len(said)
            if norms[first:last] != said or norms[last : last + 1] in _OTHERWISE:
                continue
            if (lists and _stands_alone(norms, first, last)) or (takes and _is_taken_for(norms, first)):
                yield Mention(move.sentence, first, last, name)


def _tells_of_taking(move: Move) -> bool:
    """Whether a sentence tells or takes for granted that something is taken."""
    if move.act in (Act.ASKS, Act.CHECKS) and not move.holds:
        return False
    return bool(medicines_in(move.sentence)) or bool(TAKING & set(move.sentence.norms))


def _is_taken_for(norms: tuple[str, ...], first: int) -> bool:
    """ "For my blood pressure", "for cholesterol"; not "for the pressure in my head"."""
    before = norms[max(0, first - 2) : first]
    return before[-1:] == ("for",) or (before[:1] == ("for",) and before[-1] in _WHOSE)


def _answers_about_conditions(move: Move) -> bool:
    asked = move.answers
    return (
        asked is not None
        and asked.topic is Topic.CONDITION
        and asked.holds is not False
        and move.act is Act.TELLS
        and move.sentence.role != SpeakerRole.CLINICIAN
    )


def _stands_alone(norms: tuple[str, ...], first: int, last: int) -> bool:
    return (first == 0 or norms[first - 1] in _BEFORE) and (last == len(norms) or norms[last] in _AFTER)
