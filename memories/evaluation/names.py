"""When a predicted name of a drug, a substance or a condition means the one that a person wrote down."""

import re
from collections import defaultdict
from collections.abc import Iterable

Name = tuple[str, ...]

_DOSE = re.compile(
    r"\b\d+(?:[.,]\d+)?\s*(?:/\s*\d+(?:\.\d+)?)?\s*"
    r"(?:mg|mcg|g|ml|units?|iu|%|meq|puffs?|m g|m c g|milligrams?|micrograms?)\b"
)
_SAYS_NOTHING = frozenset(
    """tablet tablets tab tabs capsule capsules cap caps cream ointment gel drops drop spray injection injections
    oral topical inhaled nasal solution patch pill pills daily twice once bid tid qid prn qd qhs po nightly weekly as
    needed a an the of and or with to for in her his my their per day times every hours hour at night morning
    allergy allergic intolerance medication medications medicine medicines drug drugs""".split()  # noqa: SIM905 because it reads better than a list
)
_SYMPTOMS = frozenset(
    """pain ache aching headache nausea vomiting vomit diarrhea diarrhoea constipation fever chill cough rash itch
    itching itchy fatigue tired tiredness dizziness dizzy lightheadedness lightheaded swelling swollen numbness numb
    tingling weakness weak shortness breath breathlessness wheezing wheeze sore throat congestion runny nose bleeding
    blood burning cramp cramping palpitation insomnia sleep problem trouble difficulty injury fall left right upper
    lower back neck knee hip shoulder leg arm hand foot feet ankle elbow wrist finger toe chest stomach abdominal
    abdomen belly jaw ear eye face body muscle joint skin severe mild chronic acute ongoing occasional weight loss
    gain appetite swallowing hearing smoker smoking allergy""".split()  # noqa: SIM905 because it reads better than a list
)


def normal(text: str | None) -> Name:
    """A name in lower case, without doses, forms, marks and plural s. What only says nothing is left as it is."""
    plain = (text or "").lower().replace("'s", "").replace("\u00ae", " ").replace("\u2122", " ")
    plain = _DOSE.sub(" ", re.sub(r"\([^)]*\)", " ", plain))
    words = re.findall(r"[a-z0-9]+", plain)
    telling = [_singular(word) for word in words if word not in _SAYS_NOTHING]
    return tuple(telling or [_singular(word) for word in words])


def is_symptom(text: str) -> bool:
    """Nothing but symptoms and parts of the body: no condition that anybody annotated."""
    return set(normal(text)) <= _SYMPTOMS


class Synonyms:
    """Which drug names mean one ingredient."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._ingredients: dict[Name, set[Name]] = defaultdict(set)
        for name, ingredient in pairs:
            one, other = normal(name), normal(ingredient)
            if one and other and one != other:
                self._ingredients[one].add(other)

    def same(self, predicted: str, names: Iterable[str]) -> bool:
        """One name is the other, or is it with up to three words more, or with fewer than half its words less."""
        ours = self._forms(predicted)
        return any(_alike(one, other) for name in names for other in self._forms(name) for one in ours if one and other)

    def _forms(self, text: str) -> set[Name]:
        name = normal(text)
        return {name} | self._ingredients.get(name, set())


def _alike(predicted: Name, gold: Name) -> bool:
    ours, theirs = set(predicted), set(gold)
    return (
        predicted == gold
        or (theirs <= ours and len(ours - theirs) <= 3)
        or (ours <= theirs and len(ours) * 2 > len(theirs))
    )


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word
