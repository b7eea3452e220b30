"""Dialogue acts: who asks what about which topic, and how it was answered.

A question stays open until the other side says something that answers it; asking back ("What do you mean?") does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import groupby, pairwise

from memories.choices import SpeakerRole
from memories.extraction.mentions import REACTIONS, conditions_in, medicines_in
from memories.extraction.polarity import agreement, is_negative
from memories.extraction.reading import Sentence
from memories.extraction.topics import FAMILY, OTHER_KINDS, Topic, drugs_only, is_follow_up, stands_alone, topic_of
from memories.vocabulary.words import word_set


class Act(Enum):
    TELLS = "tells"
    ASKS = "asks"  # "Do you have asthma?", "Any allergies?"
    ASKS_OPENLY = "asks openly"  # "What do you take for your asthma?": takes its parts for granted
    CHECKS = "checks"  # "You have asthma?", "No allergies, correct?"


@dataclass
class Move:
    """What one sentence does. `holds`: what the answer says of a question's content (None: left open).

    `next` is the sentence said after it, by whomever; `answers` is the question this sentence replies to; `replies`
    the sentences that reply to this one.
    `kin_is_patient`: the patient is absent, so a clinician's "your mother" to a caregiver is the patient.
    """

    sentence: Sentence
    act: Act
    topic: Topic | None
    drugs_only: bool = False
    own_topic: bool = False
    holds: bool | None = None
    answers: "Move | None" = None
    kin_is_patient: bool = False
    next: "Move | None" = None
    replies: list["Move"] = field(default_factory=list)

    @property
    def is_question(self) -> bool:
        return self.act is not Act.TELLS


_AUXILIARIES = word_set(
    "do does did are is was were have has had can could would will any don't doesn't didn't aren't isn't haven't hasn't"
)
_OPENERS = word_set("what which how when where who why what's how's where's when's who's how're what're how'd")
_REQUESTS = (
    "tell me",
    "can you tell me",
    "could you tell me",
    "can you please confirm",
    "can you confirm",
    "remind me",
)
_LEAD_INS = word_set(
    "so and okay ok now oh hm hmm um uh well alright right great good then but also fine sure ah mm sorry all see"
)
_TAKING = ("take", "takes", "taking", "on")
_CANNOT = ("can't take", "cannot take", "can't have", "can't tolerate", "not take", "never take")
_PROBES = (
    "are you sure",
    "is that so",
    "oh really",
    "say again",
    "what do you mean",
    "what was that",
    "pardon",
)
_SUBJECTS = word_set(
    "you you're you've he he's she she's they they're i i'm i've we it it's there there's that this your his her"
)


#: Sentences of a turn, at most, that answer the questions before it.
_ANSWER = 40


def follow(sentences: Sequence[Sentence]) -> list[Move]:
    """One move a sentence, in order, with topics carried along and answers tied to their questions."""
    moves: list[Move] = []
    asked: list[list[Move]] = []
    for _, turn in groupby(sentences, key=lambda sentence: sentence.turn):
        new = _with_topics(list(turn), moves[-1] if moves else None)
        _take_turn(asked, new)
        moves += new
    for move, following in pairwise(moves):
        move.next = following
    roles = {sentence.role for sentence in sentences}
    if SpeakerRole.CAREGIVER in roles and SpeakerRole.PATIENT not in roles:
        _let_kin_be_patient(moves)
    return moves


def _let_kin_be_patient(moves: Sequence[Move]) -> None:
    for move in moves:
        move.kin_is_patient = True
        if move.topic is Topic.FAMILY and not any(one.sentence.says(*FAMILY) for one in (move, move.answers) if one):
            move.topic = topic_of(move.sentence, kin_counts=False) or (move.answers.topic if move.answers else None)
            move.drugs_only = drugs_only(move.sentence) if not move.answers else move.answers.drugs_only


def _take_turn(asked: list[list[Move]], turn: list[Move]) -> None:
    """Settles and opens questions; `asked` holds the open ones, the latest on top."""
    speaker = turn[0].sentence.speaker
    asks_back = False
    if asked and asked[-1][0].sentence.speaker == speaker:
        _narrow(asked[-1], turn)
    elif asked:
        asks_back = _asks_back(asked[-1][-1], turn)
        if not asks_back:
            _answer(asked.pop(), turn)
            if asked:
                _narrow(asked[-1], turn)
    new = [move for move in turn if move.is_question and not move.sentence.says(*_PROBES)]
    if new:
        asked[:] = [*(asked[-1:] if asks_back else []), new]


def _narrow(asked: list[Move], turn: list[Move]) -> None:
    """Says again what the open question is about: "Just allergies to medications, really"."""
    for move in turn:
        if move.own_topic and not move.is_question and move.topic is asked[-1].topic:
            asked[-1].drugs_only = move.drugs_only


def _with_topics(turn: list[Sentence], before: Move | None) -> list[Move]:
    moves = []
    for sentence in turn:
        before = _move(sentence, before)
        moves.append(before)
    return moves


def _move(sentence: Sentence, before: Move | None) -> Move:
    act, topic = _act(sentence), topic_of(sentence)
    if topic is Topic.MEDICATION and _is_on_allergies(before) and _asks_for_another_kind(sentence, before):
        return Move(sentence, act, Topic.ALLERGY, drugs_only=True, own_topic=True)
    if topic is None and act is not Act.TELLS and medicines_in(sentence):
        topic = Topic.MEDICATION if not _is_on_allergies(before) or _speaks_of_taking(sentence) else None
    if topic:
        return Move(sentence, act, topic, drugs_only(sentence), own_topic=True)
    if (
        before is None
        or _changes_subject(sentence, act)
        or (_is_on_allergies(before) and _leaves_allergies(sentence, act))
    ):
        return Move(sentence, act, None)
    return Move(sentence, act, before.topic, before.drugs_only)


def _is_on_allergies(before: Move | None) -> bool:
    return before is not None and before.topic is Topic.ALLERGY


def _leaves_allergies(sentence: Sentence, act: Act) -> bool:
    """Whether a sentence that does not say so goes on to something else than the allergies just asked about."""
    return _turns_to_illness(sentence) or (act is not Act.TELLS and stands_alone(sentence))


def _turns_to_illness(sentence: Sentence) -> bool:
    """ "You've had diabetes a long time": whoever asked about allergies is done with them."""
    return sentence.role == SpeakerRole.CLINICIAN and any(
        one.name not in REACTIONS and "allerg" not in one.name for one in conditions_in(sentence)
    )


def _asks_for_another_kind(sentence: Sentence, before: Move | None) -> bool:
    """ "Any medication?",
    "As in drugs?" asks for a kind of allergy, unless the question about all of them is settled."""
    asked = before.answers if before else None
    settled = asked is not None and asked.holds is not None and before is not None and not before.is_question
    of_one_kind = asked is not None and asked.sentence.says(*OTHER_KINDS)
    only_names_it = sentence.asks and len([norm for norm in sentence.norms if norm[0].isalnum()]) <= 3
    return only_names_it and (of_one_kind or not settled or sentence.says("to"))


def _changes_subject(sentence: Sentence, act: Act) -> bool:
    if act is Act.TELLS:
        return sentence.role == SpeakerRole.CLINICIAN and len(sentence.words) > 14
    return not is_follow_up(sentence)


def _act(sentence: Sentence) -> Act:
    content = [norm for norm in sentence.norms if norm[0].isalnum()]
    while len(content) > 1 and content[0] in _LEAD_INS:
        content = content[1:]
    first, plain = content[0], " ".join(content)
    if plain.startswith(_REQUESTS):
        return Act.ASKS_OPENLY
    inverted = first in _AUXILIARIES and len(content) > 1 and sentence.norms[-1] != "."
    if not sentence.asks and not inverted:
        return Act.TELLS
    if first in _OPENERS and not plain.startswith(("what about", "how about", "what like")):
        return Act.ASKS_OPENLY
    declares = first in _SUBJECTS or (
        first not in _AUXILIARIES and sentence.says("are your", "is your", "are his", "are her")
    )
    return Act.CHECKS if declares or is_negative(content[:2]) else Act.ASKS


def _answer(asked: list[Move], turn: list[Move]) -> None:
    """Ties a turn to the open questions that it answers."""
    says_yes = agreement([move.sentence for move in turn], echoed=asked[-1].sentence.norms)
    if any(move.is_question and move.drugs_only and move.topic is asked[-1].topic for move in turn):
        asked[-1].drugs_only = True  # "Allergic?" "To any medications? No."
    for question in asked:
        question.holds = _settled(question, says_yes, last=question is asked[-1])
        question.replies += turn[:_ANSWER]
    for move in turn:
        move.answers = asked[-1]
        if _stays_on(asked[-1], move):
            move.topic, move.drugs_only = asked[-1].topic, asked[-1].drugs_only


def _stays_on(asked: Move, move: Move) -> bool:
    """Whether an answer stays with the question's topic: "an antibiotic called ..." still answers "any allergies?"."""
    if asked.topic is Topic.FAMILY or not (move.own_topic or move.is_question):
        return True
    wanders = move.topic in (Topic.MEDICATION, Topic.SUBSTANCE)  # "cigarette smoke" is an allergen here
    return asked.topic is Topic.ALLERGY and wanders and not _speaks_of_taking(move.sentence)


def _speaks_of_taking(sentence: Sentence) -> bool:
    return sentence.says(*_TAKING) and not sentence.says(*_CANNOT)


def _denies_throughout(sentence: Sentence) -> bool:
    """Whether every clause denies: "no allergies, correct?", not "you take nothing, but you're allergic to ...?"."""
    clauses = [sentence.norms[first:last] for first, last in sentence.clauses if last - first > 2]
    return all(is_negative(clause) for clause in clauses or [sentence.norms])


def _asks_back(asked: Move, turn: list[Move]) -> bool:
    """Whether a turn asks instead of answering: "Me?", "What do you mean?", "Which allergies are there?"."""
    questions = [move for move in turn if move.is_question]
    if not questions:
        return False
    telling = [move.sentence for move in turn if not move.is_question]
    again = questions[-1].own_topic and questions[-1].topic is asked.topic
    return agreement(telling) is None or (again and questions[-1].sentence.says("what", "which"))


def _settled(question: Move, says_yes: bool | None, last: bool) -> bool | None:
    """Whether what was asked holds. Agreeing with "no allergies, correct?" denies them."""
    if question.act is Act.ASKS_OPENLY or says_yes is None:
        return None
    if question.act is Act.CHECKS and _denies_throughout(question.sentence):
        return False
    return says_yes if last or not says_yes else None
