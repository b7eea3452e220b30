"""What an allergen does to somebody, as said."""

import re
from collections.abc import Sequence

from memories.choices import Severity
from memories.extraction.mentions import Mention, heard
from memories.extraction.phrases import spans
from memories.extraction.reading import Sentence
from memories.vocabulary.words import word_set

_STRONG = (
    r"hives|rash(?:es)?|itch(?:y|es|ed|ing|iness)?|swell(?:s|ed|ing)?|swollen|swelled up"
    r"|anaphyla\w+(?: shock)?|throat (?:closes?|closed|closing)(?: up)?"
    r"|throat (?:gets|got) tight|(?:trouble|difficulty|problems?) breathing|(?:can't|cannot|couldn't) breathe"
    r"|welts|blisters|red bumps"
)
_MILD = (
    r"nause(?:a|ous|ated)|throw(?:ing|s)? up|threw up|vomit(?:s|ing|ed)?|sick to (?:my|his|her) stomach|sick"
    r"|diarrh\w+|upset stomach"
    r"|stomach (?:pain|ache|cramps|upset)|dizz(?:y|iness)|tired|drowsy|headaches?|heart (?:\w+ )?(?:races?"
    r"|racing|race)|palpitations"
    r"|short(?:ness)? of breath|wheez(?:e|es|ing)|flush(?:ed|ing)|runny nose|sneez(?:e|es|ing)|watery eyes"
    r"|break(?:s|ing)? out"
    r"|broke out|bumps|passed out|faint(?:ed|s)?|hallucinat\w+|confus(?:ed|ion)|seizures?|cough(?:ing)?"
    r"|cramps|burning|redness|weak"
)
_REACTION = re.compile(rf"\b(?:{_STRONG}|{_MILD})\b")
_STRONGLY = re.compile(rf"\b(?:{_STRONG})\b")
_CAUSES = re.compile(
    r"\b(?:gives?|gave|giving|makes?|made|making|causes?|caused) (?:me|him|her|them|you|us|my|his|a|an)\b"
    r"|\bthat itched me\b"
)
_THEN = re.compile(
    r"\b(?:and|then) (?:then )?(?:i|he|she|my \w+|his \w+|her \w+) (?:got|developed|broke|itched|swelled"
    r"|swole|couldn't)\b"
)
_TOOK = word_set("took gave given had tried")
_RELIEF = word_set("went better helped down improved relieved faded gone away")
_FROM = word_set("from with after to when")
_SEVERE = (
    "severe",
    "severely",
    "really bad",
    "very bad",
    "terrible",
    "terribly",
    "horrible",
    "life threatening",
    "anaphylaxis",
    "anaphylactic",
)
_MILDLY = ("mild", "mildly", "slight", "slightly", "a little", "minor", "a bit of")


def reaction_in(sentence: Sentence, first: int = 0, last: int | None = None) -> str:
    """The reactions named in words first:last, as heard, with commas between; "" when there is none."""
    inside = [
        (a, b) for a, b, _ in spans(sentence.words, _REACTION) if first <= a and (last is None or b <= last)
    ]
    return ", ".join(dict.fromkeys(heard(sentence, a, b).lower() for a, b in inside))


def reaction_to(sentence: Sentence, key: str, named: Sequence[Mention]) -> str:
    """The reaction to one of the substances that a sentence names: what is said after it and before the next.

    A reaction said after a list ("penicillin and sulfa give me hives") belongs to all of it; after "gives", to
    the last.
    """
    if len({one.key for one in named}) < 2:
        return reaction_in(sentence)
    ends = [*(one.first for one in named[1:]), len(sentence.words)]
    own = {one.key: reaction_in(sentence, one.last, end) for one, end in zip(named, ends, strict=True)}
    shared = sum(map(bool, own.values())) == 1 and not sentence.says("gives", "makes", "causes")
    return own.get(key, "") or (reaction_in(sentence) if shared or not any(own.values()) else "")


def severity_of(sentence: Sentence) -> str:
    """How bad a reaction was, if that was said."""
    if sentence.says(*_SEVERE):
        return Severity.SEVERE
    if sentence.says("moderate", "moderately"):
        return Severity.MODERATE
    return Severity.MILD if sentence.says(*_MILDLY) else ""


def _followed(sentence: Sentence, one: Mention) -> bool:
    """ "They gave me morphine and I itched all over"; not "I took Benadryl and the itching went away"."""
    taken = _TOOK & set(sentence.norms[: one.first])
    then = any(first >= one.last for first, _, _ in spans(sentence.words, _THEN))
    return bool(taken) and then and not _RELIEF & set(sentence.norms[one.last :])


def is_avoided(sentence: Sentence, one: Mention, asked_for: bool) -> bool:
    """Whether somebody cannot have a substance because of what it does: "he can't have peanuts, he gets hives".

    `asked_for`: allergies are what is being talked about, so no reaction need be named.
    """
    cannot = [at for at, norm in enumerate(sentence.norms[: one.first]) if norm in ("can't", "cannot")]
    having = (
        set(sentence.norms[cannot[-1] : one.first]) & {"have", "eat", "take", "use", "tolerate", "wear"}
        if cannot
        else set()
    )
    return bool(having) and (asked_for or any(True for _ in spans(sentence.words, _STRONGLY)))


def causes_reaction(sentence: Sentence, one: Mention) -> bool:
    """Whether a sentence says that a substance brought on an allergic reaction: "penicillin gives me hives"."""
    if sentence.asks and not sentence.says("suffer from", "get"):
        return False
    strong = [first for first, _, _ in spans(sentence.words, _STRONGLY)]
    if not strong:
        return False
    if _followed(sentence, one):
        return True
    verbs = [first for first, _, _ in spans(sentence.words, _CAUSES)]
    if any(one.last <= verb <= max(strong) for verb in verbs):
        return True
    between = sentence.norms[min(strong) + 1 : one.first] if min(strong) < one.first else ()
    return bool(set(between) & _FROM) and not {"for", "apply", "applying", "help", "helps", "helped"} & set(
        sentence.norms[: one.first]
    )
