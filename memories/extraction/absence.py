"""The explicit statement that there are no allergies: none at all (NKA), or none to drugs (NKDA). Never inferred."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from memories.choices import AllergyAssertion, Category, Priority
from memories.extraction.assertion import is_someone_elses
from memories.extraction.candidates import AllergyFacts, Candidate, Quote
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import Mention
from memories.extraction.phrases import spans
from memories.extraction.reading import Sentence
from memories.extraction.substances import has_cue, substances_of
from memories.extraction.topics import DRUGS, Topic, asks_what_is_not_borne, drugs_only
from memories.vocabulary.allergens import allergens

_NONE = re.compile(
    r"\b(?:no (?:known |drug |medication |medicine |food |other known |significant )*allerg(?:y|ies)|nkd?a"
    r"|(?:don't|do not|doesn't|does not|never|denies|denied)(?: have| had| having)?(?: any| known| drug"
    r"| medication)* allerg(?:y|ies)|(?:not|n't|never been) allergic)\b"
)
_MORE = (
    "any other allergies",
    "anything new",
    "new allergies",
    "any changes",
    "no other allergies",
    "any other",
    "else",
    "besides",
    "apart",
    "aside",
    "other than",
    "except",
    "but",
)
_ANYTHING = ("medications", "medication", "medicine", "medicines", "drugs", "drug", "meds", "anything")
#: Asked after single substances, these sum them up.
_AT_ALL = ("nothing at all", "none at all", "anything at all", "nothing whatsoever", "no allergies")
_SAYS = {
    AllergyAssertion.NONE_KNOWN: ("no known allergies", "No known allergies."),
    AllergyAssertion.NO_DRUG_KNOWN: ("no known drug allergies", "No known drug allergies."),
}


def find_absence(moves: Sequence[Move], stated: Sequence[Candidate]) -> list[Candidate]:
    """The statements that there are no (drug) allergies. None that the stated allergies of the same talk contradict."""
    asked = [(_by_answer(move, moves), move.replies[0].sentence.quote()) for move in moves if _is_denied_question(move)]
    told = [(_by_statement(move, moves), move.sentence.quote()) for move in moves if _states_absence(move)]
    found: dict[tuple[str, Quote], Candidate] = {}
    for assertion, quote in sorted([*asked, *told], key=lambda one: (one[1].turn, one[1].start)):
        if not _contradicted(assertion, stated):
            found.setdefault((assertion, quote), _candidate(assertion, quote))
    return list(found.values())


def _is_denied_question(move: Move) -> bool:
    return (
        move.act in (Act.ASKS, Act.CHECKS)
        and move.holds is False
        and bool(move.replies)
        and (move.own_topic or move.sentence.says(*_AT_ALL))
        and move.topic is Topic.ALLERGY
        and not move.sentence.says(*_MORE)
        and (has_cue(move.sentence) or not asks_what_is_not_borne(move.sentence))
        and (
            move.sentence.says(*_ANYTHING)
            or not move.sentence.says("food", "foods", "pollen", "seasonal", "environmental")
        )
        and (not substances_of(move) or move.sentence.says(*_ANYTHING))
        and not any(_states_absence(reply) for reply in move.replies)
    )


def _by_answer(move: Move, moves: Sequence[Move]) -> AllergyAssertion:
    """Of several questions about allergies in one turn, the narrowest is what "no" surely answers."""
    together = _allergy_questions(move, moves)
    return _assertion(any(one.drugs_only for one in together))


def _states_absence(move: Move) -> bool:
    sentence = move.sentence
    if move.is_question or sentence.says(*_MORE) or substances_of(move):
        return False
    match = next(spans(sentence.words, _NONE), None)
    if match is None or sentence.says("food allergies", "no food", "seasonal", "if"):
        return False
    return not is_someone_elses(move, Mention(sentence, match[0], match[1], ""))


def _by_statement(move: Move, moves: Sequence[Move]) -> AllergyAssertion:
    asked = _allergy_questions(move.answers, moves) if move.answers else []
    asked_for_drugs = bool(asked) and all(one.drugs_only for one in asked)
    return _assertion(_denies_drugs_alone(move.sentence) or asked_for_drugs or move.sentence.says("nkda"))


def _denies_drugs_alone(sentence: Sentence) -> bool:
    """Whether the clause that denies allergies speaks of drugs; "I take no medicines and I have no allergies" does
    not."""
    match = next(spans(sentence.words, _NONE))
    first, last = sentence.clause_of(match[0])
    clause = " ".join(norm for norm in sentence.norms[first:last] if norm[0].isalnum())
    return drugs_only(sentence) and any(f" {word} " in f" {clause} " for word in DRUGS)


def _allergy_questions(question: Move, moves: Sequence[Move]) -> list[Move]:
    """The questions about allergies in the turn of one of them."""
    turn = question.sentence.turn
    begins = bisect_left(moves, turn, key=_turn)
    together = moves[begins : bisect_right(moves, turn, lo=begins, key=_turn)]
    return [one for one in together if one.topic is Topic.ALLERGY and one.is_question]


def _turn(move: Move) -> int:
    return move.sentence.turn


def _assertion(drugs: bool) -> AllergyAssertion:
    return AllergyAssertion.NO_DRUG_KNOWN if drugs else AllergyAssertion.NONE_KNOWN


def _contradicted(assertion: AllergyAssertion, stated: Sequence[Candidate]) -> bool:
    if assertion == AllergyAssertion.NONE_KNOWN:
        return bool(stated)
    return any(one.allergy and one.allergy.ingredient and _is_drug(one.allergy.ingredient) for one in stated)


def _is_drug(ingredient: str) -> bool:
    listed = allergens().exactly(ingredient)
    return listed is None or listed.kind == "drug"


def _candidate(assertion: AllergyAssertion, quote: Quote) -> Candidate:
    about, content = _SAYS[assertion]
    return Candidate(
        Category.ALLERGY,
        about,
        content,
        quote,
        Priority.CRITICAL,
        confidence=0.9,
        allergy=AllergyFacts("", assertion=assertion),
    )
