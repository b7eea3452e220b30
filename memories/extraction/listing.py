"""Whether a thing that is named goes on a list of allergies that was begun, or belongs to a statement of its own.

"And strawberries", "Strawberries too", "Bananas, she swells up" go on; "she likes bananas", "bananas for breakfast" do
not: what has a predicate of its own says nothing of an allergy.
"""

from collections.abc import Iterable, Sequence

from memories.choices import SpeakerRole
from memories.extraction.dialogue import Move
from memories.extraction.mentions import Mention
from memories.extraction.reactions import reaction_in
from memories.extraction.topics import Topic
from memories.vocabulary.words import word_set

_REGULAR = word_set(
    "like love prefer enjoy adore crave hate dislike want need cook bake buy bring order serve grow pick feed feel ask "
    "request refuse decline manage tolerate visit walk talk work live sleep watch play help use receive start continue "
    "apply inject swallow skip miss forget remember finish share cut snack nibble devour consume add mix blend "
    "drink eat take give get keep make put go come say tell see know think try switch change resume wear carry "
    "recommend suggest prescribe administer offer hold increase reduce weigh sip chew mind"
)
_IRREGULAR = word_set(
    "ate eaten eating drank drunk took taken taking gave given giving got gotten getting kept made making put went "
    "gone came coming said told saw seen knew known thought bought brought grew fed felt slept wore forgot began begun "
    "held has does did goes tries tried carries carried applies applied eat drink prefer enjoy want crave adore "
    "dislike hate wants using used makes having"
)
#: Besides what is named, these make a list: answers, joints, determiners and "I think it was".
_BARE = word_set(
    "a an the any some this that these those and or plus also too as well then same with to "
    "from both all most every other others another one ones thing things kind kinds sort sorts type types of like oh "
    "ah um uh er hmm mm okay ok yes yeah yep right sure well so now no not nope just only really mainly mostly "
    "especially particularly probably maybe possibly perhaps actually even definitely i think guess believe suppose "
    "mean say should would i'd it's its it is was that's there's there are were be been being forgot sorry wait "
    "called named known certain few lot lots bit little such else sometimes either raw fresh fried dried canned cooked "
    "whole anything everything something again yet please which what if me him us them in for past list listed "
    "allergy allergies allergic reaction reactions sensitive sensitivity problem problems bad badly food foods drug "
    "drugs medicine medicines medication medications antibiotic antibiotics pill pills season seasonal spring summer "
    "fall autumn winter environmental outdoor indoor household stuff family products product"
)
_ON_RECORD = word_set("see listed lists chart record records says have got down here noted shows mentions you you're")
#: Before a thing, these point to it; after it, they go on to say something else of it.
_TELLING = word_set("is it's was were are be been called named for in with to from you you're have got says what")
#: Sentences in which an answer is given at once.
_AT_ONCE = 1
#: Other words at most, before what is listed and after it: "wild strawberries", "cherry tomatoes".
_OTHERS = 1


def _forms(verb: str) -> Iterable[str]:
    stem = verb.removesuffix("e")
    yield from (f"{verb}es" if verb.endswith(("s", "sh", "ch", "x", "o")) else f"{verb}s", f"{stem}ed", f"{stem}ing")


_PREDICATES = _IRREGULAR | {form for verb in _REGULAR for form in _forms(verb)}
_AFTER_A_SUBJECT = word_set("like love need use eat drink buy cook grow have take get keep serve bake go hate help")
_SUBJECTS = word_set("i you he she we they i'd i'll she'd he'd she'll he'll we'll they'll don't doesn't didn't to can")


def has_predicate(norms: Sequence[str]) -> bool:
    """Whether words say that somebody likes, eats, wants or does something."""
    return any(
        norm in _PREDICATES or (at > 0 and norm in _AFTER_A_SUBJECT and norms[at - 1] in _SUBJECTS)
        for at, norm in enumerate(norms)
    )


def goes_on_list(move: Move, one: Mention, known: Sequence[Mention]) -> bool:
    """Whether a mention goes on a list of allergies. What answers a question about them may say so in any words but
    those of another statement; what only follows a statement of one must be bare."""
    if _answers_in_any_words(move, one):
        begins, _ = move.sentence.clause_of(one.first)
        return not _likes(move.sentence.norms[begins : one.first])
    return _is_bare(move, one, known)


_LIKING = word_set("likes loves prefers enjoys enjoy prefer wants eats liked loved adores craves")


def _likes(norms: Sequence[str]) -> bool:
    return any(
        norm in _LIKING or (at > 0 and norm in ("like", "love", "eat", "want") and norms[at - 1] in _SUBJECTS)
        for at, norm in enumerate(norms)
    ) and not {"can't", "cannot", "couldn't"} & set(norms)


def _answers_in_any_words(move: Move, one: Mention) -> bool:
    """A drug may be told at length; a food or a cat only at once, for what comes later is mostly of daily life."""
    if move.is_question:
        return True
    asked = move.answers
    if asked is None or asked.topic is not Topic.ALLERGY:
        return False
    at_once = any(reply is move for reply in asked.replies[:_AT_ONCE])
    return at_once or bool(one.ingredient)


def _is_bare(move: Move, one: Mention, known: Sequence[Mention]) -> bool:
    sentence = move.sentence
    named = {at for each in known for at in range(each.first, each.last)}
    bare = _BARE | _ON_RECORD if sentence.role == SpeakerRole.CLINICIAN else _BARE
    before = _others(sentence.norms, range(one.first), named, bare)
    last = max(each.last for each in known)
    after = _others(sentence.norms, range(last, len(sentence.norms)), named, bare - _TELLING)
    if len(before) > _OTHERS or any(norm in _PREDICATES or norm.endswith("s") for norm in before):
        return False
    if has_predicate([norm for norm in sentence.norms[: one.first] if norm[0].isalnum()]):
        return False
    return bool(reaction_in(sentence, one.last)) or (len(after) <= _OTHERS and not has_predicate(after))


def _others(norms: Sequence[str], places: Iterable[int], named: set[int], bare: frozenset[str]) -> list[str]:
    return [norms[at] for at in places if at not in named and norms[at][0].isalnum() and norms[at] not in bare]
