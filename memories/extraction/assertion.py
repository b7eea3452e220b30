"""Whether what a sentence names is stated, denied, only imagined, or somebody else's."""

import re
from enum import Enum

from memories.choices import SpeakerRole
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import Mention
from memories.extraction.polarity import NEGATIONS, goes_on_denying
from memories.extraction.topics import Topic
from memories.vocabulary.words import word_set


class Truth(Enum):
    STATED = "stated"
    DENIED = "denied"
    IMAGINED = "imagined"
    OPEN = "open"


KIN = word_set(
    "mother mom mum mommy mama father dad daddy papa parent parents sister sisters brother brothers "
    "sibling siblings son sons daughter daughters wife husband spouse partner aunt aunts uncle uncles "
    "cousin cousins grandmother grandma grandfather grandpa grandparents grandson granddaughter niece "
    "nephew friend friends neighbor neighbour roommate roommates boyfriend girlfriend coworker "
    "colleague boss dog cat family relatives twin stepfather stepmother mother-in-law missus"
)
_POSSESSIVES = word_set("my your his her our their the")
_I = word_set("mine i i'm i've i'd i'll me myself we we've we're my")
_YOU = word_set("you you're you've your you'd patient")
_THEY = word_set("he he's she she's they they're they've")
_GIVING = word_set(
    "prescribed gave give put told said says say thinks thought think recommended started switched "
    "upped increased raised lowered reduced doubled halved changed stopped took taken cut added kept "
    "wants wanted suggested diagnosed mentioned called knows knew asked ordered found saw"
)
_IMAGINING = word_set(
    "if unless might may could maybe perhaps possible possibly suspect wonder wondering worried worry "
    "concerned afraid scared prevent avoid screening rule ruled risk risks chance signs sign evidence "
    "test tested check checked whether would potential suspicious suggestive consistent anything "
    "reassured sounds looking vaccine"
)
_SUPPOSING = word_set(
    "if whether might may could maybe perhaps possible possibly unless would risk chance rule anything"
)
_FOUND = (
    "you have",
    "you've got",
    "you do have",
    "he has",
    "she has",
    "shows",
    "showed",
    "revealed",
    "confirmed",
    "positive for",
)
#: How an answer begins that says how it goes, or no to what was asked: "No,", "Not too bad,", "Well, not really".
_LEADING_OFF = word_set("no nope um uh well , not really so too very great good bad much")
_AFTER_A_NO = word_set(", . i i've i'm he she just only really so too very great good bad well much")
_ALL_THE_SAME = word_set("looks seems appears")
#: Said after a mention, these give it to a relative: "tetracycline was my sister".
_BELONGS = re.compile(rf"(?:is|was|'s|would be|that's|, that's) (?:my|his|her|your) (?:{'|'.join(sorted(KIN))})\b")
#: What is about in the world, not in the patient.
_ABOUT = re.compile(
    r"\b(?:going (?:around|round)|(?:exposed|exposure) to|in contact with|outbreak of|(?:been|is|'s) a lot of"
    r"|(?:been|was) around (?:someone|anyone|somebody|people) with)\b"
)
_RUNS = ("runs in", "in my family", "in the family", "in our family", "side of the family", "in your family")
_TAKING_FOR = word_set("take takes taking took taken use using anything something on")
_SINCE = word_set("since because after due")
_WITH = word_set("with from on")
_MAKES_LIGHT = word_set(
    "problem problems issue issues trouble side effects change changes flare flares only just sure since because about"
)


def truth_of(move: Move, mention: Mention) -> Truth:
    """What a move asserts of a condition or allergen that it names."""
    if is_excepted(mention) or (is_owned(mention) and not _is_denied(mention)):
        return Truth.STATED
    if move.act in (Act.ASKS, Act.CHECKS):
        return _truth_of_question(move, mention)
    if _is_denied(mention):
        return Truth.DENIED
    return Truth.IMAGINED if _is_imagined(mention) else Truth.STATED


def is_excepted(mention: Mention) -> bool:
    """ "Any allergies besides penicillin?", "apart from the heart failure": takes it for granted."""
    before = mention.sentence.norms[max(0, mention.first - 4) : mention.first]
    said = f" {' '.join(norm for norm in before if norm[0].isalnum())} "
    return any(
        f" {phrase} " in said
        for phrase in ("besides", "other than", "apart from", "aside from", "except", "except for")
    )


def is_someone_elses(move: Move, mention: Mention) -> bool:
    """Whether a mention is about another person than the patient."""
    norms, first = mention.sentence.norms, mention.first
    if any(phrase in mention.sentence.plain for phrase in _RUNS):
        return True
    if any(reply.sentence.role == SpeakerRole.CAREGIVER and reply.sentence.says("mine") for reply in move.replies[:2]):
        return True
    if _BELONGS.match(" ".join(norms[mention.last : mention.last + 4])):
        return True
    begins = _own_statement_begins(mention)
    kin = [at for at in range(begins, first) if mention.sentence.words[at].key in KIN]
    if mention.sentence.role == SpeakerRole.CAREGIVER or (move.kin_is_patient and kin):
        return _is_caregivers_or_kins(move, mention, kin)
    own = _YOU if mention.sentence.role == SpeakerRole.CLINICIAN else _I
    if kin:
        return not any(norm in own for norm in norms[kin[-1] + 1 : first])
    if move.topic is Topic.FAMILY:
        return not any(norm in own - {"my", "your"} for norm in norms[begins:first])
    return mention.sentence.role == SpeakerRole.PATIENT and _is_third_persons(norms[begins:first])


def is_owned(mention: Mention) -> bool:
    """ "Your asthma", "my diabetes": taken for granted by whoever says it."""
    before = mention.sentence.norms[max(0, mention.first - 2) : mention.first]
    return bool(before) and ("my" in before or "your" in before or before[-1] in ("his", "her", "their"))


def _own_statement_begins(mention: Mention) -> int:
    """Where the statement that holds the mention begins: after the last clause cut that has its own subject."""
    first, _ = mention.sentence.clause_of(mention.first)
    words = mention.sentence.words[first : mention.first]
    has_subject = any(word.norm in _I | _THEY or word.key in KIN or word.norm in ("you", "it") for word in words)
    return first if has_subject else 0


def _is_caregivers_or_kins(move: Move, mention: Mention, kin: list[int]) -> bool:
    """A caregiver's "I" is not the patient; "Mom" mostly is, "her mother" is not."""
    norms = mention.sentence.norms
    if _REPORTED.search(" ".join(norms[: mention.first])):
        return False
    if move.topic is Topic.FAMILY or any(norms[at - 1] in ("her", "his", "their") for at in kin if at):
        return True
    subjects = [norm for norm in norms[: mention.first] if norm in _I - {"my", "me"} | _THEY | {"him", "her"}]
    between = set(norms[: mention.first])
    return bool(subjects) and subjects[-1].startswith("i") and not kin and bool(between & _HAVING)


#: "She says no, I'm not allergic to sulfa": the caregiver speaks the patient's words.
_REPORTED = re.compile(
    r"\b(?:he|she|they|mom|dad) (?:says|said|tells me|told me)(?: \w+)? ,? ?(?:\W )?(?:no , )?i(?:'m| )"
)
_HAVING = word_set("have had take taking am i'm i've allergic on use")


def _is_third_persons(before: tuple[str, ...]) -> bool:
    people = [at for at, norm in enumerate(before) if norm in _I | _THEY]
    if not people or before[people[-1]] not in _THEY:
        return False
    return not any(norm in _GIVING for norm in before[people[-1] :])


def _truth_of_question(move: Move, mention: Mention) -> Truth:
    if move.holds is False:
        return Truth.OPEN if _is_purpose(mention) else Truth.DENIED
    if move.act is Act.CHECKS:
        return Truth.DENIED if _is_denied(mention) else Truth.IMAGINED if _is_imagined(mention) else Truth.STATED
    return Truth.STATED if move.holds else Truth.OPEN


def _is_purpose(mention: Mention) -> bool:
    """ "Do you take anything for asthma?": whoever says no may well have it."""
    before = mention.sentence.norms[: mention.first]
    return "for" in before[-3:] and bool(_TAKING_FOR & set(before))


def _is_denied(mention: Mention) -> bool:
    norms = mention.sentence.norms
    begins, _ = mention.sentence.clause_of(mention.first)
    begins = after_answering_no(norms, begins)
    cues = [at for at in range(begins, mention.first) if norms[at] in NEGATIONS]
    if not cues:
        return _is_denied_after(mention) or (begins == 0 and goes_on_denying(mention.sentence))
    between = norms[cues[-1] + 1 : mention.first]
    if ("for" in between and set(between) & _TAKING_FOR) or set(between) & _SINCE:
        return False
    return not set(between[:2]) & _MAKES_LIGHT


def _is_denied_after(mention: Mention) -> bool:
    after = [norm for norm in mention.sentence.norms[mention.last : mention.last + 3] if norm[0].isalnum()]
    return bool(after) and after[0] in ("negative", "none", "no") and len(after) == 1


def after_answering_no(norms: tuple[str, ...], begins: int) -> int:
    """ "No, I have asthma" denies nothing that follows; "No asthma" does."""
    at = begins
    while at + 1 < len(norms) and norms[at] in _LEADING_OFF:
        if norms[at] in ("no", "nope", "not") and norms[at + 1] not in _AFTER_A_NO:
            break
        at += 1
    return at


def _is_certain(mention: Mention) -> bool:
    near = f" {' '.join(mention.sentence.norms[max(0, mention.first - 4) : mention.first])} "
    if any(f" {phrase} " in near for phrase in ("diagnosed with", "told i have", "told i had", "known history of")):
        return True
    supposed = _SUPPOSING & set(mention.sentence.norms[: mention.first])
    return not supposed and any(f" {phrase} " in near for phrase in _FOUND)


def _explains(mention: Mention) -> bool:
    """ "Psoriasis is a skin disease", "diabetes can cause ...": speaks of the disease, not of the patient."""
    clinician = mention.sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT)
    after = mention.sentence.norms[mention.last : mention.last + 2]
    begins = mention.first <= 1
    return (
        clinician
        and begins
        and bool(after)
        and (after[0] in ("can", "causes", "means", "may") or after[:2] == ("is", "a"))
    )


def _is_imagined(mention: Mention) -> bool:
    said = mention.sentence.words[: mention.first]
    before = tuple(word.norm for word in said if not (word.capital and word.norm == "may"))  # the month
    if _explains(mention):
        return True
    if _is_certain(mention):
        return False
    if set(before) & _ALL_THE_SAME:
        return False
    if _ABOUT.search(" ".join(mention.sentence.norms)):
        return True
    lists = mention.sentence.role == SpeakerRole.CLINICIAN and bool({"like", "such"} & set(before))
    return lists or bool(set(before) & _IMAGINING)
