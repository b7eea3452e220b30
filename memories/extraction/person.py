"""The lasting facts of a person: name, language, work, goals, the people who matter, how to talk to them, habits."""

import re
from collections.abc import Callable, Sequence

from memories.choices import Category, SpeakerRole
from memories.extraction.assertion import KIN, is_someone_elses
from memories.extraction.candidates import Candidate
from memories.extraction.dialogue import Move
from memories.extraction.mentions import Mention, heard
from memories.extraction.phrases import spans
from memories.extraction.polarity import is_negative
from memories.extraction.retelling import retold
from memories.vocabulary.everyday import languages, occupations
from memories.vocabulary.words import word_set

_CALLED = re.compile(r"\b(?:call me|calls? (?:me|her|him)|goes by|go by|(?:be|being) called|known as|nickname is)\b")
_NAMED = re.compile(r"\b(?:my|her|his|the patient's|patient's) (?:first |full |last )?name is\b|\bmy name's\b")
_SPEAKS = re.compile(r"\b(?:speaks?|first language is|native language is|mother tongue is|interpreter|translator)\b")
_WORKS = re.compile(
    r"\b(?:works? (?:as|in|at|for)|working as|worked as|worked in|worked for|i'm an?|i am an?|i was an?"
    r"|he was an?|she was an?|used to be an?|used to work|is an?|was an?|retired)\b"
)
_GOAL = re.compile(
    r"\b(?:goal is|goals are|wants? to be able to|hop(?:e|es|ing) to be able to|hop(?:e|es"
    r"|ing) to \w+(?: \w+){0,4} again|wants? to \w+(?: \w+){0,4} again|working towards?)\b"
)
_SPEAK_TO = re.compile(
    r"\b(?:speak|talk) (?:slowly|loudly|clearly|up|louder|into|to (?:me|her|him) (?:in|slowly))\b"
    r"|\b(?:in writing|large print|write (?:it|things) down|face (?:me|her|him) when)\b"
)
_LIVES = re.compile(
    r"\b(?:lives?|living) (?:alone|with|by myself|by herself|by himself|on my own|on her own|on his own)\b"
)
_STATUS = re.compile(r"\b(?:i'm|i am|is|been|he's|she's) (?:married|divorced|widowed|single|a widow|a widower)\b")
_HABIT = re.compile(
    r"\b(?:every (?:single )?(?:morning|day|night|evening|afternoon|week|weekend|sunday|monday|tuesday"
    r"|wednesday|thursday|friday|saturday)|usually|always)\b"
)
_DOES = re.compile(
    r"\b(?:walks?|go|goes|eats?|drinks?|reads?|prays?|watch(?:es)?|naps?|gets? up|wakes?|bathes?|showers?"
    r"|calls?|visits?|gardens?|knits?|swims?|listens?|cooks?|bakes?|plays?|attends?|exercises?)\b"
)
#: "He hates being called Joseph", "only his mother called him Joseph".
_UNWELCOME = (
    "hates",
    "hate",
    "dislikes",
    "can't stand",
    "doesn't like",
    "don't like",
    "only his",
    "only her",
    "used to",
)
#: What staff say of themselves along with their name.
_STAFF = ("nurse", "aide", "caregiver", "doctor", "dr", "therapist", "your", "calling from", "covering", "assistant")
_ASKS_WORK = (
    "for work",
    "for a living",
    "occupation",
    "where do you work",
    "what do you do",
    "do at work",
    "your job",
)
_NOT_NAMES = word_set("i the a an my his her when if for to that it because and but so by in on")
_TALK = ("if", "today", "tonight", "yesterday", "would", "could", "might", "tomorrow", "right now")


def find_facts_of_person(moves: Sequence[Move]) -> list[Candidate]:
    """Lasting facts about the person, one at most of each kind for each sentence."""
    told = (move for move in moves if not move.is_question and not move.sentence.says("if", "would"))
    return [found for move in told for find in _FINDERS if (found := find(move))]


def _preferred_name(move: Move) -> Candidate | None:
    match = next(spans(move.sentence.words, _CALLED), None)
    if match is None or match[1] >= len(move.sentence.words) or not _is_about_patient(move, match[0]):
        return None
    if is_negative(move.sentence.norms[: match[0]]) or move.sentence.says(*_UNWELCOME):
        return _name_instead(move)
    word = move.sentence.words[match[1]]
    if not word.capital or word.norm in _NOT_NAMES:
        return None
    titled = word.norm in ("mrs", "mr", "miss", "ms", "dr")
    end = match[1] + (
        3 if titled and move.sentence.norms[match[1] + 1 : match[1] + 2] == (".",) else 2 if titled else 1
    )
    name = heard(move.sentence, match[1], min(end, len(move.sentence.words)))
    return _fact(move, "preferred name", f"Prefers to be called {name}.")


def _name_instead(move: Move) -> Candidate | None:
    """ "He hates being called Joseph. Joe." """
    following = move.next
    if following is None or following.sentence.turn != move.sentence.turn or following.is_question:
        return None
    words = [word for word in following.sentence.words if not word.is_mark]
    if len(words) != 1 or not words[0].capital or words[0].norm in _NOT_NAMES:
        return None
    name = following.sentence.quote().text
    return _fact(following, "preferred name", f"Prefers to be called {name}.")


def _name(move: Move) -> Candidate | None:
    """ "My name is Rosa Hale." Of staff, who say so too, it is nothing of the patient's."""
    sentence = move.sentence
    match = next(spans(sentence.words, _NAMED), None)
    staff = (SpeakerRole.CLINICIAN, SpeakerRole.AGENT, SpeakerRole.CAREGIVER)
    says_own = match is not None and match[2].group().startswith("my")
    if match is None or (says_own and sentence.role in staff) or sentence.says(*_STAFF):
        return None
    if is_someone_elses(move, Mention(sentence, match[0], match[1], "")):
        return None
    end = match[1]
    while end < len(sentence.words) and sentence.words[end].capital:
        end += 1
    if end == match[1] or sentence.norms[match[1]] in _NOT_NAMES:
        return None
    return _fact(move, "name", f"Is called {heard(sentence, match[1], end)}.")


def _language(move: Move) -> Candidate | None:
    match = next(spans(move.sentence.words, _SPEAKS), None)
    spoken = [word for word in move.sentence.norms if word in languages()]
    if match is None or not spoken or not _is_about_patient(move, match[0]):
        return None
    return _fact(move, "language", _told(move))


def _occupation(move: Move) -> Candidate | None:
    sentence = move.sentence
    asked = move.answers is not None and move.answers.sentence.says(*_ASKS_WORK)
    named = occupations().all_in(sentence.words)
    match = next(spans(sentence.words, _WORKS), None)
    if not (
        match
        and (asked or match[2].group() in ("retired", "works as", "work as", "worked as") or any(True for _ in named))
    ):
        return None
    if not _is_about_patient(move, match[0]) or is_negative(sentence.norms):
        return None
    return _fact(move, "occupation", _told(move))


def _goal(move: Move) -> Candidate | None:
    match = next(spans(move.sentence.words, _GOAL), None)
    if match is None or not _is_about_patient(move, match[0]) or is_negative(move.sentence.norms):
        return None
    return _fact(move, "goal", _told(move))


def _key_person(move: Move) -> Candidate | None:
    """ "My daughter Ana", "Luis is my son", "her husband, Tom"."""
    words = move.sentence.words
    for at in range(1, len(words) - 1):
        if words[at].key not in KIN or words[at - 1].norm not in ("my", "her", "his", "the"):
            continue
        after = at + 2 if words[at + 1].norm == "," and at + 2 < len(words) else at + 1
        name = (
            words[after]
            if words[after].capital
            else words[at - 3]
            if at >= 3 and words[at - 2].norm in ("is", "was")
            else None
        )
        if name and name.capital and name.norm not in _NOT_NAMES and not name.norm.startswith("i'"):
            said = move.sentence.text[name.start : name.end].removesuffix("'s")
            return _fact(move, f"{words[at].key} {said}", _told(move))
    return None


def _household(move: Move) -> Candidate | None:
    match = next(spans(move.sentence.words, _LIVES), None) or next(spans(move.sentence.words, _STATUS), None)
    if match is None or not _is_about_patient(move, match[0]) or is_negative(move.sentence.norms[: match[0]]):
        return None
    about = "household" if match[2].group().startswith(("live", "living")) else "marital status"
    return _fact(move, about, _told(move))


def _communication(move: Move) -> Candidate | None:
    match = next(spans(move.sentence.words, _SPEAK_TO), None)
    asks_for_it = move.sentence.says(
        "please", "need", "needs", "have to", "has to", "must", "better", "prefers", "prefer"
    )
    if match is None or not asks_for_it or move.sentence.says(*_TALK):
        return None
    return _fact(move, "communication", _told(move))


def _habit(move: Move) -> Candidate | None:
    sentence = move.sentence
    often, does = next(spans(sentence.words, _HABIT), None), next(spans(sentence.words, _DOES), None)
    if often is None or does is None or sentence.says(*_TALK) or is_negative(sentence.norms):
        return None
    if does[0] > often[0] + 4 or not _has_patient_as_subject(move, does[0]) or not _is_about_patient(move, does[0]):
        return None
    return _fact(move, "habit", _told(move))


_FINDERS: tuple[Callable[[Move], Candidate | None], ...] = (
    _name, _preferred_name, _language, _occupation, _goal, _key_person, _household, _communication, _habit,
)  # fmt: skip


def _told(move: Move) -> str:
    to_patient = move.sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT)
    return retold(move.sentence.quote().text, to_patient, move.sentence.role == SpeakerRole.CAREGIVER)


def _is_about_patient(move: Move, first: int) -> bool:
    sentence = move.sentence
    says_i = any(norm in ("i", "i'm", "i've", "me") for norm in sentence.norms[: first + 2])
    if says_i and sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT, SpeakerRole.CAREGIVER):
        return False
    return not is_someone_elses(move, Mention(sentence, first, first + 1, ""))


def _has_patient_as_subject(move: Move, does: int) -> bool:
    before = move.sentence.norms[:does]
    if move.sentence.role == SpeakerRole.PATIENT:
        return "i" in before
    return bool({"he", "she", "patient", "they", "mom", "dad", "mother", "father", "i"} & set(before)) or does <= 1


def _fact(move: Move, about: str, content: str) -> Candidate:
    return Candidate(
        Category.PREFERENCE,
        about,
        content,
        move.sentence.quote(),
        metadata={"kind_of_fact": about.split()[0]},
    )
