"""Dose, route and frequency as said: numbers in digits, nothing filled in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memories.extraction.numbers import number_at
from memories.extraction.phrases import spans
from memories.vocabulary.words import Word, word_set

_UNITS_SAID = {
    "mg": "mg mgs milligram milligrams",
    "mcg": "mcg mcgs mic mics microgram micrograms",
    "g": "g gram grams",
    "ml": "ml mls mil mils milliliter milliliters millilitre millilitres cc",
    "units": "unit units iu",
    "meq": "meq",
    "%": "% percent",
}
_STRENGTHS = {said: unit for unit, sayings in _UNITS_SAID.items() for said in sayings.split()}
_COUNTS = word_set(
    "tablet tablets pill pills capsule capsules puff puffs drop drops spray sprays teaspoon teaspoons "
    "tablespoon tablespoons patch patches tab tabs shot shots injection injections"
)
_AFTER_A_NUMBER = word_set(
    "once twice a daily every each and in at with when for by nightly instead please now too still"
)
_BEFORE_A_NUMBER = word_set("now that's it's its about around just i he she takes take think")
_TIME_COUNTED = word_set("times days weeks months years hours minutes o'clock am pm years-old")
_OPENING = 2
#: "Thirty pills" are a supply.
_MOST_AT_ONCE = 8
_CORRECTION = re.compile(
    r"\b(?:no ,? ?wait|wait ,? ?no|sorry|i mean|no ,? it's|actually|make that|correction|no ,? sorry"
    r"|or rather|hang on|hold on|wait|no ,? no|no ,? not|that's wrong)\b"
)
#: "It's forty now": what a dose has become.
_NOW = re.compile(r"\b(?:it's|it is|that's|they're|up to|down to|put (?:it )?(?:up|down) to) [\w. -]+ now\b")
_NUMBER = r"(?:\d+(?:\.\d+)?|one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty four|forty eight)"
_PERIOD = r"(?:day|week|month|night|morning|evening|year)"
_TIMES = rf"(?:once|twice|thrice|{_NUMBER} times?)"
_WHEN = (
    r"(?:(?:the )?(?:mornings?|evenings?|afternoons?)|bedtime|night|nights|noon|lunch|lunchtime|dinner"
    r"|breakfast)"
)
_FREQUENCY = re.compile(
    rf"\b(?:{_TIMES} (?:a|per|each|every) {_PERIOD}|{_TIMES} (?:daily|weekly|monthly|nightly)"
    rf"|every (?:other |single )?(?:{_PERIOD}|{_NUMBER}(?: (?:to|or) {_NUMBER})? (?:hours?|days?|weeks?"
    rf"|months?))"
    rf"|each {_PERIOD}|(?:daily|nightly|weekly|bid|tid|qid|qd|qhs|b\.i\.d|t\.i\.d)"
    rf"|(?:in|at) {_WHEN}(?: and (?:in |at )?{_WHEN})?|before (?:bed|meals|breakfast)|with (?:meals|food"
    rf"|breakfast|dinner|lunch)"
    rf"|(?:first thing|last thing|(?:mornings?|nights?|evenings?) and (?:mornings?|nights?|evenings?|noon|bedtime))"
    rf"|after meals|(?<=[a-z] )(?<!on )(?<!have )a day(?! (?:or|my|when|off|ago|before|after|later))|twice)\b"
)
_AS_NEEDED = re.compile(
    r"\b(?:as needed|as required|prn|if needed|when (?:i|he|she|they|you) needs?(?: it| to)?|when needed"
    r"|only when|as necessary"
    r"|when (?:it's|it is|it gets|it|things get) (?:really |very |so )?(?:bad|worse|hurts?|sore|acts? up|flares? up)"
    r"|when i can't \w+(?: my)? \w+|if (?:i|he|she|they) needs? (?:it|to|one)|as and when"
    r"|on hand|now and then|every now and again|occasionally|sometimes)\b"
)
_ROUTE = re.compile(
    r"\b(?:by mouth|po|orally|inhalers?|inhaled|nasal spray|nasal(?: inhaler)?|injections?|injected|shots?"
    r"|patch(?:es)?|cream|ointment"
    r"|eye drops|ear drops|drops|iv|intravenous(?:ly)?|under (?:the|my|his|her) tongue|sublingual(?:ly)?"
    r"|topical(?:ly)?|gel"
    r"|suppository|suppositories|nebulizer|nebuliser|subcutaneous(?:ly)?|intramuscular(?:ly)?"
    r"|through the feeding tube)\b"
)


@dataclass(frozen=True, slots=True)
class Dosing:
    dose: str = ""
    route: str = ""
    frequency: str = ""
    as_needed: bool = False

    def __bool__(self) -> bool:
        return bool(self.dose or self.route or self.frequency or self.as_needed)

    def or_else(self, other: "Dosing") -> "Dosing":
        """This dosing, with what it leaves open taken from another."""
        return Dosing(
            self.dose or other.dose,
            self.route or other.route,
            self.frequency or other.frequency,
            self.as_needed or other.as_needed,
        )


def dosing_of(words: Sequence[Word], bare_number: bool = False, nearest_last: bool = False) -> Dosing:
    """The dosing that some words state. `bare_number`: a number that stands first is a dose even without a unit.

    `nearest_last`: the words lead up to the drug, so of two doses the last is its own.
    """
    frequency = [_in_digits(words[first:last]) for first, last, _ in spans(words, _FREQUENCY)]
    route = next((match.group() for _, _, match in spans(words, _ROUTE)), "")
    as_needed = any(True for _ in spans(words, _AS_NEEDED))
    return Dosing(_dose(words, bare_number, nearest_last), route, " ".join(dict.fromkeys(frequency)), as_needed)


def _dose(words: Sequence[Word], bare_number: bool, nearest_last: bool) -> str:
    """The dose said last before the next drug: a correction wins, a strength wins over a count of tablets."""
    doses = [dose for at in range(len(words)) if (dose := _dose_at(words, at)) and not _inside(words, at)]
    strengths = [dose for dose in doses if dose.split()[-1] not in _COUNTS]
    if strengths:
        return _corrected(words, strengths[-1]) or (strengths[-1] if nearest_last else _together(strengths, words))
    if doses:
        return doses[-1]
    first = _bare_from(words)
    value, end = number_at(words, first) if bare_number and len(words) > first else ("", 0)
    stands_alone = end == len(words) or words[end].is_mark or words[end].norm in _AFTER_A_NUMBER
    stands_alone |= end + 1 < len(words) and words[end + 1].norm == "times"
    if not value or (float(value) <= 1 and "." not in value) or not stands_alone:
        return _before_a_frequency(words) if bare_number else ""
    return _corrected(words, value) or value


def _before_a_frequency(words: Sequence[Word]) -> str:
    """The "five hundred" of "to the chemist, five hundred twice a day"."""
    for at in range(len(words)):
        value, end = number_at(words, at)
        if value and float(value) > _MOST_AT_ONCE and not _inside(words, at) and _tells_how_often(words[end : end + 2]):
            return value
    return ""


def _tells_how_often(words: Sequence[Word]) -> bool:
    norms = [word.norm for word in words]
    return norms[:1] in (["once"], ["twice"], ["daily"], ["nightly"], ["bid"], ["tid"]) or norms == ["a", "day"]


def corrected_dose(words: Sequence[Word], dose: str) -> str:
    """What a later sentence makes of a dose ("No, hang on, it's forty now"): in its unit if it names none; else ""."""
    opens = any(first <= _OPENING for first, _, _ in spans(words, _CORRECTION))
    renews = next((first for first, _, _ in spans(words, _NOW)), None)
    if renews is None and not opens:
        return ""
    changed = _corrected(words, dose) if opens else _first_number(words, renews or 0, dose)
    return changed if changed != dose else ""


def _bare_from(words: Sequence[Word]) -> int:
    """Where a dose without a unit may begin: after "down to", "from ten to", "that's" or a comma."""
    at = 0
    while at < len(words) and (words[at].norm == "," or words[at].norm in _BEFORE_A_NUMBER):
        at += 1
    if [word.norm for word in words[at : at + 2]] in (["down", "to"], ["up", "to"]):
        return at + 2
    if at + 1 < len(words) and words[at].norm == "to" and number_at(words, at + 1)[0]:
        return at + 1
    if at < len(words) and words[at].norm == "from":
        value, end = number_at(words, at + 1)
        return end + 1 if value and end < len(words) and words[end].norm == "to" else at
    return at


def _corrected(words: Sequence[Word], last_dose: str) -> str:
    """The dose after "no, wait" or "I mean", in the unit said before if it has none; "" when nothing is corrected."""
    cues = [last for _, last, _ in spans(words, _CORRECTION)]
    return (_first_number(words, cues[-1], last_dose) or last_dose) if cues else ""


def _first_number(words: Sequence[Word], begins: int, dose: str) -> str:
    """The first amount from a word on, but for a "not twenty"; with the unit of a dose when it names none."""
    for at in range(begins, len(words)):
        value, end = number_at(words, at)
        if not value or _inside(words, at) or (at and words[at - 1].norm == "not"):
            continue
        unit = dose.split()[-1] if " " in dose else ""
        own = _dose_at(words, at)
        counts_time = end < len(words) and words[end].norm in _TIME_COUNTED
        return own or ("" if counts_time else f"{value} {unit}".strip())
    return ""


def _dose_at(words: Sequence[Word], at: int) -> str:
    value, end = _amount_at(words, at)
    if not value or end >= len(words):
        return ""
    if words[end].norm == "-" and end + 1 < len(words):
        end += 1
    unit = words[end].norm
    if unit in _STRENGTHS:
        return f"{value} {_STRENGTHS[unit]}"
    is_dose = unit in _COUNTS and float(value.split()[-1]) <= _MOST_AT_ONCE
    return f"{value} {unit}" if is_dose else ""


def _amount_at(words: Sequence[Word], at: int) -> tuple[str, int]:
    """A number, or a range ("one or two", "five to ten"); of "from ten to twenty" the second."""
    value, end = number_at(words, at)
    if not value or end >= len(words) or words[end].norm not in ("or", "to"):
        return value, end
    most, last = number_at(words, end + 1)
    if not most:
        return value, end
    changed = at > 0 and words[at - 1].norm == "from"
    return (most if changed else f"{value} {words[end].norm} {most}"), last


def _inside(words: Sequence[Word], at: int) -> bool:
    """Whether a number that began earlier still runs here: the "five" of "twenty five"."""
    return any(_amount_at(words, before)[1] > at for before in range(max(0, at - 4), at))


def _together(strengths: list[str], words: Sequence[Word]) -> str:
    """Two strengths of one tablet ("four hundred M G and eighty M G") belong together; others follow one another."""
    joined = len(strengths) == 2 and any(word.norm in ("tablets", "tablet", "/") for word in words)
    return "/".join(strengths) if joined else strengths[0]


def _in_digits(words: Sequence[Word]) -> str:
    said, at = [], 0
    while at < len(words):
        value, end = ("", at) if words[at].norm in ("a", "half") else number_at(words, at)
        said.append(value or words[at].norm)
        at = end if value else at + 1
    return " ".join(said)
