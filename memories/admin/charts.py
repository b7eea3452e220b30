"""Charts as the server draws them: numbers in, places of an SVG out. No script, and a sentence for who sees none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

WIDTH, HEIGHT = 270, 150
TOP, BOTTOM, LEFT = 22, 24, 4
ROW, LABELS = 24, 106


@dataclass(frozen=True, slots=True)
class Mark:
    """A rectangle, shaded as its series is, with what it stands for."""

    x: int
    y: int
    width: int
    height: int
    series: int
    words: str


@dataclass(frozen=True, slots=True)
class Text:
    x: int
    y: int
    anchor: str
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws. `table` has the same numbers: a heading and rows. Without numbers it says `empty`."""

    title: str
    sentence: str
    empty: str
    height: int = HEIGHT
    marks: Sequence[Mark] = ()
    texts: Sequence[Text] = ()
    line: str = ""
    legend: Sequence[str] = ()
    heading: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = field(default_factory=list)
    width: int = WIDTH


def columns(title: str, days: Sequence[date], series: Mapping[str, Sequence[int]], *, empty: str) -> Chart:
    """A column a day, its series on top of each other."""
    totals = [sum(values) for values in zip(*series.values(), strict=True)]
    if not any(totals):
        return Chart(title, "", empty)
    step, most = (WIDTH - 2 * LEFT) / len(days), max(totals)
    marks, base = [], [HEIGHT - BOTTOM] * len(days)
    for number, (name, values) in enumerate(series.items(), start=1):
        for at, value in enumerate(values):
            tall = round((HEIGHT - TOP - BOTTOM) * value / most)
            base[at] -= tall
            words = f"{days[at]:%a %d %b}: {value} {name}"
            marks.append(Mark(round(LEFT + at * step + 2), base[at], round(step - 4), tall, number, words))
    highest = Text(_middle(totals.index(most), step), base[totals.index(most)] - 6, "middle", str(most))
    return Chart(
        title,
        f"{title}: {sum(totals)} in {len(days)} days, {totals[-1]} today, at most {most} a day.",
        empty,
        marks=marks,
        texts=[highest, *_ends(days)],
        legend=list(series) if len(series) > 1 else [],
        heading=["Day", *series],
        rows=[[f"{day:%a %d %b}", *values] for day, *values in zip(days, *series.values(), strict=True)],
    )


def line(title: str, days: Sequence[date], values: Sequence[int], *, empty: str) -> Chart:
    """A line over the days."""
    if not any(values):
        return Chart(title, "", empty)
    step, most = (WIDTH - 2 * LEFT) / len(days), max(values)
    places = [
        (_middle(at, step), HEIGHT - BOTTOM - round((HEIGHT - TOP - BOTTOM) * value / most))
        for at, value in enumerate(values)
    ]
    told = {values.index(most), len(days) - 1}
    return Chart(
        title,
        f"{title}: {values[0]} on {days[0]:%d %b}, {values[-1]} today, at most {most}.",
        empty,
        line=" ".join(f"{x},{y}" for x, y in places),
        texts=[*(Text(*places[at][:1], places[at][1] - 8, "middle", str(values[at])) for at in told), *_ends(days)],
        heading=["Day", "Open"],
        rows=[[f"{day:%a %d %b}", value] for day, value in zip(days, values, strict=True)],
    )


def bars(title: str, values: Mapping[str, int], *, empty: str) -> Chart:
    """A bar for each name, in the order given."""
    if not any(values.values()):
        return Chart(title, "", empty)
    most, room = max(values.values()), WIDTH - LABELS - 44
    marks, texts = [], []
    for at, (name, value) in enumerate(values.items()):
        y, wide = at * ROW + 4, round(room * value / most)
        marks.append(Mark(LABELS, y, wide, ROW - 8, 1, f"{name}: {value}"))
        texts += [
            Text(LABELS - 8, y + 13, "end", name),
            Text(LABELS + wide + 6, y + 13, "start", f"{value:,}"),
        ]
    return Chart(
        title,
        f"{title}: " + ", ".join(f"{name} {value}" for name, value in values.items()) + ".",
        empty,
        height=len(values) * ROW + 4,
        marks=marks,
        texts=texts,
        heading=["Category", "Memories"],
        rows=[[name, value] for name, value in values.items()],
    )


def _middle(at: int, step: float) -> int:
    return round(LEFT + (at + 0.5) * step)


def _ends(days: Sequence[date]) -> list[Text]:
    return [
        Text(LEFT, HEIGHT - 6, "start", f"{days[0]:%d %b}"),
        Text(WIDTH - LEFT, HEIGHT - 6, "end", "today"),
    ]
