"""Measured values in speech: blood pressure, temperature, pulse, oxygen, weight, blood sugar, with their units."""

from collections.abc import Iterator
from dataclasses import dataclass

from memories.extraction.numbers import number_at
from memories.extraction.reading import Sentence

#: name -> (what it is called, its unit when none is said, other units, least and most that is plausible)
_KINDS: dict[str, tuple[tuple[str, ...], str, tuple[str, ...], float, float]] = {
    "blood pressure": (("blood pressure", "bp", "pressure"), "mmHg", (), 50, 260),
    "temperature": (("temperature", "temp", "fever"), "", ("degrees", "fahrenheit", "celsius"), 34, 110),
    "pulse": (("pulse", "heart rate"), "/min", ("beats",), 30, 220),
    "oxygen saturation": (("oxygen", "saturation", "sats", "sat", "spo2"), "%", ("percent", "%"), 50, 100),
    "weight": (
        ("weight", "weighs", "weigh", "weighed"),
        "",
        ("pounds", "lbs", "kilos", "kg", "kilograms", "stone"),
        20,
        700,
    ),
    "blood sugar": (
        ("blood sugar", "sugar", "sugars", "glucose", "blood glucose"),
        "",
        ("mg/dl", "mmol"),
        2,
        700,
    ),
}
_UNITS = {
    "pounds": "lb",
    "lbs": "lb",
    "kilos": "kg",
    "kilograms": "kg",
    "percent": "%",
    "degrees": "°",
    "fahrenheit": "°F",
    "celsius": "°C",
    "beats": "/min",
}
_REACH = 9


@dataclass(frozen=True, slots=True)
class Vital:
    """A measured value: words first:last, number in digits; `unit` as said, or the only one in use."""

    name: str
    value: str
    unit: str
    first: int
    last: int

    @property
    def shown(self) -> str:
        return f"{self.value} {self.unit}".strip()


def vitals_in(sentence: Sentence) -> Iterator[Vital]:
    """The measured values that a sentence states."""
    for name, (words, unit, others, least, most) in _KINDS.items():
        at = next((at for at in range(len(sentence.words)) if _starts(sentence, at, words)), None)
        if at is None and name == "blood pressure":
            at = _reading_begins(sentence)
        if at is None:
            continue
        found = _pressure(sentence, at) if name == "blood pressure" else _value(sentence, at, least, most)
        if found:
            value, _, last = found
            yield Vital(name, value, _unit(sentence, last, others) or unit, max(at, 0), last)


def _reading_begins(sentence: Sentence) -> int | None:
    """Before "one forty-eight over eighty-two", which needs no name: the place of its first word, less one."""
    for first in range(len(sentence.words)):
        upper, end = number_at(sentence.words, first)
        over = upper and sentence.norms[end : end + 1] in (("over",), ("/",))
        lower = number_at(sentence.words, end + 1)[0] if over else ""
        if lower and 70 <= float(upper) <= 260 and 30 <= float(lower) < float(upper):
            return first - 1
    return None


def _starts(sentence: Sentence, at: int, words: tuple[str, ...]) -> bool:
    said = " ".join(sentence.norms[at : at + 2])
    return any(said == word or sentence.norms[at] == word for word in words)


def _pressure(sentence: Sentence, at: int) -> tuple[str, int, int] | None:
    """ "One thirty over eighty", "130/80"."""
    for first in range(at + 1, min(at + _REACH, len(sentence.words))):
        upper, end = number_at(sentence.words, first)
        if upper and end + 1 < len(sentence.words) and sentence.norms[end] in ("over", "/"):
            lower, last = number_at(sentence.words, end + 1)
            if lower and 50 <= float(upper) <= 260:
                return f"{upper}/{lower}", first, last
    return None


def _value(sentence: Sentence, at: int, least: float, most: float) -> tuple[str, int, int] | None:
    first = at + 1
    while first < min(at + _REACH, len(sentence.words)):
        value, end = number_at(sentence.words, first)
        if (
            value
            and value.replace(".", "").isdigit()
            and least <= float(value) <= most
            and not _counts_time(sentence, end)
        ):
            return value, first, end
        first = max(end, first + 1)
    return None


def _counts_time(sentence: Sentence, end: int) -> bool:
    after = sentence.norms[end : end + 1]
    return bool(after) and after[0] in (
        "days",
        "day",
        "weeks",
        "week",
        "hours",
        "hour",
        "months",
        "years",
        "times",
        "mg",
        "o'clock",
        "am",
        "pm",
        "pills",
        "st",
        "th",
    )


def _unit(sentence: Sentence, last: int, others: tuple[str, ...]) -> str:
    said = [norm for norm in sentence.norms[last : last + 2] if norm in others]
    return _UNITS.get(said[-1], said[-1]) if said else ""
