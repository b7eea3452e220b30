"""Whether a drug that is named is taken now, was stopped, is planned, or is not taken; and how sure that sounds."""

import re
from collections.abc import Sequence

from memories.choices import MedicationStatus, SpeakerRole
from memories.extraction.assertion import after_answering_no, is_excepted
from memories.extraction.dialogue import Act, Move
from memories.extraction.dosing import dosing_of
from memories.extraction.mentions import Mention
from memories.extraction.polarity import NEGATIONS, goes_on_denying
from memories.extraction.settling import ADVISED
from memories.extraction.stopping import (
    asks_what_was_left,
    is_left_by_verb,
    is_stopped,
    status_after_switch,
    tells_of_stopping,
    was_given_up,
)
from memories.extraction.topics import Topic
from memories.vocabulary.words import word_set

_Verdict = tuple[MedicationStatus, float]

_TAKING = word_set(
    "take takes taking use uses using on inject injects injecting popping wears wear wearing gets skip skips "
    "skipping forget forgets forgot missed"
)
_TOOK = word_set("took taken used tried had given gave received applied try")
_DENIABLE = _TAKING | _TOOK | word_set("have need want started start give giving fill filled get getting buy")
_TAKES_IT = re.compile(
    r"\b(?:take|takes|taking|use|uses|using|on|skip|skips|miss|misses|forget|forgets) (?:it|that|them|those|one)\b"
)
_PLANNED = (
    "i'll", "we'll", "i will", "we will", "will be", "will start", "going to", "gonna", "gon na",
    "want you to", "like you to", "prescribe", "prescribing", "prescription for", "i've prescribed",
    "i have prescribed", "prescribed you", "recommend", "advise", "let's try", "let's do", "let's go with",
    "let's use", "let's start", "let's put", "we can do", "write you", "start you on", "starting you on",
    "start taking", "start on", "start him on", "start her on", "and start", "put you on", "give you",
    "order you", "plan to", "supposed to start", "supposed to take", "send in", "should take", "can take",
    "can try", "can get", "could try", "could take", "script for", "begin", "go ahead and start",
    "to start", "add", "would be advisable", "treat it with", "treat you with", "treat this with",
    "should treat",
)  # fmt: skip
_BY_OTHERS = ("going to", "supposed to", "i'll")
_CONTINUE = (
    "continue", "continuing", "keep taking", "keep using", "keep on taking", "stay on", "carry on",
    "remain on", "keep up with", "refill", "refilling", "refilled", "still taking", "still on",
    "still take", "still using", "increase your", "increase the", "decrease your", "decrease the",
    "cut the", "cut your", "cut back", "lower your", "lower the", "raise your", "reduce your",
)  # fmt: skip
#: Of what is taken already, a clinician changes the dose.
_ADJUSTED = re.compile(
    r"\b(?:increas|decreas|rais|lower|reduc|doubl|halv|adjust|bump|titrat|cut|go(?:ing)? (?:up|down)|mov(?:e|ing))\w*"
    r" (?:up |down |back )?(?:on )?(?:your|his|her|the|that)(?: dose of| dosage of)?(?: your| the)?$"
)
_ADVISED_AGAINST = re.compile(
    r"\b(?:avoid|lay off|stay away from|stay off|steer clear of|keep off|cut out|leave off)(?: taking| using)?"
    r"(?: \w+ (?:and|or|,))*(?: the| any| your| more)?$"
)
_TENTATIVE = word_set("could maybe might perhaps if consider thinking may would such or either something")
_DOSE_ASKED = ("what's the dose", "what dose", "how much", "how many", "how often", "what strength")
_CHANGED = word_set("upped increased raised lowered reduced doubled halved")
_DECLINED = ("decided against", "declined", "refused", "turned it down")
_TALKED_OF = (
    "thinking about",
    "thinking of",
    "considering",
    "talked about",
    "talking about",
    "wants to start",
    "might start",
)
_LONG_AGO = ("years ago", "long time ago", "months ago", "in the past", "back then", "used to")
_ONCE = ("did you", "did he", "did she", "ever", "were you", "was he", "was she")
_ECHO = 4


def status_of(move: Move, mention: Mention, following: Sequence[Move] = ()) -> _Verdict:
    """The status that a move gives a drug it names, and how sure it sounds (0 to 1).

    `following`: what the same speaker says next, where "I stopped it" may still come.
    """
    if is_excepted(mention):
        left_out = move.act is Act.TELLS and mention.sentence.says(*_CONTINUE)
        return (MedicationStatus.STOPPED if left_out else MedicationStatus.ACTIVE), 0.8
    if move.act in (Act.ASKS, Act.CHECKS):
        return _status_of_question(move, mention)
    if move.act is Act.ASKS_OPENLY and was_given_up(move):
        return MedicationStatus.STOPPED, 0.8
    if is_not_taken(mention):
        return MedicationStatus.NOT_TAKEN, 0.8
    return _status_told(move, mention, following)


def is_not_taken(mention: Mention) -> bool:
    """ "I don't take aspirin", "no aspirin", "never had aspirin"; not "no problems with aspirin"."""
    norms = mention.sentence.norms
    begins, _ = mention.sentence.clause_of(mention.first)
    begins = after_answering_no(norms, begins)
    cues = [at for at in range(begins, mention.first) if norms[at] in NEGATIONS]
    if not cues and begins == 0 and goes_on_denying(mention.sentence):
        return True
    if not cues or is_stopped(mention) or _is_an_answering_no(norms, cues[-1]):
        return False
    cue, between = cues[-1], set(norms[cues[-1] + 1 : mention.first])
    if {"just", "only", "except", "than", "besides", "stop", "stopped"} & between:
        return False
    adjacent = between <= {"any", "the", "a", "an", "of", "or", "and", ",", "more", "other"}
    return (adjacent and norms[cue] in ("no", "not", "without", "never", "nor")) or bool(between & _DENIABLE)


def _is_an_answering_no(norms: tuple[str, ...], cue: int) -> bool:
    return norms[cue] == "no" and norms[cue + 1 : cue + 2] in ((",",), (".",))


def _status_told(move: Move, mention: Mention, following: Sequence[Move]) -> _Verdict:
    sentence, before = mention.sentence, mention.sentence.norms[: mention.first]
    switched = status_after_switch(mention)
    if switched:
        return switched, 0.8
    asked = move.answers if move.answers is not None and move.answers.act is Act.ASKS_OPENLY else None
    now = {"now", "currently", "still"} & set(before[-_ECHO:]) and not sentence.says("for now")
    left = asked is not None and asks_what_was_left(asked)
    if now and not is_left_by_verb(mention):
        return MedicationStatus.ACTIVE, 0.8
    if is_stopped(mention) or left or any(tells_of_stopping(move) for move in following[:2]):
        return (MedicationStatus.ACTIVE, 0.5) if sentence.says("if") else (MedicationStatus.STOPPED, 0.8)
    if sentence.says(*_CONTINUE) or _ADJUSTED.search(" ".join(before)):
        return MedicationStatus.ACTIVE, 0.8
    if _may_prescribe(sentence.role) and _ADVISED_AGAINST.search(" ".join(before)):
        return MedicationStatus.STOPPED, ADVISED
    tentative = bool(set(before) & _TENTATIVE)
    if sentence.says(*_TALKED_OF):
        return MedicationStatus.INTENDED, 0.5
    if sentence.says(*_PLANNED) and (_may_prescribe(sentence.role) or sentence.says(*_BY_OTHERS)):
        return MedicationStatus.INTENDED, 0.5 if tentative else 0.8
    if tentative and sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT):
        return MedicationStatus.INTENDED, 0.4
    return _by_verb(move, mention, before)


def _may_prescribe(role: str) -> bool:
    return role not in (SpeakerRole.PATIENT, SpeakerRole.CAREGIVER)


def _by_verb(move: Move, mention: Mention, before: tuple[str, ...]) -> _Verdict:
    verbs = [norm for norm in before if norm in _TAKING | _TOOK]
    if verbs and verbs[-1] in _TAKING:
        return MedicationStatus.ACTIVE, 0.9
    if verbs and mention.sentence.says("before", "also took"):
        return MedicationStatus.STOPPED, 0.6
    if verbs:
        return (MedicationStatus.ACTIVE, 0.6) if "have" in before else (MedicationStatus.UNKNOWN, 0.7)
    if _TAKES_IT.search(" ".join(mention.sentence.norms[mention.last :])):
        return MedicationStatus.ACTIVE, 0.8
    if move.sentence.role == SpeakerRole.CLINICIAN and move.sentence.says("list", "you take", "you're on"):
        return MedicationStatus.ACTIVE, 0.7
    if _answers_about_medication(move):
        return MedicationStatus.ACTIVE, 0.9 if "have" in before else 0.8
    if _is_taken_now(move, mention):
        return MedicationStatus.ACTIVE, 0.7
    return MedicationStatus.UNKNOWN, 0.6


def _is_taken_now(move: Move, mention: Mention) -> bool:
    """ "It's twelve units now", "two puffs every four hours as needed", "they upped my Lexapro"."""
    sentence = mention.sentence
    if sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT):
        return move.act is Act.ASKS_OPENLY and sentence.says(*_DOSE_ASKED)
    dosing = dosing_of(sentence.words)
    changed = bool(_CHANGED & set(sentence.norms[: mention.first]))
    return changed or bool(dosing.dose and "now" in sentence.norms) or bool(dosing.frequency or dosing.as_needed)


def _answers_about_medication(move: Move) -> bool:
    asked = move.answers.sentence if move.answers else None
    if asked and asked.says("have you taken", "have you tried", "did you take", "in the past", "have you had"):
        return False
    return move.topic is Topic.MEDICATION and move.sentence.role not in (
        SpeakerRole.CLINICIAN,
        SpeakerRole.AGENT,
    )


def _gives_dose(reply: Move) -> bool:
    """ "Metoprolol?" "That's twenty-five, morning and evening." """
    dosing = dosing_of(reply.sentence.words, bare_number=True)
    return bool(dosing.dose or dosing.frequency or dosing.as_needed)


def _status_of_question(move: Move, mention: Mention) -> _Verdict:
    sentence = mention.sentence
    if move.answers and move.holds is None and len(sentence.words) <= _ECHO:
        return _status_told(move, mention, ())  # "Your diabetes pills?" "Metformin? Yes, every day."
    if any(reply.sentence.says("still taking", "still take", "still on", "still using") for reply in move.replies[:2]):
        return MedicationStatus.ACTIVE, 0.8
    if any(reply.sentence.says(*_DECLINED) for reply in move.replies):
        return MedicationStatus.NOT_TAKEN, 0.8
    if was_given_up(move) or any(reply.sentence.says(*_LONG_AGO) for reply in move.replies):
        return MedicationStatus.STOPPED, 0.8
    if move.holds is False:
        return (MedicationStatus.ACTIVE, 0.6) if is_stopped(mention) else (MedicationStatus.NOT_TAKEN, 0.8)
    if move.holds is None and any(_gives_dose(reply) for reply in move.replies[:2]):
        return MedicationStatus.ACTIVE, 0.7
    if is_stopped(mention) and move.holds:
        return MedicationStatus.STOPPED, 0.7
    if move.holds is None and any(_TAKES_IT.search(reply.sentence.plain) for reply in move.replies[:2]):
        return MedicationStatus.ACTIVE, 0.8
    asks_of_now = bool(set(sentence.norms[: mention.first]) & _TAKING) and not sentence.says(*_ONCE)
    if sentence.says(*_CONTINUE) or asks_of_now:
        return MedicationStatus.ACTIVE, 0.8 if move.holds else 0.5
    if move.holds and move.topic is Topic.MEDICATION:
        return MedicationStatus.ACTIVE, 0.7
    return MedicationStatus.UNKNOWN, 0.6
