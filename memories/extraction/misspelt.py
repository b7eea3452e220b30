"""Drug names that no vocabulary holds: kept as heard, with the known name they resemble as a question for staff."""

from memories.extraction.dialogue import Move
from memories.extraction.dosing import dosing_of
from memories.extraction.mentions import Mention, allergens_in, conditions_in, heard, medicines_in
from memories.vocabulary.drugs import resembling
from memories.vocabulary.words import word_set

_VERBS = word_set("take takes taking took taken on using prescribed prescribe started start called")
_BETWEEN = word_set("my the some a an some also just and of")
_SHORTEST = 5


def misspelt_medicines_in(move: Move) -> list[Mention]:
    """Words where a drug must stand (after "takes", before a dose) that resemble a known drug's name."""
    sentence = move.sentence
    named = [*medicines_in(sentence), *allergens_in(sentence), *conditions_in(sentence)]
    known = {at for one in named for at in range(one.first, one.last)}
    found = []
    for at, word in enumerate(sentence.words):
        if at in known or len(word.norm) < _SHORTEST or not word.norm.isalpha() or not _stands_for_a_drug(move, at):
            continue
        guess = resembling(word.norm)
        if guess:
            found.append(Mention(sentence, at, at + 1, heard(sentence, at, at + 1), guess=guess))
    return found


def _stands_for_a_drug(move: Move, at: int) -> bool:
    norms = move.sentence.norms
    before = at - 1
    while before >= 0 and norms[before] in _BETWEEN:
        before -= 1
    taken = before >= 0 and norms[before] in _VERBS
    listed = (
        before == at - 1 and norms[before] in (",", "and") and bool(medicines_in(move.sentence))
        if before >= 0
        else False
    )
    return taken or listed or bool(dosing_of(move.sentence.words[at + 1 : at + 4]).dose)
