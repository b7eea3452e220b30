"""Whether a drug was given up: by a verb of stopping, by what it did, by a switch, or in the answer to a question."""

import re
from collections.abc import Sequence

from memories.choices import MedicationStatus, SpeakerRole
from memories.extraction.dialogue import Move
from memories.extraction.mentions import Mention, medicines_in
from memories.extraction.reading import Sentence
from memories.vocabulary.words import word_set

_STOP_VERBS = word_set(
    "stop stopped stopping stops quit finish finishing complete discontinued discontinue discontinuing finished "
    "completed ceased "
    "hold holding held"
)
_NEVER_STOP = (
    "don't stop", "do not stop", "never stop", "not stop", "can't stop", "shouldn't stop",
    "haven't stopped", "didn't stop", "make sure you finish", "be sure to finish", "until you finish", "need to finish",
    "finish all of", "finish the whole", "not finish", "didn't finish", "haven't finished",
    "never stopped",
)  # fmt: skip
_NO_LONGER = ("no longer", "not anymore", "anymore", "any more")
_GIVEN_UP = (
    *_NO_LONGER, "used to", "came off", "got off", "went off", "come off", "took me off", "taken off",
    "took him off", "took her off", "weaned off", "ran out", "gave up on", "given up on", "threw out", "tapered off",
    "was on it", "was on that", "were on it", "was taking it", "didn't like it", "done with", "off it now",
    "off of it", "finished with", "got rid of", "had enough of", "taken me off",
    "but not", "not since",
)  # fmt: skip
#: "I haven't had that in years", "not taken it since May"; what is only needed at times is kept all the same.
_LONG_UNTAKEN = re.compile(
    r"\b(?:haven't|hasn't|have not|has not|not|never) (?:had|taken|took|used|touched|been on|been taking)\b.*"
    r"\b(?:in (?:a |over a )?(?:years?|months?|weeks?|ages|long|while)|for (?:a |over a )?(?:years?|months?|weeks?|ages"
    r"|long|while|two|three|four|six)|since)\b"
)
_OFF = re.compile(
    r"\b(?:wean|taper|took|take|taken|taking|got|get|gotten|came|come|coming|went|gone|been|pulled|kept)\w*"
    r"(?: (?:me|him|her|them|you|myself|himself|herself))?(?: (?:right|straight|completely|slowly|back))? off\b"
)
#: Said in the drug's own clause, these put it in the past.
_IN_THE_PAST = (
    *_GIVEN_UP[:-2], "off of", "in the past", "previously", "years ago", "months ago",
    "was on", "was taking", "were taking", "were on", "on hold", "been held", "is held", "had me on", "had him on",
    "had her on", "put me on for a while", "last took",
)  # fmt: skip
#: Said later in the drug's sentence, these say why it was left.
_DID_NOT_SUIT = (
    "ran out of", "didn't work", "did not work", "didn't help", "did not help", "didn't do very well",
    "didn't agree",
    "done with it", "done with that", "finished with it", "off it now", "couldn't tolerate", "could not tolerate",
    "stopped working", "stopped helping", "quit working", "wasn't working", "wasn't helping", "no longer works",
    "no longer worked", "didn't do anything", "did nothing for", "got it out", "had it out", "took it out",
    "had it removed", "got it removed", "before that", "didn't like it", "didn't like how", "couldn't stand it",
)  # fmt: skip
#: What a drug did that is named before; who goes on taking it says so.
_DID_HARM = re.compile(
    r"^(?:,? ?(?:but|because|which|it|that|always|just|both|all) )*(?:made|gave|caused|bothered|upset|slowed|messed)"
    r" (?:up )?(?:me|him|her|my|his)\b"
)
_ALL_THE_SAME = word_set("relief better relieved helped still take takes taking prescription refill half")
_ELSEWHERE = ("smoking", "drinking", "smoke", "drink")
_STARTING = word_set(
    "start begin take continue try add keep skip cut reduced increased lowered changed raised halved started"
)
_SWITCHING = word_set("switch switched switching change changed changing")
_IT = word_set("it that them those this taking")
#: "... and put him on torsemide": what came instead.
_ONTO = re.compile(r"\b(?:put|started|got|have|has|had) (?:me|him|her|them) (?:back )?on(?:to)?(?: the| a| an)?$")
_REACH = 12


def is_stopped(mention: Mention) -> bool:
    """Whether the drug's own sentence says that it was given up."""
    sentence = mention.sentence
    if sentence.says(*_NEVER_STOP):
        return False
    if is_left_by_verb(mention):
        return True
    if _is_long_untaken(mention):
        return True
    if _ONTO.search(" ".join(sentence.norms[: mention.first])):
        return False
    first, last = sentence.clause_of(mention.first)
    own, later = _plain(sentence, first, last), _plain(sentence, mention.last, last + _REACH)
    if _did_harm(mention) or _OFF.search(own):
        return True
    return any(phrase in own for phrase in _padded(_IN_THE_PAST)) or any(
        phrase in later for phrase in _padded(_DID_NOT_SUIT)
    )


def is_left_by_verb(mention: Mention) -> bool:
    """ "Stopped", "finished", "held": a verb that has the drug as its object."""
    norms = mention.sentence.norms
    return any(norm in _STOP_VERBS and _is_object(mention, at) for at, norm in enumerate(norms))


def _did_harm(mention: Mention) -> bool:
    """ "Prozac made me jittery", told of the past: it was left."""
    after = mention.sentence.norms[mention.last :]
    return bool(_DID_HARM.search(" ".join(after))) and not _ALL_THE_SAME & set(after)


def _is_long_untaken(mention: Mention) -> bool:
    """ "I haven't taken gabapentin since March", "no more Ambien for me"; not "not since this morning"."""
    norms, sentence = mention.sentence.norms, mention.sentence
    if norms[max(0, mention.first - 2) : mention.first] == ("no", "more"):
        return "than" not in norms and sentence.role != SpeakerRole.CLINICIAN
    if norms[mention.last : mention.last + 1] == ("now",) and {"don't", "doesn't", "not"} & set(norms[: mention.first]):
        return True
    untaken = {"haven't", "hasn't", "not", "hadn't"} & set(norms[: mention.first])
    lately = sentence.says("this morning", "yesterday", "last night", "today", "breakfast", "lunch")
    return bool(untaken) and "since" in norms[mention.last :] and not lately


def was_given_up(question: Move) -> bool:
    """ "Still on the Zocor?" "No." and "Taking your Zocor?" "No, I quit in June." are about a drug once taken."""
    if question.holds is False and question.sentence.says("still", "anymore"):
        return True
    return any(tells_of_stopping(reply) for reply in question.replies)


def tells_of_stopping(move: Move) -> bool:
    """Whether a sentence that names no drug tells that one was given up: "He finished it on Monday"."""
    sentence = move.sentence
    if move.is_question or sentence.says(*_ELSEWHERE, *_NEVER_STOP) or medicines_in(sentence):
        return False
    if sentence.says(*_GIVEN_UP) or _OFF.search(sentence.plain):
        return True
    return bool(_STOP_VERBS & set(sentence.norms)) or bool(_LONG_UNTAKEN.search(sentence.plain))


def asks_what_was_left(question: Move) -> bool:
    """ "Which ones did you stop?", "What did they take you off?", "What were you on in the past?" """
    sentence = question.sentence
    if sentence.says(*_ELSEWHERE):
        return False
    if sentence.says("in the past", "previously", "before this", "used to"):
        return True
    return bool(_STOP_VERBS & set(sentence.norms)) or bool(_OFF.search(" ".join(sentence.norms)))


def status_after_switch(mention: Mention) -> MedicationStatus | None:
    """ "Switch from lisinopril to losartan": the one is stopped, the other planned, or taken if it has happened."""
    norms = mention.sentence.norms
    verbs = _SWITCHING & set(norms[: mention.first])
    near = [norm for norm in norms[max(0, mention.first - 3) : mention.first] if norm in ("from", "to")]
    if not verbs or not near:
        return None
    if near[-1] == "from":
        return MedicationStatus.STOPPED
    return MedicationStatus.ACTIVE if verbs & {"switched", "changed"} else MedicationStatus.INTENDED


def _is_object(mention: Mention, verb: int) -> bool:
    """Whether a verb of stopping has this drug as its object: named after it, or as "it" and "that"."""
    norms = mention.sentence.norms
    if verb < mention.first:
        _, ends = mention.sentence.clause_of(verb)
        return mention.first < ends and not _STARTING & set(norms[verb + 1 : mention.first])
    return bool(_IT & set(norms[verb + 1 : verb + 4])) or verb + 1 >= len(norms) - 1


def _plain(sentence: Sentence, first: int, last: int) -> str:
    return f" {' '.join(norm for norm in sentence.norms[first:last] if norm[0].isalnum())} "


def _padded(phrases: Sequence[str]) -> list[str]:
    return [f" {phrase} " for phrase in phrases]
