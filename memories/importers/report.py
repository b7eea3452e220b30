"""What became of everything that was read. Every row and every entry of history is accounted for, or it says so."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Broken places that a report lists; all are counted.
LISTED = 1000
ROW_OUTCOMES = ("imported", "reinforced", "conflicting", "withheld", "waiting", "quarantined", "skipped")
EVENT_OUTCOMES = ("kept", "quarantined", "skipped")
BROKEN = "it cannot be read"
KNOWN = "imported before"
TWICE = "twice in this source"
OURS = "a memory of this system itself"


class Unaccounted(AssertionError):
    """The sums do not match: something was read of which nobody knows what became."""


@dataclass(slots=True)
class Tally:
    """How many were read, and what became of them: outcome -> reason -> number."""

    read: int = 0
    became: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, outcome: str, reason: str = "", number: int = 1) -> None:
        self.became.setdefault(outcome, Counter())[reason] += number

    def total(self, outcome: str) -> int:
        return sum(self.became.get(outcome, Counter()).values())

    def check(self, what: str) -> None:
        accounted = sum(map(self.total, self.became))
        if accounted != self.read:
            raise Unaccounted(f"{self.read} {what} were read and {accounted} are accounted for.")

    def as_json(self) -> dict[str, Any]:
        totals = {outcome: self.total(outcome) for outcome in self.became}
        reasons = {
            outcome: {reason: number for reason, number in sorted(counted.items()) if reason}
            for outcome, counted in self.became.items()
        }
        return {"read": self.read, **totals, "reasons": {outcome: told for outcome, told in reasons.items() if told}}


@dataclass(slots=True)
class Report:
    """Counts, places and ids; nobody's words."""

    source: str = ""
    kinds: dict[str, str] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    dry_run: bool = False
    rows: Tally = field(default_factory=Tally)
    history: Tally = field(default_factory=Tally)
    relations_dropped: int = 0
    other: int = 0
    broken: list[dict[str, str]] = field(default_factory=list)
    unknown_users: dict[str, int] = field(default_factory=dict)
    patients_created: int = 0
    embedded: int = 0
    quarantine: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    def note_broken(self, place: str, reason: str) -> None:
        if len(self.broken) < LISTED:
            self.broken.append({"place": place, "reason": reason})

    def take_outcomes(self, outcomes: Mapping[tuple[str, str], int]) -> None:
        """What became of the rows that were stored, by outcome and reason."""
        for (outcome, reason), number in outcomes.items():
            self.rows.count(outcome, reason, number)

    def check(self) -> None:
        """Raise `Unaccounted` unless every row and every entry of history is accounted for."""
        self.rows.check("rows")
        self.history.check("entries of history")

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "kinds": self.kinds,
            "passed_over": self.passed_over,
            "dry_run": self.dry_run,
            "rows": _with_zeros(self.rows, ROW_OUTCOMES),
            "history": _with_zeros(self.history, EVENT_OUTCOMES),
            "relations_dropped": self.relations_dropped,
            "other": self.other,
            "broken": self.broken,
            "unknown_users": self.unknown_users,
            "patients_created": self.patients_created,
            "embedded": self.embedded,
            "quarantine": self.quarantine,
            "seconds": {step: round(taken, 2) for step, taken in self.seconds.items()},
            "rows_a_second": self._rates(),
        }

    def _rates(self) -> dict[str, float]:
        """Rows a second: safe in the database, and from first to last."""
        stored = self.rows.read - self.rows.total("quarantined") - self.rows.total("skipped")
        whole = sum(self.seconds.values())
        rates = {"stored": (stored, self.seconds.get("store", 0.0)), "end_to_end": (stored, whole)}
        return {name: round(rows / taken, 1) for name, (rows, taken) in rates.items() if rows and taken}


def _with_zeros(tally: Tally, outcomes: tuple[str, ...]) -> dict[str, Any]:
    told = tally.as_json()
    return {"read": told["read"], **{outcome: told.get(outcome, 0) for outcome in outcomes}, "reasons": told["reasons"]}
