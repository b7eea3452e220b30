"""What people are allergic to, besides drugs by name: foods, materials, the environment, drug groups."""

from dataclasses import dataclass
from functools import cache

from memories.vocabulary.lexicon import Lexicon, rows, singulars, spoken_forms
from memories.vocabulary.words import key_of

#: Rows that gather things which are told apart: who cannot eat walnuts and cashews has two allergies.
_GATHERING = frozenset(
    {
        "tree nuts", "shellfish", "fish", "wheat", "citrus", "legumes", "insect bites", "pet dander", "pollen",
        "ragweed", "melon", "raspberry", "apricot", "cantaloupe", "peppers", "broccoli", "squash", "curry",
        "sunflower seeds",
        "food preservatives", "alcohol", "artificial sweeteners", "perfume", "detergent", "cosmetics",
        "stainless steel", "wool", "poison ivy",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Allergen:
    """A substance by its plain name. `kind`: food, environmental, material or drug."""

    name: str
    kind: str


@cache
def allergens() -> Lexicon[Allergen]:
    """Plain and lay names -> allergen."""
    return Lexicon(
        (said, Allergen(row["name"], row["kind"])) for row in rows("allergens.tsv") for said in spoken_forms(row)
    )


def allergen_name(heard: str) -> str:
    """The one name for an allergen heard, or "" if it is in no list: "eggs" and "egg whites" are egg; of a row that
    gathers several, the one heard in the singular: "walnuts" is walnut.
    """
    listed = allergens().exactly(heard)
    if listed is None or listed.name not in _GATHERING:
        return listed.name if listed else ""
    *first, last = key_of(heard)
    if "".join((*first, last)) == "".join(key_of(listed.name)):
        return listed.name
    named = [" ".join((*first, one)) for one in singulars(last)]
    return min((one for one in named if allergens().exactly(one)), key=len, default=named[0])
