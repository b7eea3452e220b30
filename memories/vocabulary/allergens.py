"""What people are allergic to, besides drugs by name: foods, materials, the environment, drug groups."""

from dataclasses import dataclass
from functools import cache

from memories.vocabulary.lexicon import Lexicon, rows, spoken_forms


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
