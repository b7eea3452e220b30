"""Illnesses by the bare word that people list them with: "sugar, pressure and cholesterol"."""

from collections.abc import Iterator

from memories.choices import SpeakerRole
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import Mention
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
_AFTER = frozenset({",", ".", "and", ";", "!", "too", "also"})


def ailments_in(move: Move) -> Iterator[Mention]:
    """The illnesses that an answer about conditions lists by a bare word; nothing in any other sentence."""
    if not _answers_about_conditions(move):
        return
    norms = move.sentence.norms
    for first in range(len(norms)):
        for said, name in _MEANT.items():
            last = first + len(said)
            if norms[first:last] == said and _stands_alone(norms, first, last):
                yield Mention(move.sentence, first, last, name)


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
