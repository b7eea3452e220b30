"""Medications as said: which drug, how much of it, and whether it is taken."""

from collections.abc import Sequence

from memories.choices import Category, ClinicalStatus, MedicationStatus, Priority, SpeakerRole
from memories.extraction.assertion import is_someone_elses
from memories.extraction.candidates import Candidate, MedicationFacts, Quote
from memories.extraction.dialogue import Act, Move
from memories.extraction.dosing import Dosing, corrected_dose, dosing_of
from memories.extraction.mentions import Mention, medicines_in
from memories.extraction.misspelt import misspelt_medicines_in
from memories.extraction.numbers import number_at
from memories.extraction.settling import settled, told
from memories.extraction.stopping import is_stopped
from memories.extraction.substances import substances_of
from memories.extraction.taking import status_of
from memories.extraction.topics import Topic
from memories.vocabulary.drugs import high_alert_class
from memories.vocabulary.words import Word, word_set

_SETTLED = (MedicationStatus.STOPPED, MedicationStatus.ACTIVE, MedicationStatus.INTENDED)
_GIVING = word_set("take takes taking on prescribe continue start giving")
_TAKEN_FOR_GRANTED = word_set("which much many take taking taken took on use using used your the his her given had")
_FOLLOWING = 3
_SURE, _FAIRLY_SURE = 0.9, 0.7
_ASKED_OF_IT = (
    "how much", "how many", "how often", "how long", "how do you", "when", "what dose", "dose", "dosage", "strength",
    "milligrams", "it", "that", "them", "still", "sure", "prescription", "what time", "every day",
)  # fmt: skip
_SHORT = 9
_LEADS_ON = 4
#: Words and mark of "did you?", "right?".
_TAG = 3
#: Words at most of an answer that only puts a name right.
_BRIEF = 5
_LONG = 16
_LEAD = 9
_AT_ONCE = 4
_LEADING = word_set("yes yeah yep um uh well it's its that's they're about around just i take okay right")


def find_medications(moves: Sequence[Move], allergic_to: frozenset[str]) -> list[Candidate]:
    """The medications a conversation states, one for each mention. `allergic_to`: keys of the patient's allergens."""
    found = [
        _candidate(moves, at, mention)
        for at, move in enumerate(moves)
        for mention in (*medicines_in(move.sentence), *misspelt_medicines_in(move))
        if _is_medication(move, mention, allergic_to)
    ]
    return settled([one for one in found if one])


def _is_named_next(moves: Sequence[Move], at: int, mention: Mention) -> bool:
    """ "Your diabetes medication?" "Micronase?": the name stands for the class that was asked about."""
    turn = mention.sentence.turn
    following = (move for move in moves[at + 1 :] if turn < move.sentence.turn <= turn + 2)
    return moves[at].is_question and any(not one.is_class for move in following for one in medicines_in(move.sentence))


def _is_put_a_name_to(moves: Sequence[Move], at: int, mention: Mention) -> bool:
    """ "And a water pill." "What's the water pill called?" "Furosemide." """
    asked = (
        move.sentence.turn
        for move in moves[at + 1 : at + 6]
        if move.sentence.says("called", "name") and move.sentence.says(mention.name.lower())
    )
    turn = next(asked, None) if mention.is_class else None
    return turn is not None and any(
        not one.is_class for move in moves if move.sentence.turn == turn + 1 for one in medicines_in(move.sentence)
    )


def _is_said_closer(move: Move, mention: Mention) -> bool:
    """The "insulin" of "Insulin still the Lantus?", whose kind the same sentence or its answer names."""
    said = (mention.sentence, *(reply.sentence for reply in move.replies[:2]))
    return any(one.ingredient.startswith(f"{mention.ingredient} ") for each in said for one in medicines_in(each))


def _is_medication(move: Move, mention: Mention, allergic_to: frozenset[str]) -> bool:
    if mention.key.lower() in allergic_to or mention.name.lower() in allergic_to:
        return False
    on_allergies = move.topic is Topic.ALLERGY and not is_stopped(mention)
    if on_allergies and (not _is_given(move, mention) or any(one.key == mention.key for one in substances_of(move))):
        return False
    return not is_someone_elses(move, mention) and not _only_asks_about(move, mention)


def _only_asks_about(move: Move, mention: Mention) -> bool:
    """ "What is metformin for?" says nothing of who takes it; "how long have you been on metformin?" does."""
    if move.act is not Act.ASKS_OPENLY:
        return False
    before = set(mention.sentence.norms[: mention.first])
    if {"take", "takes", "taking", "use", "on"} & set(mention.sentence.norms[mention.last :]):
        return False
    return mention.sentence.role != SpeakerRole.CLINICIAN or not before & _TAKEN_FOR_GRANTED


def _is_given(move: Move, mention: Mention) -> bool:
    """Whether a drug named while allergies are talked about is taken or planned all the same."""
    if _GIVING & set(mention.sentence.norms[: mention.first]):
        return True
    return move.act is Act.TELLS and status_of(move, mention)[0] == MedicationStatus.INTENDED


def _candidate(moves: Sequence[Move], at: int, mention: Mention) -> Candidate | None:
    move = moves[at]
    if _is_said_closer(move, mention) or _is_put_a_name_to(moves, at, mention):
        return None
    status, confidence = status_of(move, mention, _said_after(moves, at))
    if mention.is_class and (_is_named_next(moves, at, mention) or not _class_counts(mention, status, confidence)):
        return None
    if move.act in (Act.ASKS, Act.CHECKS) and move.holds is None and _is_left_open(move, mention):
        return None
    dosing = _dosing(moves, at, mention)
    facts = MedicationFacts(
        mention.name,
        mention.ingredient,
        mention.guess,
        dosing.dose,
        dosing.route,
        dosing.frequency,
        dosing.as_needed,
        status,
    )
    return Candidate(
        category=Category.MEDICATION,
        about=(mention.ingredient or mention.name).lower(),
        content=told(facts),
        quote=_quote(move, mention),
        priority=Priority.CRITICAL if high_alert_class(mention.key) else Priority.HIGH,
        clinical_status=ClinicalStatus.INACTIVE if status == MedicationStatus.STOPPED else ClinicalStatus.ACTIVE,
        confidence=min(confidence, 0.5) if mention.guess else confidence,
        denied=status == MedicationStatus.NOT_TAKEN,
        medication=facts,
    )


def _said_after(moves: Sequence[Move], at: int) -> list[Move]:
    """What the same speaker says next in the same turn."""
    return [move for move in moves[at + 1 : at + 3] if move.sentence.turn == moves[at].sentence.turn]


def _is_left_open(move: Move, mention: Mention) -> bool:
    """An example that nobody took up, or a name that the answer puts right ("Metoprolol?" "Bisoprolol.")."""
    if len(medicines_in(move.sentence)) > 1:
        return mention.sentence.says("such as", "like")
    replies = [reply.sentence for reply in move.replies if len(reply.sentence.words) <= _BRIEF]
    answered = {one.key for reply in replies for one in medicines_in(reply)}
    return mention.sentence.says("such as", "like") or (bool(answered) and mention.key not in answered)


def _class_counts(mention: Mention, status: MedicationStatus, confidence: float) -> bool:
    """A class by its lay name is a fact when somebody is said to take it; "antibiotics" in general is none."""
    if mention.generic == "always" or status not in _SETTLED:
        return False
    if mention.generic == "unless taken":
        return confidence >= _SURE and mention.sentence.role != SpeakerRole.CLINICIAN
    return confidence >= _FAIRLY_SURE


def _dosing(moves: Sequence[Move], at: int, mention: Mention) -> Dosing:
    sentence = mention.sentence
    others = medicines_in(sentence)
    after = min((one.first for one in others if one.first >= mention.last), default=len(sentence.words))
    before = max((one.last for one in others if one.last <= mention.first), default=0)
    own = dosing_of(_words_after(mention, after), bare_number=True)
    lead = dosing_of(_words_leading_to(mention, before), nearest_last=True).or_else(Dosing(_counted(mention)))
    stated = own.or_else(lead) if not lead.dose or own.dose else Dosing(lead.dose).or_else(own)
    named = dosing_of(sentence.words[mention.first : mention.last])
    stated = stated.or_else(Dosing(route=named.route))
    if after < len(sentence.words):
        return stated
    return _put_right(stated.or_else(_said_next(moves, at, mention)), moves, at, mention)


def _counted(mention: Mention) -> str:
    """The "2" of "I take two Aleve"."""
    words = mention.sentence.words
    starts = (at for at in range(max(0, mention.first - 3), mention.first) if number_at(words, at)[1] == mention.first)
    first = next(starts, None)
    value = number_at(words, first)[0] if first else ""
    takes = first is not None and bool(_GIVING & set(mention.sentence.norms[max(0, first - 2) : first]))
    return value if takes and float(value) <= _AT_ONCE else ""


def _words_after(mention: Mention, ends: int) -> Sequence[Word]:
    """The words between this drug and the next, without a dose that leads to the next: "A, 20 mg of B"."""
    words = mention.sentence.words[mention.last : ends]
    if ends == len(mention.sentence.words):
        return words
    cut = max((at for at, word in enumerate(words) if word.norm in ("and", ",", "plus", "then")), default=-1)
    return words[:cut] if cut >= 0 and dosing_of(words[cut + 1 :]).dose else words


def _words_leading_to(mention: Mention, begins: int) -> Sequence[Word]:
    """The words between the drug named before and this one, back to the last "and" or comma."""
    words = mention.sentence.words[begins : mention.first]
    joins = ("and", "plus", "then") if begins == 0 else ("and", ",", "plus", "then")
    cut = max((at for at, word in enumerate(words) if word.norm in joins), default=-1)
    return words[cut + 1 :][-_LEAD:]


def _said_next(moves: Sequence[Move], at: int, mention: Mention) -> Dosing:
    """What the next sentences add: "How much?" "Ten milligrams." They end where another drug is named."""
    dosing = Dosing()
    for move in moves[at + 1 : at + 1 + _FOLLOWING]:
        others = [one for one in medicines_in(move.sentence) if one.key != mention.key]
        if move.topic not in (moves[at].topic, Topic.MEDICATION, None):
            break
        if move.is_question and not _keeps_to_it(move):
            break
        if others:
            return dosing.or_else(_before_the_next(move, others[0]))
        if _is_about_it(move):
            dosing = dosing.or_else(dosing_of(_after_yes(move), bare_number=_may_be_bare(move)))
    return dosing


def _before_the_next(answer: Move, other: Mention) -> Dosing:
    """What an answer says before it goes on to the next drug: "Ten milligrams, and the lorazepam at night"."""
    words = answer.sentence.words[: other.first]
    cut = max((at for at, word in enumerate(words) if word.norm in ("and", ",", "plus", "then")), default=0)
    return dosing_of(words[:cut]) if answer.answers and not answer.is_question else Dosing()


def _put_right(dosing: Dosing, moves: Sequence[Move], at: int, mention: Mention) -> Dosing:
    """The dosing after what the same turn or the next corrects: "Twenty." "No, hang on, it's forty now." """
    for move in moves[at + 1 : at + 1 + _FOLLOWING]:
        if any(one.key != mention.key for one in medicines_in(move.sentence)) or not dosing.dose:
            break
        changed = "" if move.is_question else corrected_dose(move.sentence.words, dosing.dose)
        dosing = Dosing(changed).or_else(dosing)
    return dosing


def _is_about_it(move: Move) -> bool:
    """Whether a sentence may speak of the drug just named; a refused question ("Twice a day?" "No.") does not."""
    if move.is_question and not (move.holds and move.sentence.says("that", "it", "still", "prescription", "dose")):
        return False
    if len(move.sentence.words) > _LONG and not dosing_of(move.sentence.words).dose:
        return False
    return not move.sentence.says("smoke", "drink", "pain", "exercise", "vomit", "walk", "shots")


def _keeps_to_it(question: Move) -> bool:
    """Whether a question asks on about the drug: "How much?", "Twice a day?"; not "And your sugar this morning?"."""
    sentence = question.sentence
    if len(sentence.words) <= _TAG:
        return True
    return sentence.says(*_ASKED_OF_IT) or bool(dosing_of(sentence.words)) or bool(medicines_in(sentence))


def _may_be_bare(move: Move) -> bool:
    """Whether a number without a unit can only be a dose: after "how much?", in "Yes, twenty daily", before a time."""
    value, end = number_at(_after_yes(move), 0)
    if value and dosing_of(_after_yes(move)[end : end + _LEADS_ON]).frequency:
        return True
    asked = move.answers.sentence if move.answers else None
    how_much = asked is not None and asked.says("how much", "dose", "dosage", "how many milligrams", "what strength")
    return how_much or (bool(move.answers) and len(move.sentence.words) <= _SHORT)


def _after_yes(move: Move) -> Sequence[Word]:
    words = move.sentence.words
    begins = next((at for at, word in enumerate(words) if not word.is_mark and word.norm not in _LEADING), 0)
    return words[begins:]


def _quote(move: Move, mention: Mention) -> Quote:
    """The mention's clause; for what a question asked and an answer settled, the answer."""
    if move.act in (Act.ASKS, Act.CHECKS) and move.holds is not None and move.replies:
        return move.replies[0].sentence.quote()
    return mention.sentence.quote()
