"""What a sentence names: drugs, drug classes, allergens and conditions, each with its place."""

from collections.abc import Sequence
from dataclasses import dataclass

from memories.extraction.reading import Sentence
from memories.vocabulary.allergens import Allergen, allergens
from memories.vocabulary.conditions import find_conditions
from memories.vocabulary.drugs import Drug, DrugClass, drug_classes, drug_names
from memories.vocabulary.lexicon import Found
from memories.vocabulary.words import Word, word_set

TAKING = word_set(
    "take takes taking took taken on prescribe prescribed prescribing inject injects injecting start "
    "starts started starting stop stopped continue refill refills refilled dose doses supplement "
    "supplements apply"
)
_UNITS = word_set("mg mcg milligrams milligram micrograms microgram units tablet tablets pill pills puffs inhaler")
_LISTING = word_set(", and plus a an some my the")
_NAMING = word_set(", called named the it's is - : it")
#: After a drug's name: the laboratory's business, not the medicine chest's.
_MEASURED = word_set(
    "level levels test tests count resistance deficiency sensitivity intake content dependent scan free"
)
_PREVENTING = word_set(
    "vaccine vaccines vaccination vaccinations shot shots immunization immunizations booster jab series "
    "test tests testing screening screen network center centre society institute foundation association "
    "clinic guidelines awareness specialist evaluation workup"
)
_VACCINATING = word_set(
    "vaccine vaccines vaccinated vaccination vaccinations shot shots immunization immunizations immunisation immunised "
    "immunized booster boosters jab jabs"
)
_VACCINATED_AGAINST = frozenset(
    {
        "chickenpox", "measles", "mumps", "rubella", "hepatitis", "hepatitis A", "hepatitis B", "tetanus", "diphtheria",
        "whooping cough", "pertussis", "polio", "influenza", "flu", "pneumonia", "meningitis", "shingles", "rabies",
        "yellow fever", "typhoid", "COVID-19", "covid", "HPV", "HPV infection", "rotavirus",
    }
)  # fmt: skip
#: Conditions by name that an allergen brings on.
REACTIONS = frozenset({"hives", "dermatitis", "asthma", "eczema", "anaphylaxis", "rhinitis", "allergic rhinitis"})
_MEASURING = word_set("low high serum blood total elevated your")


@dataclass(frozen=True, slots=True)
class Mention:
    """One name in a sentence, words first:last. `name` as heard; `ingredient` and `guess` as in `MedicationFacts`."""

    sentence: Sentence
    first: int
    last: int
    name: str
    ingredient: str = ""
    guess: str = ""
    generic: str = ""
    is_class: bool = False

    @property
    def key(self) -> str:
        return self.ingredient or self.name.lower()


def medicines_in(sentence: Sentence) -> list[Mention]:
    """The drugs and drug classes a sentence names, in order."""
    return list(sentence.once(_medicines))


def _medicines(sentence: Sentence) -> tuple[Mention, ...]:
    words = sentence.words
    found: list[Found[Drug] | Found[DrugClass]] = []
    at = 0
    while at < len(words):
        here = _longer(drug_names().at(words, at), drug_classes().at(words, at))
        if here:
            found.append(here)
        at = here.last if here else at + 1
    meant = [one for one in found if _is_meant(words, one)]
    ends, starts = {one.last for one in meant}, {one.first for one in meant}
    meant = [one for one in found if one in meant or _is_listed_beside(words, one, ends, starts)]
    ends = {one.last for one in meant if isinstance(one.entry, Drug)}
    starts = {one.first for one in meant if isinstance(one.entry, Drug)}
    return tuple(
        _medicine(sentence, one)
        for one in meant
        if not _is_its_form(one, ends) and not _is_put_a_name_to(words, one, starts)
    )


def allergens_in(sentence: Sentence) -> list[Mention]:
    """What a sentence names that somebody may be allergic to: drugs, foods, materials, the environment."""
    return list(sentence.once(_allergens))


def _allergens(sentence: Sentence) -> tuple[Mention, ...]:
    medicines = medicines_in(sentence)
    taken = {at for one in medicines for at in range(one.first, one.last)}
    taken |= {at for one in conditions_in(sentence) if not _is_of_allergy(one) for at in range(one.first, one.last)}
    others = [
        _allergen(sentence, one)
        for one in allergens().all_in(sentence.words)
        if one.first not in taken and not _compares(sentence, one.first)
    ]
    specific = [one for one in medicines if not one.is_class]
    named = {at for one in others for at in range(one.first, one.last)}
    groups = [one for one in medicines if one.is_class and one.first not in named]
    return tuple(sorted([*specific, *others, *groups], key=lambda one: one.first))


def _is_of_allergy(condition: Mention) -> bool:
    """ "Peanut allergy" names what "hay fever" does not."""
    return any(
        norm.startswith(("allerg", "intoleran")) for norm in condition.sentence.norms[condition.first : condition.last]
    )


def _compares(sentence: Sentence, first: int) -> bool:
    """ "Sick as a dog", "red like a tomato" name no dog and no tomato."""
    return first > 1 and sentence.norms[first - 2] in ("as", "like") and sentence.norms[first - 1] in ("a", "an")


def conditions_in(sentence: Sentence) -> list[Mention]:
    """The conditions a sentence names; `ingredient` stays empty, `name` is the clinical name."""
    return list(sentence.once(_conditions))


def _conditions(sentence: Sentence) -> tuple[Mention, ...]:
    found = [one for one in find_conditions(sentence.words) if not _is_prevented(sentence, one)]
    products = {at for one in medicines_in(sentence) for at in range(one.first + 1, one.last)}  # "Tylenol Arthritis"
    return tuple(Mention(sentence, one.first, one.last, one.entry) for one in found if one.first not in products)


def _is_prevented(sentence: Sentence, found: Found[str]) -> bool:
    """ "The pneumonia shot", "a hepatitis B vaccine": a name on a syringe."""
    after = [norm for norm in sentence.norms[found.last : found.last + 2] if norm[0].isalnum()]
    if _PREVENTING & set(after):
        return True
    return bool(_VACCINATING & set(sentence.norms)) and found.entry in _VACCINATED_AGAINST


def heard(sentence: Sentence, first: int, last: int) -> str:
    """The words first:last as they stand in the text, white space as single spaces."""
    return " ".join(sentence.text[sentence.words[first].start : sentence.words[last - 1].end].split())


def _longer(drug: Found[Drug] | None, group: Found[DrugClass] | None) -> Found[Drug] | Found[DrugClass] | None:
    if drug and group:
        return group if group.last > drug.last else drug
    return drug or group


def _medicine(sentence: Sentence, found: Found[Drug] | Found[DrugClass]) -> Mention:
    name = heard(sentence, found.first, found.last)
    if isinstance(found.entry, DrugClass):
        return Mention(sentence, found.first, found.last, name, generic=found.entry.generic, is_class=True)
    return Mention(sentence, found.first, found.last, name, found.entry.ingredient)


def _is_its_form(found: Found[Drug] | Found[DrugClass], ends: set[int]) -> bool:
    """The "inhaler" of "albuterol inhaler"."""
    return isinstance(found.entry, DrugClass) and found.first in ends


def _is_listed_beside(
    words: Sequence[Word], found: Found[Drug] | Found[DrugClass], ends: set[int], starts: set[int]
) -> bool:
    """The everyday "iron" of "iron and a multivitamin"."""
    if isinstance(found.entry, DrugClass) or (found.last < len(words) and words[found.last].norm in _MEASURED):
        return False
    before, after = found.first, found.last
    while before and words[before - 1].norm in _LISTING:
        before -= 1
    while after < len(words) and words[after].norm in _LISTING:
        after += 1
    return (before < found.first and before in ends) or (after > found.last and after in starts)


def _is_put_a_name_to(words: Sequence[Word], found: Found[Drug] | Found[DrugClass], starts: set[int]) -> bool:
    """The "brown inhaler" of "a brown inhaler, Clenil", the water pill of "a water pill called Lasix"."""
    if not isinstance(found.entry, DrugClass):
        return False
    named = found.last
    while named < len(words) and words[named].norm in _NAMING:
        named += 1
    return named > found.last and named in starts


def _allergen(sentence: Sentence, found: Found[Allergen]) -> Mention:
    group = found.entry.name if found.entry.kind == "drug" else ""
    return Mention(sentence, found.first, found.last, heard(sentence, found.first, found.last), group)


def _is_a_purpose(words: Sequence[Word], found: Found[Drug] | Found[DrugClass]) -> bool:
    """ "What do you use for birth control?" names no drug."""
    return found.first > 0 and words[found.first - 1].norm == "for" and words[found.first].norm == "birth"


def _is_meant(words: Sequence[Word], found: Found[Drug] | Found[DrugClass]) -> bool:
    after = words[found.last].norm if found.last < len(words) else ""
    if after in _MEASURED or _is_a_purpose(words, found):
        return False
    if isinstance(found.entry, DrugClass) or not found.entry.everyday_word:
        return True
    before = words[found.first - 1].norm if found.first else ""
    if words[found.first].capital and before in ("any", "the", "my", "your", "some"):
        return True
    near = {word.norm for word in words[max(0, found.first - 4) : found.last + 4]}
    return before not in _MEASURING and bool(near & (TAKING | _UNITS))
