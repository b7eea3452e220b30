"""Appointments to come: what for, and when, counted from the day it was said."""

import re
from collections.abc import Sequence
from datetime import date, datetime

from memories.choices import Category, Kind, SpeakerRole
from memories.extraction.assertion import is_someone_elses
from memories.extraction.candidates import Candidate
from memories.extraction.dates import when_said
from memories.extraction.dialogue import Move
from memories.extraction.mentions import Mention
from memories.extraction.phrases import spans
from memories.extraction.polarity import is_negative
from memories.extraction.retelling import retold

_MEETING = re.compile(
    r"\b(?:appointments?|follow ?-? ?ups?|check ?-? ?ups?|(?:see|seeing|sees|visit|visiting"
    r"|meeting) (?:\w+ )?(?:(?:dr|doctor)(?: \.)? \w+|nurse|dentist|cardiologist"
    r"|specialist|therapist|surgeon|podiatrist|neurologist|oncologist|dermatologist|physiotherapist"
    r"|optometrist)|(?:eye|dental|blood) (?:exam|test|draw)"
    r"|surgery|operation|procedure|colonoscopy|mri|ct scan|scan|ultrasound|x ?-? ?ray|dialysis"
    r"|chemo(?:therapy)?|infusion|physical therapy"
    r"|physiotherapy|lab work|labs|blood work|home visit|nurse visit|vaccination|flu shot|mammogram|biopsy"
    r"|infusion)\b"
)
_LEADING = re.compile(r"^(?:see|seeing|sees|visit|visiting|meeting) (?:the |my |a |her |his |your )?")
_PAST = ("last", "ago", "yesterday", "had", "was", "went", "saw", "were", "did")
_UNCERTAIN = ("if", "unless", "maybe", "might", "could", "cancelled", "canceled", "missed", "would")


def find_appointments(moves: Sequence[Move], said_at: datetime) -> list[Candidate]:
    """The appointments that a conversation announces for a day that can be told."""
    found = (_appointment(move, said_at) for move in moves if not move.is_question)
    return [one for one in found if one]


def _appointment(move: Move, said_at: datetime) -> Candidate | None:
    sentence = move.sentence
    meeting = next(spans(sentence.words, _MEETING), None)
    if meeting is None or sentence.says(*_PAST, *_UNCERTAIN) or is_negative(sentence.norms):
        return None
    when = when_said(sentence.quote().text, said_at)
    if when is None or is_someone_elses(move, Mention(sentence, meeting[0], meeting[1], "")):
        return None
    return Candidate(
        category=Category.APPOINTMENT,
        about=_LEADING.sub("", meeting[2].group()),
        content=f"{_told(move)[:-1]} ({_shown(when)}).",
        quote=sentence.quote(),
        kind=Kind.EPISODIC,
        starts_at=when,
    )


def _told(move: Move) -> str:
    to_patient = move.sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT)
    return retold(move.sentence.quote().text, to_patient, move.sentence.role == SpeakerRole.CAREGIVER)


def _shown(when: date | datetime) -> str:
    return when.strftime("%Y-%m-%d %H:%M") if isinstance(when, datetime) else when.isoformat()
