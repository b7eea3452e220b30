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
    r"|throat (?:gets|got|was|felt|is|feels) (?:tight|tightening|closing)|throat tighten(?:s|ed)|(?:trouble"
    r"|difficulty|problems?) breathing|(?:can't|cannot|couldn't) breathe"
    r"|welts|blister(?:s|ed|ing)?|red bumps|(?:break(?:s|ing)?|broke|broken) out"
    r"|blew up|puff(?:s|ed)? up|turn(?:s|ed) (?:\w+ )?red|(?:nearly|almost) (?:died|killed)|tingl(?:e|es|ed|ing)"
    r"|(?:takes?|took|pulls?|pulled) (?:my|his|her|the) skin off"
)
_MILD = (
    r"nause(?:a|ous|ated)|throw(?:ing|s)? up|threw up|vomit(?:s|ing|ed)?|sick to (?:my|his|her) stomach|sick"
    r"|diarrh\w+|upset stomach"
    r"|stomach (?:pain|ache|cramps|upset)|dizz(?:y|iness)|tired|drowsy|headaches?|heart (?:\w+ )?(?:races?"
    r"|racing|race)|palpitations"
    r"|short(?:ness)? of breath"
    r"|wheez(?:e|es|ing)|flush(?:ed|ing)|runny nose|sneez(?:e|es|ing)|watery eyes"
    r"|bumps|passed out"
    r"|faint(?:ed|s)?|hallucinat\w+|confus(?:ed|ion)|seizures?|cough(?:ing)?"
    r"|cramps|burning|redness|weak"
)
_REACTION = re.compile(rf"\b(?:{_STRONG}|{_MILD})\b")
_STRONGLY = re.compile(rf"\b(?:{_STRONG})\b")
_CAUSES = re.compile(
    r"\b(?:gives?|gave|giving|makes?|made|making|causes?|caused) (?:me|him|her|them|you|us|my|his|a|an)\b"
    r"|\bthat itched me\b|\b(?:swells?|closes?|blisters?|puffs?) (?:up )?(?:me|my|his|her)\b"
    r"|\balways does (?:that|it) to (?:me|him|her)\b"
)
_THEN = re.compile(
    r"\b(?:and|then|because) (?:then )?(?:i|he|she|my \w+|his \w+|her \w+) (?:got|developed|broke|itched|swelled"
    r"|swole|couldn't|came|puffed|blew|turned|swells?|blistered)\b"
)
_SOON = re.compile(
    r"\b(?:within|minutes|right (?:after|away)|immediately|straight ?away|(?:an hour|hours) later|instantly)\b"
)
#: "I had anaphylaxis from that", said of what was named before.
_FROM_IT = re.compile(r"\b(?:from|to|with) (?:that|it|them|those)\b")
#: What stands before an allergen when its effect follows: "if I eat shrimp, ...", "anything with sesame and ...".
_EXPOSED = re.compile(
    r"\b(?:anything with|(?:if|when|whenever|each time|every time|any time|once) (?:i|he|she|they|you)"
    r" (?:even )?(?:eats?|ate|has|have|had|takes?|took|touch(?:es)?|drinks?|wears?|uses?|gets? near|smells?))\b"
)
_DISAGREES = re.compile(
    r"\b(?:(?:do|does|did)n't|never|not) (?:get along|agree with (?:me|him|her)|sit (?:well|right) with (?:me"
    r"|him|her))\b"
    r"|\bdisagree[sd]? with (?:me|him|her)\b"
)
_KEPT_FROM = re.compile(
    r"\b(?:keeps? (?:me|him|her) (?:away from|off)|stay(?:s|ing)? away from|(?:have|has|had) to avoid|avoids?"
    r"|(?:told|said|supposed) (?:me |him |her )?(?:to )?(?:not|never)(?: to)? (?:take|have|use|eat))\b"
)
_RULED_OUT = re.compile(
    r"\b(?:no(?: more)?|never (?:give|gave|feed|offer|let)(?: (?:him|her|me|them))?(?: (?:have|eat))?|nothing with"
    r"|keep (?:him|her|me|them) (?:away from|off)|(?:can't|cannot|don't|do not|mustn't|must not|shouldn't|not)"
    r" (?:ever )?(?:have|eat|touch|use|give (?:him|her|me|them)|be given|let (?:him|her) (?:have|eat)))(?: any| the)?$"
)
CANNOT = word_set("can't cannot couldn't")
_TOOK = word_set("took gave given had tried stop stopped ate eat eaten drank used touched")
_RELIEF = word_set("went goes better helps helped down improved relieved relieves faded gone away stops")
_FROM = word_set("from with after to when")
#: Words at most between "from" and the substance: "hives from the new antibiotic, cefdinir".
_NEAR = 5
#: What is done with a drug against a reaction.
_TREATS = word_set("for apply applying help helps helped give gave given shot need needed treat treated")
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
    inside = [(a, b) for a, b, _ in spans(sentence.words, _REACTION) if first <= a and (last is None or b <= last)]
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
    only_last = bool(own[named[-1].key]) and sum(map(bool, own.values())) == 1
    shared = only_last and not sentence.says("gives", "makes", "causes") and "(" not in sentence.norms
    return own.get(key, "") or (reaction_in(sentence) if shared or not any(own.values()) else "")


def is_a_reaction(sentence: Sentence, first: int, last: int) -> bool:
    """Whether words first:last are what an allergen does, not an allergen: the "nausea" of "codeine - nausea"."""
    return bool(reaction_in(sentence, first, last))


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
    then = any(first >= one.last for first, _, _ in (*spans(sentence.words, _THEN), *spans(sentence.words, _SOON)))
    return bool(taken) and then and not _RELIEF & set(sentence.norms[one.last :])


def reacts_strongly(sentence: Sentence) -> bool:
    return any(True for _ in spans(sentence.words, _STRONGLY))


def is_forbidden(sentence: Sentence, one: Mention, explained: bool) -> bool:
    """ "And no strawberries, she swells up": a thing that is ruled out, and what it does.

    `explained`: the next words say what it does.
    """
    ruled_out = _RULED_OUT.search(" ".join(sentence.norms[: one.first]))
    says_why = any(first >= one.last for first, _, _ in spans(sentence.words, _STRONGLY))
    return bool(ruled_out) and (says_why or explained)


def is_avoided(sentence: Sentence, one: Mention, asked_for: bool) -> bool:
    """Whether somebody cannot have a substance because of what it does: "he can't have peanuts, he gets hives".

    `asked_for`: allergies are what is being talked about, so no reaction need be named.
    """
    strongly = reacts_strongly(sentence)
    if one.ingredient and any(True for _ in spans(sentence.words, _DISAGREES)):
        return True
    if strongly and any(last <= one.first for _, last, _ in spans(sentence.words, _KEPT_FROM)):
        return True
    cannot = [at for at, norm in enumerate(sentence.norms[: one.first]) if norm in CANNOT]
    having = (
        set(sentence.norms[cannot[-1] : one.first]) & {"have", "eat", "take", "use", "tolerate", "wear"}
        if cannot
        else set()
    )
    return bool(having) and (asked_for or strongly or "tolerate" in having)


def _is_exposed(sentence: Sentence, one: Mention, reaction: int) -> bool:
    """ "When he eats eggs he gets hives"; not "when I take Benadryl the itching goes away"."""
    exposed = any(0 <= one.first - last <= 3 for _, last, _ in spans(sentence.words, _EXPOSED))
    return exposed and reaction > one.last and not _RELIEF & set(sentence.norms[one.last :])


def causes_reaction(sentence: Sentence, one: Mention, asked_for: bool = False) -> bool:
    """Whether a sentence says that a substance brought on an allergic reaction: "penicillin gives me hives".

    `asked_for`: allergies are what is being talked about, so that sneezing is one too.
    """
    if sentence.asks and not sentence.says("suffer from", "get"):
        return False
    strong = [first for first, _, _ in spans(sentence.words, _REACTION if asked_for else _STRONGLY)]
    if not strong:
        return False
    if _followed(sentence, one) or _is_exposed(sentence, one, max(strong)):
        return True
    if any(one.last <= first and max(strong) > one.last for first, _, _ in spans(sentence.words, _FROM_IT)):
        return not _RELIEF & set(sentence.norms)
    verbs = [first for first, _, _ in spans(sentence.words, _CAUSES)]
    if any(one.last <= verb and (verb <= max(strong) or "always" in sentence.norms[verb:]) for verb in verbs):
        return True
    between = sentence.norms[min(strong) + 1 : one.first] if min(strong) < one.first else ()
    return bool(set(between[-_NEAR:]) & _FROM) and not _TREATS & set(sentence.norms[: one.first])
