"""Yes and no: as an answer to what was asked, and as a word inside a sentence."""

import re
from collections.abc import Iterable, Sequence

from memories.extraction.reading import Sentence
from memories.vocabulary.words import word_set

NEGATIONS = word_set(
    "no not never none nothing neither nor without cannot can't don't doesn't didn't isn't aren't "
    "wasn't weren't haven't hasn't hadn't won't wouldn't shouldn't couldn't denies denied deny negative "
    "nope nah"
)
_YES = word_set(
    "yes yeah yep yup yea yah correct right exactly absolutely definitely certainly aye indeed "
    "affirmative uh-huh sure unfortunately true"
)
_YES_PHRASES = (
    "i do", "i am", "i have", "i did", "i was", "he does", "she does", "he is", "she is", "they are",
    "they do", "it is", "he has", "she has", "they did", "he did", "she did", "that's what", "so i'm told",
    "so i've been told", "think so", "believe so", "so they", "apparently", "supposedly", "of course",
    "that's it", "that's right", "that's correct", "that is correct", "that's true", "that is right",
    "uh huh", "mm hmm", "both", "as far as i know", "far as i know", "a little", "a bit", "just a little",
    "just a bit", "a touch", "sometimes", "occasionally", "once in a while", "every now and then", "now and then",
    "on and off", "off and on", "from time to time", "most days", "most nights", "every day", "every night",
    "all the time",
)  # fmt: skip
#: Told when it was, it was: "When I was ten", "Back in ninety eight".
_SINCE_WHEN = re.compile(
    r"^(?:\w+ ){0,2}(?:when (?:i|he|she) was|back (?:in|when)|in (?:nineteen|two thousand|\d{4}|my (?:teens|twenties))"
    r"|since (?:i|he|she|nineteen|two thousand|\d{4}|about)|as a (?:kid|child|baby|teenager)"
    r"|(?:\w+ ){1,3}(?:years|months|weeks) ago|a (?:long|while) (?:time )?(?:ago|back)|last (?:year|month|winter"
    r"|summer))"
)
#: Told how often or how many, it was: "Twice", "He's had three".
_HOW_OFTEN = re.compile(
    r"^(?:\w+ ){0,1}(?:\d+|one|two|three|four|five|six|once|twice|several|a few times|a couple (?:of )?times|(?:two"
    r"|three|four|five) times"
    r"|(?:i've|he's|she's|i|he|she) (?:had|have|has|gets?|got) (?:it|them|that|those|some|several|a few|a couple|one"
    r"|two"
    r"|three|four|both|all|lots|plenty))\b"
)
_NO = word_set("no nope nah never none nothing negative neither not zero nada nil")
_NO_PHRASES = (
    "i don't", "i do not", "i'm not", "i am not", "i haven't", "i have not", "i've not", "i've never",
    "i have never", "he doesn't", "she doesn't", "he does not", "she does not", "he hasn't", "she hasn't",
    "they don't", "i didn't", "i never", "don't think", "do not think", "i can't think", "isn't",
    "it's not", "doesn't", "don't", "haven't",
)  # fmt: skip
_UNDECIDED = re.compile(
    r"\b(?:(?:don't|do not) know(?! of)|(?:don't|can't|cannot|do not) (?:remember|recall|say)|not (?:so "
    r"|really )?sure|yes and no"
    r"|unsure|no idea|couldn't tell you|hard to say|not certain)\b"
)
#: After "not", these still answer no; "Not codeine." only leaves one thing out.
_NOT_AT_ALL = word_set(
    "really that at a to as me known currently right any yet anymore so been had have ever much i he she"
)
_FILLERS = word_set(
    "um uh uhm well oh ah er erm hm hmm so okay ok actually like mean you know i guess think honestly "
    "doctor sir ma'am miss just mm mmm ooh ohh aw and but thankfully fortunately luckily as far "
    "knowledge to my believe ha haha gosh actually really"
)
#: Said after other words of an answer's first sentence, these still answer no.
_NO_INSIDE = (
    "i don't have any", "i do not have any", "have no", "has no", "not that i", "none that", "nothing that",
    "no allergies", "never had any", "not taking any", "not on any", "don't take any", "doesn't take any",
    "does not have any", "doesn't have any", "not allergic", "no known",
)  # fmt: skip
_REACH = 7


def is_negative(norms: Iterable[str]) -> bool:
    return any(norm in NEGATIONS for norm in norms)


def goes_on_denying(sentence: Sentence) -> bool:
    """Whether a sentence that was parted takes a denial along: the end of a long list of what somebody never had."""
    before = sentence.continues
    if before is None:
        return False
    first, last = before.clauses[-1]
    return is_negative(before.norms[first:last]) or (first == 0 and goes_on_denying(before))


def agreement(turn: Sequence[Sentence], echoed: Sequence[str] = ()) -> bool | None:
    """Whether a turn answers yes (True) or no (False), by the first word that says so; None when it says neither.

    `echoed`: the words of the question, which an answer may repeat first ("Oh, allergies. No.").
    """
    words = _opening(turn)
    if any(_UNDECIDED.search(sentence.plain) for sentence in turn[:2]):
        return None
    for at, word in enumerate(words):
        rest = f"{' '.join(words[at:])} "
        agrees = next((phrase for phrase in _YES_PHRASES if rest.startswith(f"{phrase} ")), "")
        if agrees and words[at + len(agrees.split()) :][:1] in (["none"], ["no"], ["nothing"]):
            return False
        if word in _YES or agrees:
            return not _then_no(words[at + 1 :])
        if word == "not" and words[at + 1 :] and words[at + 1] not in _NOT_AT_ALL:
            return None
        if word in _NO or rest.startswith(tuple(f"{phrase} " for phrase in _NO_PHRASES)):
            return False
        if word not in _FILLERS and word not in echoed:
            break
    if turn and (turn[0].says(*_NO_INSIDE) or _ends_in(turn[0], "no", "nope")):
        return False
    said = " ".join(words)
    tells_when = bool(_HOW_OFTEN.search(said) or _SINCE_WHEN.search(said))
    return True if turn and (tells_when or _ends_in(turn[0], "yes", "yeah", "yep")) else None


def _ends_in(sentence: Sentence, *answers: str) -> bool:
    """ "They told me something like that, yes.", "It was four hundred dollars, so no." """
    said = [norm for norm in sentence.norms if norm[0].isalnum()]
    return len(said) > 1 and said[-1] in answers and not sentence.asks


_BEFORE_NOT = word_set("not did do does am is are have has was")


def _then_no(rest: Sequence[str]) -> bool:
    """Whether a yes is taken back: "Yeah, no", "Right. No, nothing", "I did not"."""
    if "not" in rest[:2] and rest[0] in _BEFORE_NOT:
        return True
    follows = next((at for at, word in enumerate(rest) if word not in _YES | _FILLERS), None)
    if follows is None or list(rest[follows : follows + 2]) == ["no", "problem"]:
        return False
    return rest[follows] in _NO - {"not"}


def _opening(turn: Sequence[Sentence]) -> list[str]:
    words = [norm for sentence in turn[:3] for norm in sentence.norms if norm[0].isalnum()]
    skip = next((at for at, norm in enumerate(words) if norm not in _FILLERS), 0)
    back = skip - 2 if skip >= 2 and words[skip - 1] in ("i", "think") else skip
    return words[max(back, 0) : skip + _REACH]
