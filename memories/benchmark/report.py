"""The benchmark's table."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from memories.benchmark.measuring import Times

HEADINGS = ("what", "ours", "floor", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Line:
    """One figure, with what it is compared with. `met` is None where nothing is promised."""

    what: str
    ours: str
    floor: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        met = "" if self.met is None else "yes" if self.met else "NO"
        return (self.what, self.ours, self.floor, self.ratio, self.target, met)


def as_table(lines: Sequence[Line]) -> Table:
    """The lines as a table that Markdown reads too."""
    table = Table(box=box.MARKDOWN, pad_edge=True)
    for position, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="left" if position == 0 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*line.cells)
    return table


def compared(what: str, ours: Times, floor: Times, *, at_most: float | None = None) -> Line:
    """Two kinds of calls, p50 / p95 in milliseconds, and the ratio of their medians, promised to be at most so much."""
    ratio = ours.p50 / floor.p50
    target = "" if at_most is None else f"<= {at_most} x"
    met = None if at_most is None else ratio <= at_most
    return Line(what, spread(ours), spread(floor), f"{ratio:.2f}", target, met)


def promised(what: str, figure: float, *, below: float, unit: str, ours: str = "", floor: str = "") -> Line:
    """A figure that is promised to stay below another."""
    return Line(what, ours or f"{figure:.1f} {unit}", floor, "", f"< {below:g} {unit}", figure < below)


def spread(times: Times) -> str:
    return f"{times.p50:.1f} / {times.p95:.1f} ms"
