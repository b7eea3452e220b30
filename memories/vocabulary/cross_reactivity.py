"""Which substances react alike: groups, with the level of evidence and the source of each row.

A draft that no pharmacist has reviewed: it raises questions for staff, and never blocks or clears anything.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from memories.vocabulary.lexicon import rows

FILE = "cross_reactivity.tsv"
PARTS = ("member", "name", "related")


class Level(StrEnum):
    """How good the evidence is, strongest first."""

    SAME = "A"  # same drug or group
    PARTIAL = "B"  # documented partial cross-reactivity
    WEAK = "C"  # label or structure only: informs, never interrupts
    MYTH = "M"  # widely believed and wrong: never alerts


@dataclass(frozen=True, slots=True)
class Relation:
    """One row: this substance stands in this group. A `related` one reacts with its members, not with its like."""

    group: str
    substance: str
    part: str
    level: Level
    note: str
    is_therapy: bool
    source: str


@cache
def relations_of() -> Mapping[str, tuple[Relation, ...]]:
    """The relations of each substance, by its name in lower case. Raises `ValueError` for a row that is not whole."""
    found: dict[str, list[Relation]] = defaultdict(list)
    for relation in _relations():
        found[relation.substance].append(relation)
    return {substance: tuple(relations) for substance, relations in found.items()}


def _relations() -> Iterator[Relation]:
    for number, row in enumerate(rows(FILE), start=2):
        if row["part"] not in PARTS or not all(row[name] for name in ("group", "substance", "source", "licence")):
            raise ValueError(f"{FILE}, line {number}: group, substance, part, level, source and licence are needed.")
        yield Relation(
            row["group"],
            row["substance"].lower(),
            row["part"],
            Level(row["level"]),
            row["note"],
            row["duplicate_therapy"] == "yes",
            row["source"],
        )
