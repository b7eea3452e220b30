"""Days and times as people say them, counted from when they were said."""

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from memories.extraction.numbers import number_at
from memories.vocabulary.words import word_list, words_of

_DAYS = word_list("monday tuesday wednesday thursday friday saturday sunday")
_MONTHS = word_list("january february march april may june july august september october november december")
_ORDINALS = {
    word: number
    for number, word in enumerate(
        word_list(
            "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
            "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
        ),
        start=1,
    )
} | {"thirtieth": 30}
_DAY = "|".join(_DAYS)
_MONTH = "|".join(_MONTHS)
_NUMBER = r"(?:\d+|[a-z]+(?: [a-z]+)?)"
_ON_DAY = re.compile(rf"\b(?:(next|this|on|coming) )?({_DAY})\b")
_IN = re.compile(rf"\bin (?:about )?({_NUMBER}|a|an|a couple of|a few) (day|week|month|year)s?\b")
_FROM_NOW = re.compile(rf"\b({_NUMBER}|a) (day|week|month)s? from (?:now|today)\b")
_NEXT = re.compile(r"\bnext (week|month|year)\b")
_MONTH_DAY = re.compile(
    rf"\b({_MONTH}) (?:the )?(\d{{1,2}}(?: (?:st|nd|rd|th))?|[a-z]+(?: [a-z]+)?)(?: ,? ?(\d{{4}}))?\b"
)
_DAY_OF_MONTH = re.compile(rf"\b(?:the )?(\d{{1,2}}(?: (?:st|nd|rd|th))?|[a-z]+) of ({_MONTH})\b")
_ISO = re.compile(r"\b(\d{4}) - (\d{1,2}) - (\d{1,2})\b")
_SLASHED = re.compile(r"\b(\d{1,2}) / (\d{1,2})(?: / (\d{2,4}))?\b")
_CLOCK = re.compile(
    r"\bat (?:(?P<half>half past) )?(?P<hour>\d{1,2}|[a-z]+)(?: : (?P<minute>\d{2})| (?P<said>thirty|fifteen"
    r"|forty five))?(?: (?P<noon>am|pm|o'clock|in the morning|in the afternoon|in the evening))?\b"
)
_NOON_MARK = re.compile(r"\b([ap]) \. m(?: \.)?")
_MINUTES = {"thirty": 30, "fifteen": 15, "forty five": 45}


def when_said(text: str, said_at: datetime) -> date | datetime | None:
    """The future day, with the time if one was said, that a text names; None when it names none.

    Days are counted from `said_at`; a time is in its time zone. "Next Friday" is the Friday of the week to come.
    """
    plain = _NOON_MARK.sub(r"\1m", " ".join(word.norm for word in words_of(text)))
    day = next((found for read in _READERS if (found := read(plain, said_at.date()))), None)
    if day is None:
        return None
    at = _clock(plain)
    return datetime.combine(day, at, tzinfo=said_at.tzinfo) if at else day


def _near(plain: str, today: date) -> date | None:
    if " tomorrow " in f" {plain} ":
        return _days_after(today, 2 if "day after tomorrow" in plain else 1)
    return today if re.search(r"\b(?:later today|this afternoon|this evening|tonight)\b", plain) else None


def _counted(plain: str, today: date) -> date | None:
    match = _IN.search(plain) or _FROM_NOW.search(plain)
    if match is None:
        return None
    count = {"a": 1, "an": 1, "a couple of": 2, "a few": 3}.get(match.group(1)) or _number(match.group(1))
    return _later(today, count, match.group(2)) if count else None


def _weekday(plain: str, today: date) -> date | None:
    match = _ON_DAY.search(plain)
    if match is None:
        return None
    ahead = (_DAYS.index(match.group(2)) - today.weekday()) % 7 or 7
    in_next_week = match.group(1) == "next" and today.weekday() + ahead < 7
    return _days_after(today, ahead + (7 if in_next_week else 0))


def _named(plain: str, today: date) -> date | None:
    match = _MONTH_DAY.search(plain)
    if match:
        return _in_future(_MONTHS.index(match.group(1)) + 1, _number(match.group(2)), match.group(3), today)
    match = _DAY_OF_MONTH.search(plain)
    return _in_future(_MONTHS.index(match.group(2)) + 1, _number(match.group(1)), None, today) if match else None


def _in_digits(plain: str, today: date) -> date | None:
    match = _ISO.search(plain)
    if match:
        return _valid(int(match.group(1)), int(match.group(2)), int(match.group(3)))
    match = _SLASHED.search(plain)
    return _in_future(int(match.group(1)), int(match.group(2)), match.group(3), today) if match else None


def _next(plain: str, today: date) -> date | None:
    match = _NEXT.search(plain)
    return _later(today, 1, match.group(1)) if match else None


_READERS: tuple[Callable[[str, date], date | None], ...] = (
    _in_digits,
    _named,
    _weekday,
    _near,
    _counted,
    _next,
)


def _later(today: date, count: int, unit: str) -> date | None:
    if unit in ("day", "week"):
        return _days_after(today, count * (7 if unit == "week" else 1))
    months = today.month - 1 + count * (12 if unit == "year" else 1)
    return _valid(today.year + months // 12, months % 12 + 1, min(today.day, 28))


def _in_future(month: int, day: int, year: str | None, today: date) -> date | None:
    if year:
        return _valid(int(year) + (2000 if len(year) == 2 else 0), month, day)
    found = _valid(today.year, month, day)
    return _valid(today.year + 1, month, day) if found and found < today else found


def _days_after(today: date, days: int) -> date | None:
    """The day so many days later; None beyond the calendar's last."""
    try:
        return today + timedelta(days=days)
    except OverflowError:
        return None


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None


def _number(said: str) -> int:
    """A number or ordinal as said, 0 when it is none: "fifth", "the twenty first", "3 rd", "two"."""
    words = said.split()
    if words[-1] in _ORDINALS:
        tens, _ = number_at(words_of(words[0]), 0) if len(words) > 1 else ("0", 0)
        return int(float(tens or 0)) + _ORDINALS[words[-1]]
    value, _ = number_at(words_of(said), 0)
    return int(float(value)) if value else 0


def _clock(plain: str) -> time | None:
    if re.search(r"\bat noon\b", plain):
        return time(12)
    match = next((found for found in _CLOCK.finditer(plain) if _number(found["hour"])), None)
    if match is None:
        return None
    hour = _number(match["hour"])
    minute = 30 if match["half"] else int(match["minute"] or _MINUTES.get(match["said"] or "", 0))
    return _on_the_day(hour, minute, match["noon"] or "") if hour < 24 else None


def _on_the_day(hour: int, minute: int, noon: str) -> time:
    """Office hours decide what was left open: "at three" is in the afternoon, "at nine" in the morning."""
    afternoon = noon in ("pm", "in the afternoon", "in the evening") or (noon in ("", "o'clock") and hour < 7)
    if afternoon and hour < 12:
        hour += 12
    return time(0 if noon in ("am", "in the morning") and hour == 12 else hour, minute)
