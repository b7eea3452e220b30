"""How the patient was: pain, sleep, mood, appetite, falls, movement, mind, and measured values with their units."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from memories.choices import Category, Kind, SpeakerRole
from memories.extraction.assertion import is_someone_elses
from memories.extraction.candidates import Candidate
from memories.extraction.dialogue import Move
from memories.extraction.mentions import Mention
from memories.extraction.phrases import spans
from memories.extraction.polarity import NEGATIONS
from memories.extraction.reading import Sentence
from memories.extraction.retelling import retold
from memories.extraction.topics import Topic
from memories.extraction.vitals import vitals_in
from memories.vocabulary.words import word_set

_SIGNS = {
    "pain": r"pain|pains|painful|hurts?|hurting|aches?|aching|sore|headaches?|cramps?|cramping",
    "sleep": r"slept|sleeping|can't sleep|couldn't sleep|not sleeping|didn't sleep|insomnia|woke up|waking up"
        r"|trouble sleeping|wakes? up",
    "mood": r"anxious|depressed|feeling (?:down|sad|low|lonely|blue|happy|better|good|great|hopeless)|lonely"
        r"|cheerful|irritable|in (?:good|high|low) spirits"
    r"|crying|cried|scared|frightened|afraid of|tearful|upset|agitated|worried|stressed|mood",
    "appetite": r"appetite|not eating|isn't eating|didn't eat|ate (?:well|poorly|little|half|all)"
        r"|barely eat\w*|skipped (?:breakfast|lunch|dinner|meals)|not hungry",
    "fall": r"fell|fallen|falls|tripped|slipped",
    "dizziness": r"dizzy|dizziness|lightheaded|faint(?:ed)?|passed out",
    "breathing": r"short of breath|shortness of breath|out of breath|breathless|wheezing|trouble breathing",
    "swelling": r"swollen|swelling|swell up|puffy|puffiness",
    "confusion": r"confused|confusion|disoriented|forgetful|wandering|didn't recognize|forgot (?:who|where|to)",
    "skin": r"bruises?|bruised|wound|rash|redness|itchy|itching|sore on",
    "bowels": r"constipated|constipation|diarrh\w+|vomit\w*|threw up|nausea|nauseous",
    "energy": r"tired|exhausted|fatigued?|weak|no energy",
    "smoking": r"smokes?|smoked|smoker|cigarettes|packs? a day|cigars",
    "alcohol": r"drink (?:beer|wine|socially|occasionally|alcohol)|drinks (?:beer|wine|alcohol)|beers? (?:a"
        r"|per) day|glass(?:es)? of wine|drink on weekends",
}  # fmt: skip
_SIGN = re.compile("|".join(rf"(?P<{name}>\b(?:{words})\b)" for name, words in _SIGNS.items()))
_IMAGINED = (
    "if",
    "in case",
    "would",
    "could",
    "might",
    "may",
    "so that",
    "prevent",
    "hope",
    "hopefully",
    "imagine",
    "picture",
    "someone",
    "everyone",
    "you",
    "your",
)
_FEELINGS = {"mood": -0.4, "pain": -0.3, "fall": -0.4}
_PURPOSE = word_set("when whenever for")
_SHORTEST = 3


def find_observations(moves: Sequence[Move]) -> list[Candidate]:
    """What a conversation observes of the patient, at most one candidate for each matter and sentence."""
    return [one for move in moves if not move.is_question for one in (*_signs(move), *_vitals(move))]


def _signs(move: Move) -> Iterator[Candidate]:
    sentence = move.sentence
    if not _may_observe(move):
        return
    seen: set[str] = set()
    for first, last, match in spans(sentence.words, _SIGN):
        matter = str(match.lastgroup)
        skipped = matter in seen or _is_denied(sentence, first) or _is_a_purpose(sentence, first)
        if not skipped and not is_someone_elses(move, _mention(sentence, first, last)):
            seen.add(matter)
            yield _candidate(
                sentence,
                matter,
                retold(sentence.quote().text, by_caregiver=sentence.role == SpeakerRole.CAREGIVER),
                _FEELINGS.get(matter, 0.0),
            )


def _may_observe(move: Move) -> bool:
    """Whether a sentence can observe: said by who lives with it, not imagined, not what an allergy does."""
    sentence = move.sentence
    if sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT) or move.topic is Topic.ALLERGY:
        return False
    return len(sentence.words) >= _SHORTEST and not sentence.says(*_IMAGINED)


def _is_a_purpose(sentence: Sentence, first: int) -> bool:
    """ "For my headaches", "when I'm wheezing": why something is taken, not how the patient was."""
    return bool(_PURPOSE & set(sentence.norms[max(0, first - 4) : first]))


def _vitals(move: Move) -> Iterator[Candidate]:
    for vital in vitals_in(move.sentence):
        if not is_someone_elses(move, _mention(move.sentence, vital.first, vital.last)):
            measured: dict[str, str | float] = {"value": vital.value, "unit": vital.unit}
            yield _candidate(move.sentence, vital.name, f"{vital.name.capitalize()} {vital.shown}.", 0.0, measured)


def _candidate(
    sentence: Sentence,
    about: str,
    content: str,
    weight: float,
    measured: dict[str, str | float] | None = None,
) -> Candidate:
    return Candidate(
        category=Category.OBSERVATION,
        about=about,
        content=content,
        quote=sentence.quote(),
        kind=Kind.EPISODIC,
        emotional_weight=weight,
        metadata=measured or {},
    )


def _told(sentence: Sentence) -> str:
    return retold(sentence.quote().text, by_caregiver=sentence.role == SpeakerRole.CAREGIVER)


def _mention(sentence: Sentence, first: int, last: int) -> Mention:
    return Mention(sentence, first, last, "")


def _is_denied(sentence: Sentence, first: int) -> bool:
    begins, _ = sentence.clause_of(first)
    before = islice(reversed(sentence.norms[begins:first]), 8)
    return any(norm in NEGATIONS for norm in before)
