"""Allergy against medication, at the level of the ingredient and of the group. Pure; what it cannot check, it says."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from memories.vocabulary.allergens import allergens
from memories.vocabulary.cross_reactivity import Level, Relation, relations_of
from memories.vocabulary.drugs import ingredient_of

#: Strongest evidence first.
ORDER = list(Level)


class Verdict(StrEnum):
    CONFLICT = "conflict"
    NOTE = "note"
    NONE_KNOWN = "no known conflict"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one allergy and one medication. `level`, `group`, `note` and `source` are the evidence."""

    verdict: Verdict
    level: Level | None = None
    group: str = ""
    note: str = ""
    source: str = ""


NOT_CHECKED = Finding(Verdict.NOT_CHECKED)
NONE_KNOWN = Finding(Verdict.NONE_KNOWN)


@lru_cache(maxsize=20_000)
def check_allergy(allergen: str, drug: str) -> Finding:
    """What speaks against giving `drug` to somebody allergic to `allergen`; both names as heard or as ingredients.

    Levels A and B are conflicts, C and M notes. A name that no vocabulary knows reads "not checked", never "none".
    """
    if not (allergen.strip() and drug.strip()):
        return NOT_CHECKED
    allergens_, drugs = _ingredients(allergen), _ingredients(drug)
    if not all(map(_is_known, allergens_)) or not all(map(_is_known, drugs)):
        return NOT_CHECKED
    found = [finding for a in allergens_ for d in drugs if (finding := _compare(a, d))]
    return min(found, key=lambda finding: ORDER.index(finding.level or Level.MYTH), default=NONE_KNOWN)


def shared_therapy(drug: str, other: str) -> str:
    """The group in which two different drugs do the same job ("statins"), or ""."""
    groups = [
        {r.group for part in _ingredients(name) for r in relations_of().get(part, ()) if r.is_therapy}
        for name in (drug, other)
    ]
    return min(groups[0] & groups[1], default="")


def _ingredients(name: str) -> list[str]:
    """The ingredients behind a name, in lower case."""
    listed = ingredient_of(name)
    if listed is None and (allergen := allergens().exactly(name)):
        listed = allergen.name
    return (listed or name).lower().split("/")


def _is_known(ingredient: str) -> bool:
    return (
        ingredient in relations_of()
        or ingredient_of(ingredient) is not None
        or allergens().exactly(ingredient) is not None
    )


def _compare(allergen: str, drug: str) -> Finding | None:
    if allergen == drug:
        return Finding(Verdict.CONFLICT, Level.SAME, allergen, "the same substance", "")
    mine, theirs = relations_of().get(allergen, ()), relations_of().get(drug, ())
    found = [_weaker(a, d) for a in mine for d in theirs if a.group == d.group and not (a.part == d.part == "related")]
    strongest = min(found, key=lambda relation: ORDER.index(relation.level), default=None)
    if strongest is None:
        return None
    verdict = Verdict.CONFLICT if strongest.level in (Level.SAME, Level.PARTIAL) else Verdict.NOTE
    return Finding(verdict, strongest.level, strongest.group, strongest.note, strongest.source)


def _weaker(one: Relation, other: Relation) -> Relation:
    """The row whose evidence bounds what the two have in common."""
    return max(one, other, key=lambda relation: ORDER.index(relation.level))
