"""Whether a drug that is named is taken now, was stopped, is planned, or is not taken."""

import re

from memories.choices import MedicationStatus, SpeakerRole
from memories.extraction.assertion import is_excepted
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import Mention, medicines_in
from memories.extraction.polarity import NEGATIONS
from memories.extraction.topics import Topic

_STOP_VERBS = frozenset(
    "stop stopped stopping quit discontinued discontinue discontinuing finished ceased stops".split()
)
_STOPPED = (
    "no longer", "not anymore", "anymore", "any more", "used to take", "used to be on", "used to use", "came off", "got off", "went off", "took me off",
    "taken off", "took him off", "took her off", "come off", "off of", "weaned off", "in the past", "previously", "years ago", "months ago",
    "ran out of", "didn't work", "did not work", "didn't help", "did not help", "didn't do very well", "didn't agree",
    "couldn't tolerate", "could not tolerate", "was on", "were on",
)  # fmt: skip
_GIVEN_UP = (
    "no longer", "not anymore", "anymore", "used to", "came off", "got off", "went off", "took me off", "taken off", "took him off", "took her off",
    "weaned off", "ran out",
)  # fmt: skip
_DECLINED = ("decided against", "declined", "refused", "turned it down")
_ECHO = 4
_TAKES_IT = re.compile(r"\b(?:take|takes|taking|use|uses|using|on) (?:it|that|them)\b")
_TAKING = frozenset("take takes taking use uses using on inject injects injecting".split())
_TOOK = frozenset("took taken used tried had given gave received applied try".split())
_DENIABLE = _TAKING | _TOOK | frozenset("have need want started start".split())
_PLANNED = (
    "i'll", "we'll", "i will", "we will", "will be", "going to", "gonna", "gon na", "i'm gonna", "want you to", "like you to", "prescribe", "prescribing",
    "prescription for", "i've prescribed", "i have prescribed", "prescribed you", "can get", "i would recommend", "i recommend", "recommend", "let's try", "let's do", "let's go with", "let's use", "we can do", "write you", "let's start", "let's put", "start you on", "start taking", "start on",
    "start him on", "start her on", "starting you on", "give you", "order you", "plan to", "supposed to start", "supposed to take", "send in", "should take", "advise",
    "can take", "can try", "could try", "could take", "put you on", "script for", "begin", "go ahead and start", "will start", "to start", "add", "would be advisable",
)  # fmt: skip
_CONTINUE = (
    "continue",
    "keep taking",
    "keep using",
    "keep on taking",
    "stay on",
    "carry on",
    "refill",
    "continuing",
    "keep up with",
    "remain on",
    "increase your",
    "still taking",
    "still on",
    "still take",
    "still using",
)
_TENTATIVE = frozenset(
    "could maybe might perhaps if consider thinking may would such or either something".split()
)
_NEVER_STOP = (
    "don't stop",
    "do not stop",
    "never stop",
    "not stop",
    "can't stop",
    "shouldn't stop",
    "haven't stopped",
    "didn't stop",
    "never stopped",
)
_EXAMPLES = ("such as", "like", "anything", "something")


def status_of(move: Move, mention: Mention) -> tuple[MedicationStatus, float]:
    """The status that a move gives a drug it names, and how sure it sounds (0 to 1)."""
    if is_excepted(mention):
        left_out = move.act is Act.TELLS and mention.sentence.says(*_CONTINUE)
        return (MedicationStatus.STOPPED if left_out else MedicationStatus.ACTIVE), 0.8
    if move.act in (Act.ASKS, Act.CHECKS):
        return _status_of_question(move, mention)
    if is_not_taken(mention):
        return MedicationStatus.NOT_TAKEN, 0.8
    return _status_told(move, mention)


def is_not_taken(mention: Mention) -> bool:
    """ "I don't take aspirin", "no aspirin", "never had aspirin"; not "no problems with aspirin"."""
    norms = mention.sentence.norms
    begins, _ = mention.sentence.clause_of(mention.first)
    cues = [at for at in range(begins, mention.first) if norms[at] in NEGATIONS]
    if not cues or mention.sentence.says("no longer", "anymore", "any more", *_NEVER_STOP):
        return False
    cue, between = cues[-1], set(norms[cues[-1] + 1 : mention.first])
    if {"just", "only", "except", "than", "besides"} & between:
        return False
    adjacent = (
        all(norm in ("any", "the", "a", "an", "of", "or", "and", ",", "more", "other") for norm in between)
        or not between
    )
    if norms[cue] == "no" and cue + 1 < len(norms) and norms[cue + 1] in (",", "."):
        return False
    return (adjacent and norms[cue] in ("no", "not", "without", "never", "nor")) or bool(between & _DENIABLE)


def _status_told(move: Move, mention: Mention) -> tuple[MedicationStatus, float]:
    if is_stopped(mention):
        return (
            (MedicationStatus.ACTIVE, 0.5) if mention.sentence.says("if") else (MedicationStatus.STOPPED, 0.8)
        )
    sentence, clinician = (
        mention.sentence,
        mention.sentence.role in (SpeakerRole.CLINICIAN, SpeakerRole.AGENT),
    )
    before = sentence.norms[: mention.first]
    if sentence.says(*_CONTINUE):
        return MedicationStatus.ACTIVE, 0.8
    if sentence.says(*_PLANNED) and (
        clinician or sentence.role == SpeakerRole.UNKNOWN or sentence.says("going to", "supposed to", "i'll")
    ):
        return MedicationStatus.INTENDED, 0.5 if set(before) & _TENTATIVE else 0.8
    if clinician and set(before) & _TENTATIVE:
        return MedicationStatus.INTENDED, 0.4
    return _by_verb(move, mention, before)


def _by_verb(move: Move, mention: Mention, before: tuple[str, ...]) -> tuple[MedicationStatus, float]:
    verbs = [norm for norm in before if norm in _TAKING | _TOOK]
    if verbs and verbs[-1] in _TAKING:
        return MedicationStatus.ACTIVE, 0.9
    if verbs:
        if mention.sentence.says("before", "also took"):
            return MedicationStatus.STOPPED, 0.6
        return (
            (MedicationStatus.ACTIVE, 0.6)
            if mention.sentence.says("have")
            else (MedicationStatus.UNKNOWN, 0.7)
        )
    if _TAKES_IT.search(" ".join(mention.sentence.norms[mention.last :])):
        return MedicationStatus.ACTIVE, 0.8
    if (
        "have" in before
        and not verbs
        and mention.sentence.role != SpeakerRole.CLINICIAN
        and move.topic is Topic.MEDICATION
    ):
        return MedicationStatus.ACTIVE, 0.9
    if _answers_about_medication(move):
        return MedicationStatus.ACTIVE, 0.8
    return MedicationStatus.UNKNOWN, 0.6


def _answers_about_medication(move: Move) -> bool:
    asked = move.answers.sentence if move.answers else None
    if asked and asked.says(
        "have you taken", "have you tried", "did you take", "in the past", "have you had"
    ):
        return False
    return move.topic is Topic.MEDICATION and move.sentence.role not in (
        SpeakerRole.CLINICIAN,
        SpeakerRole.AGENT,
    )


def is_stopped(mention: Mention) -> bool:
    sentence = mention.sentence
    if sentence.says(*_NEVER_STOP):
        return False
    verbs = [at for at, norm in enumerate(sentence.norms) if norm in _STOP_VERBS]
    if any(_stops(mention, at) for at in verbs):
        return True
    first, last = sentence.clause_of(mention.first)
    clause = f" {' '.join(norm for norm in sentence.norms[first:last] if norm[0].isalnum())} "
    follows = f" {' '.join(norm for norm in sentence.norms[first : last + 12] if norm[0].isalnum())} "
    return any(f" {phrase} " in clause for phrase in _STOPPED) or any(
        f" {phrase} " in follows for phrase in _STOPPED[-9:-2]
    )


def _stops(mention: Mention, verb: int) -> bool:
    """Whether a verb of stopping has this drug as its object: named after it, or as "it" and "that"."""
    norms = mention.sentence.norms
    if verb < mention.first:
        _, ends = mention.sentence.clause_of(verb)
        return mention.first < ends
    return (
        any(norm in ("it", "that", "them", "those", "taking", "this") for norm in norms[verb + 1 : verb + 4])
        or verb + 1 >= len(norms) - 1
    )


def _was_given_up(move: Move) -> bool:
    """ "Still on the Zocor?" "No." and "Taking your Zocor?" "No, I quit in June." are about a drug once taken."""
    if move.holds is False and move.sentence.says("still", "anymore"):
        return True
    return any(_tells_of_stopping(reply) for reply in move.replies)


def _tells_of_stopping(reply: Move) -> bool:
    stops = bool(_STOP_VERBS & set(reply.sentence.norms)) and not reply.sentence.says(
        "smoking", "drinking", *_NEVER_STOP
    )
    return (
        not reply.is_question
        and (stops or reply.sentence.says(*_GIVEN_UP))
        and not medicines_in(reply.sentence)
    )


def _status_of_question(move: Move, mention: Mention) -> tuple[MedicationStatus, float]:
    sentence = mention.sentence
    if move.answers and move.holds is None and len(sentence.words) <= _ECHO:
        return _status_told(move, mention)  # "Your diabetes pills?" "Metformin? Yes, every day."
    if any(reply.sentence.says(*_DECLINED) for reply in move.replies):
        return MedicationStatus.NOT_TAKEN, 0.8
    if move.holds is not True and _was_given_up(move):
        return MedicationStatus.STOPPED, 0.8
    if move.holds is False:
        return (MedicationStatus.ACTIVE, 0.6) if is_stopped(mention) else (MedicationStatus.NOT_TAKEN, 0.8)
    if is_stopped(mention) and move.holds:
        return MedicationStatus.STOPPED, 0.7
    if sentence.says(*_CONTINUE) or set(sentence.norms[: mention.first]) & _TAKING:
        return MedicationStatus.ACTIVE, 0.8 if move.holds else 0.5
    return (
        (MedicationStatus.ACTIVE, 0.7)
        if move.holds and move.topic is Topic.MEDICATION
        else (MedicationStatus.UNKNOWN, 0.6)
    )
