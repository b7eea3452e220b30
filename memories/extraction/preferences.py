"""What the patient prefers, how care is to be given, and what somebody asked to be remembered."""

import re
from collections.abc import Sequence
from dataclasses import replace

from memories.choices import Category, Kind, SpeakerRole
from memories.extraction.assertion import KIN, is_someone_elses
from memories.extraction.candidates import Candidate
from memories.extraction.dialogue import Move
from memories.extraction.mentions import Mention, heard
from memories.extraction.phrases import spans
from memories.extraction.reading import Sentence
from memories.extraction.retelling import retold, third_person
from memories.vocabulary.words import word_set

_PREFERS = re.compile(
    r"\b(?:prefers?|would rather|'d rather|i'd rather|dislikes?|hates?|can't stand|cannot stand|doesn't like"
    r"|don't like|does not like|do not like"
    r"|likes|loves|enjoys?|i like|i love)\b"
)
_FAVOURITE = re.compile(r"\bfavou?rite \w+(?: \w+)? (?:is|are)\b")
_INSTRUCTION = re.compile(
    r"\b(?:always|never|make sure|be sure to|needs? help (?:with|to|getting)|has to be|have to be"
    r"|needs? to be|must be|must not|should not be"
    r"|don't forget to|do not|only use|use only|is to be|are to be|needs? (?:two people|a walker|assistance"
    r"|supervision))\b"
)
_ORDERS = re.compile(r"^(?:and |so |also |just |please |, )*(?:leave|keep|use|put|knock|let (?:her|him|me)|stand) ")
_REMEMBER = re.compile(
    r"^(?:and |also |so )*(?:please (?:remember|note|keep in mind|don't forget|do not forget)(?: ,)?(?: that| to)?"
    r"|(?:remember|note|keep in mind|bear in mind|don't forget|do not forget)(?: ,)? (?:that|to)) "
)
_LASTING = (
    "always",
    "never",
    "every",
    "each",
    "whenever",
    "from now on",
    "any time",
    "must",
    "has to be",
    "needs help",
    "need help",
    "needs to be",
)
_PASSING = (
    "today", "right now", "for now", "tonight", "this morning", "this afternoon", "this time", "until",
    "next few days", "tomorrow",
    "this week", "for the moment", "at the moment", "next week",
)  # fmt: skip
_TALK = (
    "i'd like",
    "would like",
    "i like that",
    "you know",
    "i love you",
    "sounds",
    "do you",
    "would love",
    "'d love",
    "like to see",
    "love how",
    "love when",
    "why i",
    "if",
)
_EMPTY = word_set("have it the a an my her his their to that in on at during of")
_TIMES = word_set("morning afternoon evening night noon early late")
_NEAR = 5
_WHO = word_set("i he she they patient client resident who")
_ADVERBS = word_set("really also always still just do does much usually generally mostly")
_ORDERING = word_set("please and so , also should must")
_NO_ORDERS = word_set("here been a the so my your")
_DONE = word_set("given kept cut fed put done taken")
_FIRST = word_set("i i'd i'm i've we")


def find_preferences(moves: Sequence[Move]) -> list[Candidate]:
    """Preferences (facts) and care instructions (procedural), one at most for each sentence."""
    found = (_found_in(move) for move in moves if not move.is_question)
    return [one for one in found if one]


def _found_in(move: Move) -> Candidate | None:
    if move.sentence.says(*_PASSING):
        return None
    return next(filter(None, (_remembered(move), _instruction(move), _preference(move))), None)


def _remembered(move: Move) -> Candidate | None:
    """ "Please remember that ..." """
    sentence = move.sentence
    match = next(spans(sentence.words, _REMEMBER), None)
    if match is None or match[1] >= len(sentence.words) - 1:
        return None
    told = retold(sentence.quote(match[1]).text)
    return _candidate(
        sentence,
        "to remember",
        told,
        Kind.PROCEDURAL if sentence.norms[match[1] - 1] == "to" else Kind.SEMANTIC,
    )


def _instruction(move: Move) -> Candidate | None:
    sentence = move.sentence
    if next(spans(sentence.words, _ORDERS), None) and sentence.says(*_LASTING, "or she", "or he", "or they"):
        return _candidate(sentence, "care instruction", _retold(sentence), Kind.PROCEDURAL)
    match = next(spans(sentence.words, _INSTRUCTION), None)
    if match is None or not sentence.says(*_LASTING) or not _is_instruction(sentence, match[0], match[1]):
        return None
    return _candidate(
        sentence,
        "care instruction",
        _retold(sentence),
        Kind.PROCEDURAL,
    )


def _is_instruction(sentence: Sentence, first: int, last: int) -> bool:
    """An order, or what the patient needs; not a habit ("I always walk") and not talk ("it must be lovely")."""
    following = sentence.norms[last : last + 1]
    if not following or following[0] in _NO_ORDERS or following[0].endswith("ing"):
        return False
    if sentence.norms[last - 1] == "be" and not following[0].endswith(("ed", "en")) and following[0] not in _DONE:
        return False
    needs = first <= _NEAR and sentence.norms[first] in ("needs", "need", "has", "must", "is", "are")
    orders = all(norm in _ORDERING for norm in sentence.norms[:first])
    advises_visitor = sentence.role == SpeakerRole.CLINICIAN and sentence.says("you", "your")
    return (needs or orders) and not advises_visitor


def _preference(move: Move) -> Candidate | None:
    sentence = move.sentence
    match = next(spans(sentence.words, _PREFERS), None) or next(spans(sentence.words, _FAVOURITE), None)
    if (
        match is None
        or not _is_patients(move, match[0], match[1])
        or (sentence.says(*_TALK) and "prefer" not in match[2].group())
    ):
        return None
    told = _candidate(sentence, _subject(sentence, match[1]), _told(sentence, match[0], match[1]), Kind.SEMANTIC)
    return _with_what_is_left_out(told, move)


def _with_what_is_left_out(told: Candidate, move: Move) -> Candidate:
    """ "She likes her tea first thing. No sugar." """
    after = move.next.sentence if move.next else None
    if after is None or after.turn != told.quote.turn or after.norms[0] not in ("no", "without") or after.asks:
        return told
    if len(after.words) > _NEAR or after.norms[1:2] in ((",",), (".",)):
        return told
    more = after.quote()
    text = after.text[told.quote.start : more.end]
    quote = replace(told.quote, end=more.end, text=text)
    return replace(told, quote=quote, content=f"{told.content} {retold(more.text)}")


def _is_patients(move: Move, first: int, last: int) -> bool:
    sentence = move.sentence
    own = sentence.role not in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT, SpeakerRole.CAREGIVER)
    says_i = bool(_FIRST & set(sentence.norms[:last]))
    if says_i and not own:
        return False
    if not says_i and sentence.role == SpeakerRole.PATIENT and sentence.norms[first] != "favorite":
        return False
    return _has_subject(sentence, first) and not is_someone_elses(move, Mention(sentence, first, last, ""))


def _has_subject(sentence: Sentence, first: int) -> bool:
    """Whether somebody stands right before the verb: "She really hates ...", not "Enjoy your day"."""
    if sentence.norms[first] in ("i", "i'd") or sentence.norms[first].startswith("favo"):
        return True
    at = first - 1
    while at >= 0 and sentence.norms[at] in _ADVERBS:
        at -= 1
    return 0 <= at <= _NEAR and (
        sentence.norms[at] in _WHO or sentence.words[at].key in KIN or sentence.words[at].capital
    )


def _told(sentence: Sentence, first: int, last: int) -> str:
    """ "Patient prefers mornings" and "I prefer mornings" are told as "Prefers mornings." """
    verb = heard(sentence, first, last)
    if not verb.lower().startswith(("prefer", "dislike", "hate", "enjoy", "likes", "loves")):
        return _retold(sentence)
    return retold(f"{third_person(verb)} {sentence.quote(last).text}") if last < len(sentence.words) else retold(verb)


def _retold(sentence: Sentence) -> str:
    return retold(sentence.quote().text, by_caregiver=sentence.role == SpeakerRole.CAREGIVER)


def _subject(sentence: Sentence, last: int) -> str:
    """What a preference is about, in a few of its own words, whatever time of day it names: that is its value."""
    words = [norm for norm in sentence.norms[last:] if norm[0].isalnum() and norm not in _EMPTY]
    kept = [norm for norm in words if norm.removesuffix("s") not in _TIMES]
    return " ".join(kept[:4]) or ("time of day" if words else "preference")


def _candidate(sentence: Sentence, about: str, content: str, kind: Kind) -> Candidate:
    return Candidate(Category.PREFERENCE, about, content, sentence.quote(), kind=kind)
