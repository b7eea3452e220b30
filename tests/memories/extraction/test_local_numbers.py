"""Numbers, doses and dates as people say them."""

from datetime import UTC, date, datetime

import pytest

from memories.extraction.dates import when_said
from memories.extraction.dosing import Dosing, dosing_of
from memories.extraction.numbers import number_at
from memories.vocabulary.words import words_of

SPOKEN = {
    "twenty five": "25",
    "twenty-five": "25",
    "two point five": "2.5",
    "zero point one two five": "0.125",
    "point one twenty five": "0.125",
    "one hundred and fifty": "150",
    "a hundred and twelve": "112",
    "fifteen hundred": "1500",
    "two thousand": "2000",
    "two thousand five hundred": "2500",
    "two fifty": "250",
    "one twenty five": "125",
    "seven and a half": "7.5",
    "half a": "0.5",
    "1,000": "1000",
    "12.5": "12.5",
    "a": "",
    "point": "",
}


@pytest.mark.parametrize(("said", "digits"), SPOKEN.items())
def test_a_spoken_number_in_digits(said: str, digits: str) -> None:
    assert number_at(words_of(said), 0)[0] == digits


DOSINGS = {
    "forty M G twice a day": Dosing("40 mg", frequency="twice a day"),
    "ten milligrams by mouth every morning": Dosing("10 mg", "by mouth", "every morning"),
    "one tablet every six hours as needed": Dosing("1 tablet", frequency="every 6 hours", as_needed=True),
    "two puffs when needed": Dosing("2 puffs", as_needed=True),
    "five, no wait, ten milligrams": Dosing("10 mg"),
    "ten milligrams, I mean twenty": Dosing("20 mg"),
    "four hundred M G and eighty M G tablets": Dosing("400 mg/80 mg"),
    "thirty pills": Dosing(),
    "for the pain": Dosing(),
}


@pytest.mark.parametrize(("said", "dosing"), DOSINGS.items())
def test_a_dosing_as_said(said: str, dosing: Dosing) -> None:
    assert dosing_of(words_of(said)) == dosing


def test_a_number_without_a_unit_keeps_none() -> None:
    assert dosing_of(words_of("fifty twice a day"), bare_number=True).dose == "50"


DATES = {
    "tomorrow": date(2026, 3, 5),
    "the day after tomorrow": date(2026, 3, 6),
    "on Friday": date(2026, 3, 6),
    "next Friday": date(2026, 3, 13),
    "next Tuesday": date(2026, 3, 10),
    "in three weeks": date(2026, 3, 25),
    "in a month": date(2026, 4, 4),
    "March twentieth": date(2026, 3, 20),
    "on the third of January": date(2027, 1, 3),
    "4/15": date(2026, 4, 15),
    "2026-05-01 at 14:30": datetime(2026, 5, 1, 14, 30, tzinfo=UTC),
    "tomorrow at half past nine": datetime(2026, 3, 5, 9, 30, tzinfo=UTC),
    "on Monday at two": datetime(2026, 3, 9, 14, tzinfo=UTC),
    "on Monday at 7 p.m.": datetime(2026, 3, 9, 19, tzinfo=UTC),
    "February 30th": None,
    "some day": None,
}


@pytest.mark.parametrize(("said", "when"), DATES.items())
def test_a_day_counted_from_a_wednesday(said: str, when: date | datetime | None) -> None:
    assert when_said(said, datetime(2026, 3, 4, 9, tzinfo=UTC)) == when
