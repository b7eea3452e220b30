"""Which words are the substances of an allergy: by grammar after "allergic to", by vocabulary in an answer."""

import re
from collections.abc import Iterator, Sequence

from memories.choices import SpeakerRole
from memories.extraction.assertion import after_answering_no, is_excepted
from memories.extraction.dialogue import Act, Move
from memories.extraction.dosing import dosing_of
from memories.extraction.listing import goes_on_list, has_predicate
from memories.extraction.mentions import Mention, allergens_in, heard, medicines_in
from memories.extraction.phrases import spans
from memories.extraction.polarity import is_negative
from memories.extraction.reactions import causes_reaction, is_a_reaction, is_avoided, is_forbidden, reacts_strongly
from memories.extraction.reading import Sentence
from memories.extraction.topics import Topic
from memories.vocabulary.drugs import resembling
from memories.vocabulary.words import word_set

_TO = re.compile(
    r"\b(?:allergic to|allerg(?:y|ies) to|(?:reactions?|reacted|reacts?|reacting)(?: \w+)? to|sensitive to"
    r"|sensitivity to|intolerant (?:to|of)"
    r"|intolerance (?:to|of)|anaphyla\w+ (?:to|from)|allergies (?:are|include|:)|allerg(?:y|ies) :)(?= |$)"
)
_THAT_DID = re.compile(
    r"(?:(?:oh|yes|yeah|yep|right|correct|well) )*(?:that|it)(?: one)? (?:gave|gives|makes?|made|causes?|caused)\b"
)
_OF = re.compile(r"\b(?:allergy|allergies|allergic|intolerance|intolerant)\b")
_CUES = (
    "allergic",
    "allergy",
    "allergies",
    "anaphylaxis",
    "reaction to",
    "reacted to",
    "intolerant",
    "intolerance",
    "sensitive to",
)
_WHAT_HAPPENS = (
    "what happens",
    "what happened",
    "what kind of reaction",
    "what sort of reaction",
    "what reaction",
)
_IS_ALLERGIC = ("i'm allergic", "i am allergic", "he's allergic", "she's allergic", "he is allergic", "she is allergic")
_TAKING = (
    "i take", "i'm taking", "i am taking", "i'm on", "i am on", "prescribed", "i use", "takes", "prescribe",
    "start you on", "let's",
    "for breakfast", "for lunch", "for dinner", "for supper", "i love", "i like", "i eat", "i ate", "eats", "drinks",
    "he ate", "she ate", "helps", "helped",
    "was fine", "were fine", "is fine", "are fine", "did fine", "do fine", "no problem", "no problems", "without any",
    "okay with", "fine with", "can take", "can have", "can eat", "instead", "i'll", "we'll", "give you", "recommend",
    "we can", "we could", "going to", "start taking",
)  # fmt: skip
_STOPS = word_set(
    "but which that because so when it she he they we you if then what where how do does did is are was "
    "were has have had who since though also makes gives causes gave made or? for as after from including you've "
    "we've he's she's they've i've it's that's you're there's such at about until . ? ! ; :"
)
_EMPTY = word_set(
    "a an the any anything something some other others many few several quite lots lot of all most "
    "certain different my your his her their this that these those it them nothing none everything "
    "medications medication medicines medicine meds drugs drug food foods things thing stuff what known "
    "new um uh like well mom mum mama dad ma'am sir doctor doc dear honey love in general particular either "
    "environment environmental seasonal sort kind "
    "specific yet too really actually maybe right now i you anymore more nkda nka nkma"
)
#: What is named after these stands, whatever was denied before.
LEAVING_OUT = word_set("just only except")
_SEPARATORS = word_set(", and or plus & /")
_OTHER_MATTERS = word_set(
    "take takes taking took taken had on use uses using but not don't if for so prescribed given gave carry carries"
)
#: Carried because of an allergy.
_RESCUES = frozenset({"epinephrine"})
_ARE_YOUR = word_set("is are your my his her their the only on in list listed of as an down under noted")
_LONGEST = 4
_SOON_AFTER = 2
#: Words at most of an answer in which a word that resembles a drug's name is taken for one.
_ANSWER = 9


def has_cue(sentence: Sentence) -> bool:
    """Whether a sentence itself speaks of an allergy or a reaction."""
    return sentence.says(*_CUES)


def is_answered_by_allergy(move: Move) -> bool:
    """ "Is it okay if I use latex gloves?" "No, I'm allergic." """
    return move.is_question and any(
        reply.sentence.says(*_IS_ALLERGIC) and not reply.is_question and not allergens_in(reply.sentence)
        for reply in move.replies
        if not reply.sentence.says("to") or reply.sentence.says("to it", "to that", "to them", "to those")
    )


def substances_of(move: Move) -> list[Mention]:
    """The substances that a move says, asks or denies an allergy to."""
    sentence = move.sentence
    known = allergens_in(sentence)
    named = [*_after_cues(sentence, known), *_before_cues(sentence, known)]
    if not named and not has_cue(sentence) and move.topic is Topic.ALLERGY:
        listed = [one for one in _listed(move, known) if goes_on_list(move, one, known)]
        named = [*listed, *_misspelt(move, known)] if _may_list(move) else _left_out(sentence, listed)
    if named and move.topic is Topic.ALLERGY and move.act is Act.TELLS and not _denies(sentence, named[-1]):
        named += [one for one in known if one.first > named[-1].first and _goes_on_with(sentence, named[-1], one)]
    if not named and (sentence.says(*_WHAT_HAPPENS) or is_answered_by_allergy(move)):
        named = known
    if not named:
        on_allergies = move.topic is Topic.ALLERGY
        named = [
            one
            for one in known
            if causes_reaction(sentence, one, on_allergies)
            or is_avoided(sentence, one, on_allergies)
            or is_forbidden(sentence, one, explained=is_explained(move))
        ]
    if not named and len(known) == 1 and _is_told_next(move, known[0]):
        named = known
    return list({(one.first, one.last): one for one in named}.values())


def is_explained(move: Move) -> bool:
    """ "Keep him away from walnuts." "His throat closes." """
    following = move.next
    if following is None or following.is_question or following.sentence.turn != move.sentence.turn:
        return False
    return reacts_strongly(following.sentence) and not allergens_in(following.sentence)


def _is_told_next(move: Move, one: Mention) -> bool:
    """Whether the next words say that the one thing just named does harm."""
    return _stung(move, one) or _is_confirmed_by_reaction(move) or _is_called_allergy_next(move)


def _stung(move: Move, one: Mention) -> bool:
    """ "A wasp. My face swelled up." """
    is_drug = any(medicine.first == one.first for medicine in medicines_in(move.sentence))
    return not is_drug and move.act is Act.TELLS and len(move.sentence.words) <= _ANSWER and is_explained(move)


def _is_called_allergy_next(move: Move) -> bool:
    """ "I put Neosporin on it." "I think I'm allergic to it." """
    following = move.next if move.act is Act.TELLS else None
    for _ in range(_SOON_AFTER):
        if following is None or following.sentence.turn != move.sentence.turn or following.is_question:
            return False
        if following.sentence.says("allergic to it", "allergic to that", "allergic to those", "allergic to them"):
            return not is_negative(following.sentence.norms) and not following.sentence.says("if", "might", "could")
        following = following.next
    return False


def _is_confirmed_by_reaction(move: Move) -> bool:
    """ "I see Ceftin here." "Yes, that gave me hives." """
    reply = move.next
    if reply is None or reply.sentence.turn == move.sentence.turn or reply.is_question:
        return False
    if move.is_question and move.topic is not Topic.ALLERGY:
        return False
    return bool(_THAT_DID.match(reply.sentence.plain.strip())) and reacts_strongly(reply.sentence)


def _listed(move: Move, known: Sequence[Mention]) -> list[Mention]:
    """What a sentence names beside one another, without what is carried against an allergy or the reason for one."""
    reasons = {at for at, norm in enumerate(move.sentence.norms) if norm == "because"}
    return [
        one
        for one in known
        if one.generic != "always"
        and one.ingredient not in _RESCUES
        and not reasons & set(range(one.first - _LONGEST, one.first))
        and (_leaves_out(move.sentence) or not _denies(move.sentence, one))
    ]


def _left_out(sentence: Sentence, listed: Sequence[Mention]) -> list[Mention]:
    """The pollen of "No drugs, just pollen"."""
    leaves = next((at for at, norm in enumerate(sentence.norms) if norm in LEAVING_OUT), None)
    taken = sentence.says(*_TAKING) or _is_dosed(sentence)
    return [] if leaves is None or taken or sentence.asks else [one for one in listed if one.first > leaves]


def _denies(sentence: Sentence, one: Mention) -> bool:
    begins, _ = sentence.clause_of(one.first)
    before = sentence.norms[after_answering_no(sentence.norms, begins) : one.first]
    return is_negative(before) and not LEAVING_OUT & set(before)


def _goes_on_with(sentence: Sentence, before: Mention, one: Mention) -> bool:
    """ "Allergic to bees, and there's one medicine, Ceclor"; not "allergic to sulfa, but I take aspirin"."""
    between = set(sentence.norms[before.last : one.first])
    if between & _OTHER_MATTERS or has_predicate(sentence.norms[before.last : one.first]):
        return False
    return bool(one.ingredient) and not one.is_class


def _after_cues(sentence: Sentence, known: Sequence[Mention]) -> Iterator[Mention]:
    for _, begins, match in spans(sentence.words, _TO):
        ends = _end_of_list(sentence, begins)
        inside = [one for one in known if begins <= one.first < ends and not _is_any_of_a_kind(sentence, one)]
        yield from inside
        covered = {at for one in known for at in range(one.first, one.last)}
        if not match.group().startswith("allerg") or match.group().endswith(("are", "include")):
            continue
        yield from _unlisted(sentence, begins, ends, covered)


def _is_any_of_a_kind(sentence: Sentence, one: Mention) -> bool:
    """ "Allergic to any antibiotics" names none."""
    return one.first > 0 and sentence.norms[one.first - 1] == "any" and sentence.norms[one.first].endswith("s")


def _end_of_list(sentence: Sentence, begins: int) -> int:
    norms = sentence.norms
    for at in range(begins, len(norms)):
        if norms[at] in _STOPS or (norms[at] in ("i", "i've", "i'm", "my") and at > begins):
            return at
        if at > begins and has_predicate(norms[at : at + 1]):
            return at
    return len(norms)


def _unlisted(sentence: Sentence, begins: int, ends: int, covered: set[int]) -> Iterator[Mention]:
    """Noun phrases of the list that no vocabulary holds."""
    part: list[int] = []
    for at in range(begins, ends + 1):
        if at < ends and sentence.norms[at] not in _SEPARATORS and sentence.norms[at][0].isalnum():
            part.append(at)
            continue
        kept = [one for one in part if sentence.norms[one] not in _EMPTY]
        if (
            kept
            and not covered & set(part)
            and len(kept) <= _LONGEST
            and not is_a_reaction(sentence, part[0], part[-1] + 1)
        ):
            name = heard(sentence, kept[0], kept[-1] + 1)
            yield Mention(sentence, kept[0], kept[-1] + 1, name, guess=resembling(name))
        part = []


def _before_cues(sentence: Sentence, known: Sequence[Mention]) -> Iterator[Mention]:
    """ "A penicillin allergy", "peanut and shellfish allergies", "lactose intolerant"."""
    cues = [first for first, _, _ in spans(sentence.words, _OF)]
    for one in known:
        if (cues and is_excepted(one)) or any(
            cue == one.last or (cue > one.last and _joined(sentence, one.last, cue, known)) for cue in cues
        ):
            yield one


def _joined(sentence: Sentence, begins: int, cue: int, known: Sequence[Mention]) -> bool:
    """Whether only further allergens of the same list stand between."""
    inside = {at for one in known for at in range(one.first, one.last)}
    return all(at in inside or sentence.norms[at] in _SEPARATORS | _ARE_YOUR for at in range(begins, cue))


def _may_list(move: Move) -> bool:
    """Whether a sentence without a cue of its own can go on listing allergens."""
    if move.act is Act.ASKS_OPENLY or move.sentence.says(*_TAKING) or _is_dosed(move.sentence):
        return False
    if move.is_question:
        return True
    return not (move.sentence.role == SpeakerRole.CLINICIAN and len(move.sentence.words) > 12)


def _is_dosed(sentence: Sentence) -> bool:
    """ "Lantus, ten units at bedtime" is a medicine that is taken, whatever was asked before."""
    dosing = dosing_of(sentence.words)
    return bool(dosing.dose or dosing.frequency)


def _leaves_out(sentence: Sentence) -> bool:
    """ "Not codeine.": denies that one."""
    words = [norm for norm in sentence.norms if norm[0].isalnum()]
    return words[0] == "not" and len(words) <= _LONGEST


def _misspelt(move: Move, known: Sequence[Mention]) -> list[Mention]:
    """The words of a short answer that resemble a known drug: "Penicilin and amoxicillin"."""
    sentence = move.sentence
    if move.is_question or len(sentence.words) > _ANSWER:
        return []
    covered = {at for one in known for at in range(one.first, one.last)}
    words = (
        at for at, norm in enumerate(sentence.norms) if at not in covered and norm.isalpha() and norm not in _EMPTY
    )
    guessed = ((at, resembling(sentence.norms[at])) for at in words)
    return [Mention(sentence, at, at + 1, heard(sentence, at, at + 1), guess=guess) for at, guess in guessed if guess]
