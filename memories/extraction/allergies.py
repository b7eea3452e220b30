"""Allergies as said, with what they do; and the explicit statement that there are none."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from memories.choices import AllergyAssertion, Category, Priority
from memories.extraction.assertion import after_answering_no, is_excepted, is_someone_elses
from memories.extraction.candidates import AllergyFacts, Candidate, Quote
from memories.extraction.dialogue import Act, Move
from memories.extraction.mentions import Mention, allergens_in
from memories.extraction.polarity import NEGATIONS, goes_on_denying
from memories.extraction.reactions import CANNOT, causes_reaction, is_forbidden, reaction_in, reaction_to, severity_of
from memories.extraction.reading import Sentence
from memories.extraction.substances import LEAVING_OUT, has_cue, is_answered_by_allergy, is_explained, substances_of
from memories.extraction.topics import Topic
from memories.vocabulary.allergens import allergen_name
from memories.vocabulary.words import word_set

#: Asked for, and not named: "Any problems with vaccines?"
_KINDS = word_set(
    "vaccines vaccine vaccinations antibiotics anesthesia anesthetics anaesthesia anaesthetic animals pets"
)
#: How an answer of no is taken back: "Oh, wait, there was ...".
_RECONSIDERING = word_set("oh wait actually hmm except although but hold hang well ah")
#: After a negation, these make no denial: "nothing except penicillin", "I'm not supposed to take sulfa".
_STANDS_ALL_THE_SAME = LEAVING_OUT | word_set("than besides sure take supposed")
#: Sentences after an allergen in which its reaction is looked for.
_FOLLOWING = 40
#: Said of how the patient is, not of what an allergen once did.
_NOWADAYS = ("today", "this morning", "tonight", "last night", "yesterday", "lately", "these days", "seems", "seemed")


@dataclass(frozen=True)
class _Allergy:
    at: int
    mention: Mention
    quote: Quote
    denied: bool
    confidence: float


def find_allergies(moves: Sequence[Move]) -> list[Candidate]:
    """The patient's allergies that a conversation states or denies, one for each mention, with the reaction said."""
    named = _under_fuller_names([one for at, move in enumerate(moves) for one in _allergies_in(move, at)])
    mentioned = _mentioned(moves, named)
    return [_candidate(one, _reaction_said(moves, one, mentioned)) for one in _without_repeats(named)]


def _under_fuller_names(named: Sequence[_Allergy]) -> list[_Allergy]:
    """The "tape" beside an "adhesive tape" is that tape."""
    names = {one.mention.name for one in named if not one.mention.ingredient}
    return [
        replace(one, mention=replace(one.mention, name=fuller))
        if not one.mention.ingredient and (fuller := _fuller(one.mention.name, names))
        else one
        for one in named
    ]


def _fuller(name: str, names: Iterable[str]) -> str:
    return next((other for other in sorted(names) if other.lower().endswith(f" {name.lower()}")), "")


def _allergies_in(move: Move, at: int) -> Iterator[_Allergy]:
    for mention in substances_of(move):
        if is_someone_elses(move, mention):
            continue
        verdict = _verdict(move, mention)
        if verdict is not None:
            yield _Allergy(
                at,
                mention,
                _quote(move),
                verdict,
                0.6 if move.sentence.says("think", "might", "may", "maybe") else 0.9,
            )


def _verdict(move: Move, mention: Mention) -> bool | None:
    """True: denied. False: stated. None: neither."""
    if is_excepted(mention):
        return False
    if _is_supposed(move, mention):
        return None
    if is_answered_by_allergy(move):
        return False
    if move.act is Act.ASKS_OPENLY:
        return False if _reacts(move) or _takes_for_granted(move, mention) else None
    if move.is_question:
        if _picks_another(move, mention) or (move.holds is None and mention.name.lower() in _KINDS):
            return None
        if move.holds is None and not (
            (move.topic is Topic.ALLERGY and _reacts(move)) or (move.act is Act.CHECKS and has_cue(move.sentence))
        ):
            return None
        return move.holds is False or (move.act is Act.CHECKS and _is_denied(move, mention))
    denied = move.answers is not None and move.answers.holds is False
    if denied and not has_cue(move.sentence) and not _is_let_stand(move, mention):
        return None
    return _is_denied(move, mention)


def _is_supposed(move: Move, mention: Mention) -> bool:
    """ "If I had an allergy to latex"; not "if I eat shrimp I get hives"."""
    supposed = "if" in move.sentence.norms[: mention.first] and not move.is_question
    return supposed and not causes_reaction(move.sentence, mention)


def _takes_for_granted(question: Move, mention: Mention) -> bool:
    """ "When did you find out about the sulfa allergy?" """
    before = mention.sentence.norms[max(0, mention.first - 2) : mention.first]
    cue = mention.sentence.norms[mention.last : mention.last + 1] in (("allergy",), ("allergies",))
    return cue and bool({"the", "your", "his", "her", "that"} & set(before)) and question.holds is not False


def _picks_another(question: Move, mention: Mention) -> bool:
    """ "Tetracycline and codeine?" "Just the codeine." """
    picked = [reply.sentence for reply in question.replies if reply.sentence.says("just", "only")]
    named = {one.key for sentence in picked for one in allergens_in(sentence)}
    return bool(named) and mention.key not in named


def _is_let_stand(move: Move, mention: Mention) -> bool:
    """ "No, just penicillin", "Only cats": the exception to a no, or what one substance does."""
    before = [norm for norm in move.sentence.norms[: mention.first] if norm[0].isalnum()]
    stands = bool(LEAVING_OUT & set(before)) or "same" in before or (bool(before) and before[0] in _RECONSIDERING)
    return stands or causes_reaction(move.sentence, mention, asked_for=True)


def _reacts(move: Move) -> bool:
    """ "And the codeine?" "That makes me throw up." """
    return any(reaction_in(reply.sentence) for reply in move.replies)


def _is_denied(move: Move, mention: Mention) -> bool:
    begins, _ = mention.sentence.clause_of(mention.first)
    norms = mention.sentence.norms
    begins = after_answering_no(norms, begins)
    cues = [at for at in range(begins, mention.first) if norms[at] in NEGATIONS]
    if not cues:
        return begins == 0 and goes_on_denying(mention.sentence)
    if norms[cues[-1]] in ("no", "nope") and norms[cues[-1] + 1] in (",", "i", "just", "only", "but"):
        return False
    if is_forbidden(mention.sentence, mention, explained=is_explained(move)):
        return False
    return norms[cues[-1]] not in CANNOT and not _STANDS_ALL_THE_SAME & set(norms[cues[-1] : mention.first])


def _quote(move: Move) -> Quote:
    if move.is_question and move.holds is not None and move.replies:
        return move.replies[0].sentence.quote()
    return move.sentence.quote()


def _mentioned(moves: Sequence[Move], named: Sequence[_Allergy]) -> list[set[str]]:
    """Which of the allergens each sentence names, by their keys or in the words heard before."""
    keys = {one.mention.key for one in named}
    heard: dict[str, set[tuple[str, str]]] = {}
    for one in named:
        name = one.mention.name.lower()
        heard.setdefault(name.split()[0], set()).add((name, one.mention.key))
    return [
        {mention.key for mention in allergens_in(move.sentence) if mention.key in keys}
        | {key for norm in move.sentence.norms for name, key in heard.get(norm, ()) if move.sentence.says(name)}
        for move in moves
    ]


def _reaction_said(moves: Sequence[Move], one: _Allergy, mentioned: Sequence[set[str]]) -> tuple[str, str]:
    """The reaction to an allergen: in its own sentence, or in what is said next about it."""
    for sentence in (one.mention.sentence, *_sentences_about(moves, one, mentioned)):
        mentions = [mention for mention in allergens_in(sentence) if mention.key in mentioned[sentence.number]]
        found = reaction_to(sentence, one.mention.key, mentions)
        if found:
            return found, severity_of(sentence)
    return "", ""


def _sentences_about(moves: Sequence[Move], one: _Allergy, mentioned: Sequence[set[str]]) -> Iterator[Sentence]:
    speaks_of_it = True
    if moves[one.at].act is Act.ASKS_OPENLY:
        yield from (reply.sentence for reply in moves[one.at].replies)
    for at, move in enumerate(moves[one.at + 1 : one.at + 1 + _FOLLOWING]):
        named = mentioned[move.sentence.number]
        if one.mention.key in named:
            speaks_of_it = True
        elif named:
            speaks_of_it = False
        elif move.topic is not Topic.ALLERGY and not (at == 0 and _opens_with_reaction(move, one)):
            return
        if speaks_of_it and not move.is_question and not move.sentence.says(*_NOWADAYS):
            yield move.sentence


def _opens_with_reaction(move: Move, one: _Allergy) -> bool:
    """ "Penicillin and me don't get along. Hives from head to toe." """
    return move.sentence.turn == one.mention.sentence.turn and bool(reaction_in(move.sentence, 0, 3))


def _candidate(one: _Allergy, reaction: tuple[str, str]) -> Candidate:
    mention = one.mention
    ingredient = mention.ingredient or allergen_name(mention.name)
    facts = AllergyFacts(mention.name, ingredient, mention.guess, reaction=reaction[0], severity=reaction[1])
    said = f"Not allergic to {mention.name}." if one.denied else f"Allergic to {mention.name}{_with(reaction[0])}."
    return Candidate(
        category=Category.ALLERGY,
        about=(ingredient or mention.name).lower(),
        content=said,
        quote=one.quote,
        priority=Priority.CRITICAL,
        confidence=min(one.confidence, 0.5) if mention.guess else one.confidence,
        denied=one.denied,
        allergy=facts if not one.denied else replace(facts, reaction="", severity=""),
    )


def _with(reaction: str) -> str:
    return f" ({reaction})" if reaction else ""


def _without_repeats(found: Sequence[_Allergy]) -> Iterator[_Allergy]:
    seen = set()
    for one in found:
        key = (one.mention.key.lower(), one.quote)
        if key not in seen:
            seen.add(key)
            yield one


def is_positive(candidate: Candidate) -> bool:
    """Whether a candidate states an allergy to a substance."""
    facts = candidate.allergy
    return facts is not None and not candidate.denied and facts.assertion == AllergyAssertion.SUBSTANCE
