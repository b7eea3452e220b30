"""Conditions of the patient: diagnoses and past illnesses, under their normal clinical names."""

from collections.abc import Sequence

from memories.choices import Category, ClinicalStatus, Priority, SpeakerRole
from memories.extraction.ailments import ailments_in
from memories.extraction.assertion import Truth, is_someone_elses, truth_of
from memories.extraction.candidates import Candidate, Quote
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import Mention, allergens_in, conditions_in, heard
from memories.extraction.polarity import agreement
from memories.extraction.topics import Topic
from memories.vocabulary.conditions import is_listed
from memories.vocabulary.words import word_set

_VAGUE = word_set("problem problems issue issues trouble troubles condition conditions attack attacks")
_GENERAL = frozenset({"disease", "disorder"})
_CLAIMS = word_set("have has had having i've he's she's with of diagnosed got suffer suffers developed for")
_REACTIONS = frozenset({"hives", "dermatitis"})
_ADJECTIVES = ("ic", "ive", "al")
#: Said alone beside a cancer by name, these speak of that one.
_CANCERS = word_set("cancer tumor carcinoma")
_YES_AND = (" yes and ", " yeah and ", " yes plus ", " i do and ", " yes i do and ", " yes i also ", " also ")
_ON_RECORD = (
    "chart",
    "record",
    "records",
    "notes",
    "it says",
    "i see",
    "list",
    "down here",
    "according to",
    "mentions",
)
_TREATED = ("i use ", "i take ", "i'm on ", "i wear ", "i have a ", "he takes ", "she takes ", "he uses ", "she uses ")
_OVER = (
    "in remission",
    "resolved",
    "cured",
    "went away",
    "cleared up",
    "used to have",
    "recovered",
    "got over",
    "grew out of",
    "as a child",
    "outgrew",
)


def find_conditions_of_patient(moves: Sequence[Move]) -> list[Candidate]:
    """The conditions a conversation states or denies of the patient, one for each quote."""
    found: dict[tuple[str, Quote, bool], Candidate] = {}
    for move in moves:
        for mention in (*conditions_in(move.sentence), *ailments_in(move)):
            candidate = _candidate(move, mention)
            if candidate:
                found.setdefault((candidate.about, candidate.quote, candidate.denied), candidate)
    stated = {one.about for one in found.values() if not one.denied}
    special = any(name.split()[-1] in _CANCERS and " " in name for name in stated)
    return [
        one
        for one in found.values()
        if not (one.denied and one.about in stated) and not (special and one.about in _CANCERS)
    ]


def _candidate(move: Move, mention: Mention) -> Candidate | None:
    if is_someone_elses(move, mention) or (_is_vague(mention) and not _is_claimed(move, mention)):
        return None
    truth = _truth(move, mention)
    if _is_a_reaction(move, mention) or (truth is Truth.DENIED and _is_vague(mention)):
        return None
    if truth in (Truth.IMAGINED, Truth.OPEN):
        return None
    denied = truth is Truth.DENIED
    over = mention.sentence.says(*_OVER)
    return Candidate(
        category=Category.MEDICAL_HISTORY,
        about=mention.name,
        content=_content(mention, denied, over),
        quote=_quote(move),
        priority=Priority.HIGH,
        clinical_status=ClinicalStatus.RESOLVED if over else ClinicalStatus.ACTIVE,
        denied=denied,
        metadata=_said_as(mention),
    )


def _said_as(mention: Mention) -> dict[str, str | float]:
    """The noun heard for a condition, where that is not its clinical name: "a leaky valve"."""
    words = mention.sentence.norms[mention.first : mention.last]
    said = " ".join(words)
    spelt = any(len(word) == 1 for word in words)
    differs = said != mention.name.lower() and is_listed(said) and not said.endswith(_ADJECTIVES) and not spelt
    return {"said_as": said} if differs else {}


def _is_vague(mention: Mention) -> bool:
    head = mention.name.split()[-1]
    if head in ("attack", "attacks") and is_listed(mention.name):
        return False
    return (
        mention.name in ("allergies", "tumor", "cyst")
        or head in _VAGUE
        or (head in _GENERAL and not is_listed(mention.name))
    )


def _is_a_reaction(move: Move, mention: Mention) -> bool:
    """Hives "that I get from shellfish" belong to the allergy."""
    if mention.name not in _REACTIONS:
        return False
    if mention.sentence.role == SpeakerRole.CLINICIAN and move.act is Act.TELLS and not allergens_in(mention.sentence):
        return False
    before = mention.sentence.norms[: mention.first]
    return (
        move.topic is Topic.ALLERGY
        or not set(before) & {"have", "had", "has", "of"}
        or bool(allergens_in(mention.sentence))
    )


def _is_claimed(move: Move, mention: Mention) -> bool:
    """ "I have kidney problems" is a fact as far as it goes; "it's a skin disease" is a way of talking."""
    begins, _ = mention.sentence.clause_of(mention.first)
    before = mention.sentence.norms[begins : mention.first]
    asserts = move.act is Act.TELLS or (move.act is Act.CHECKS and move.holds)
    return bool(asserts) and bool(set(before) & _CLAIMS) and not set(before) & {"any", "anything"}


def _truth(move: Move, mention: Mention) -> Truth:
    """As asserted; an answer that names some itself ("Yes, gout but no diabetes") stands for those alone."""
    truth = truth_of(move, mention)
    if truth is Truth.STATED and move.act is Act.TELLS and _is_denied_at_once(move):
        return Truth.DENIED
    if truth is Truth.OPEN and move.act is Act.ASKS and _is_treated(move):
        return Truth.STATED
    if (
        truth is Truth.STATED
        and move.act is Act.ASKS
        and any(conditions_in(reply.sentence) for reply in move.replies)
        and not _adds(move)
    ):
        return Truth.OPEN
    return truth


def _is_denied_at_once(move: Move) -> bool:
    """ "Your chart mentions lupus." "No, they ruled that out." """
    reply = move.next
    if move.sentence.role != SpeakerRole.CLINICIAN or reply is None or reply.sentence.turn == move.sentence.turn:
        return False
    return move.sentence.says(*_ON_RECORD) and agreement([reply.sentence]) is False


def _is_treated(question: Move) -> bool:
    """ "Sleep apnea?" "I use a machine." """
    said = question.replies[0].sentence.plain.strip() if question.replies else ""
    return said.startswith(_TREATED) and len(conditions_in(question.sentence)) == 1


def _adds(question: Move) -> bool:
    """ "Any depression?" "Yes, and anxiety." says yes to what was asked; "Yes, gout" of several picks one."""
    named = {one.name for one in conditions_in(question.sentence)}
    says_more_later = question.replies and not conditions_in(question.replies[0].sentence)
    adds = any(reply.sentence.plain.startswith(_YES_AND) for reply in question.replies)
    return len(named) == 1 and bool(adds or says_more_later)


def _content(mention: Mention, denied: bool, over: bool) -> str:
    said = heard(mention.sentence, mention.first, mention.last)
    told = mention.name if said.lower() == mention.name.lower() else f'{mention.name} ("{said}")'
    return f"Does not have {told}." if denied else f"Had {told} in the past." if over else f"Has {told}."


def _quote(move: Move) -> Quote:
    if move.act in (Act.ASKS, Act.CHECKS) and move.holds is not None and move.replies:
        return move.replies[0].sentence.quote()
    return move.sentence.quote()
