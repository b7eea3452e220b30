"""Preferences, care instructions, lasting facts, observations and appointments; and what is not worth keeping."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memories.choices import Category, Kind
from tests.memories.extraction.statements import candidates, extracted, facts

PREFERENCES = {
    "a note": (
        ["-: Patient prefers morning medication schedule"],
        {"medication schedule: Prefers morning medication schedule."},
    ),
    "the patient's own words": (
        ["P: I prefer to shower in the evening."],
        {"shower: Prefers to shower in the evening."},
    ),
    "a caregiver's words": (["C: She hates being rushed."], {"being rushed: Hates being rushed."}),
    "the nurse's own taste": (["N: I prefer the blue cuff."], set()),
    "a name": (["P: Please call me Rosie."], {"preferred name: Prefers to be called Rosie."}),
    "a language": (["C: He speaks only Polish."], {"language: He speaks only Polish."}),
    "work, asked for": (
        ["N: What did you do for a living?", "P: I was a seamstress."],
        {"occupation: They were a seamstress."},
    ),
    "a goal": (["P: My goal is to walk to church again."], {"goal: Their goal is to walk to church again."}),
    "a key person": (
        ["P: My daughter Elena does the shopping."],
        {"daughter Elena: Their daughter Elena does the shopping."},
    ),
    "how to talk": (
        ["P: Please speak slowly, I lip read."],
        {"communication: Please speak slowly, they lip read."},
    ),
    "a habit": (
        ["P: I walk around the block every morning."],
        {"habit: They walk around the block every morning."},
    ),
    "what is left out": (
        ["C: She likes her tea first thing. No sugar."],
        {"tea first thing: Likes her tea first thing. No sugar."},
    ),
    "a name instead of an unloved one": (
        ["C: He hates being called Joseph. Joe. Only his mother called him Joseph."],
        {"being called joseph: Hates being called Joseph.", "preferred name: Prefers to be called Joe."},
    ),
    "a neighbour of that name": (["P: Joe from next door carries the bins out."], set()),
    "asked to be remembered": (
        ["P: Please remember that I keep my glasses in the blue box."],
        {"to remember: They keep their glasses in the blue box."},
    ),
    "care instruction": (
        ["C: Always crush her pills in applesauce."],
        {"care instruction: Always crush her pills in applesauce."},
    ),
}


@pytest.mark.parametrize(("turns", "expected"), PREFERENCES.values(), ids=PREFERENCES.keys())
def test_preferences_and_facts(turns: list[str], expected: set[str]) -> None:
    assert facts(Category.PREFERENCE, *turns) == expected


def test_a_care_instruction_is_procedural() -> None:
    (one,) = candidates(Category.PREFERENCE, "C: She needs help getting out of the bath.")

    assert one.kind == Kind.PROCEDURAL


OBSERVATIONS = {
    "blood pressure": (
        ["C: Her blood pressure was one thirty five over eighty."],
        {"blood pressure: Blood pressure 135/80 mmHg."},
    ),
    "temperature and weight": (
        ["C: Temperature is 101.2 and his weight is one hundred forty pounds."],
        {"temperature: Temperature 101.2.", "weight: Weight 140 lb."},
    ),
    "sleep": (["P: I slept badly last night."], {"sleep: They slept badly last night."}),
    "a fall": (["C: She fell in the bathroom on Monday."], {"fall: She fell in the bathroom on Monday."}),
    "no pain": (["P: I have no pain today."], set()),
    "somebody else's": (["P: My husband fell last week."], set()),
}


@pytest.mark.parametrize(("turns", "expected"), OBSERVATIONS.values(), ids=OBSERVATIONS.keys())
def test_observations(turns: list[str], expected: set[str]) -> None:
    assert facts(Category.OBSERVATION, *turns) == expected


def test_a_measured_value_keeps_its_number_and_unit() -> None:
    (one,) = candidates(Category.OBSERVATION, "C: Her blood sugar was one eighty this morning.")

    assert one.metadata == {"value": "180", "unit": ""}


APPOINTMENTS = {
    "P: I see the cardiologist next Tuesday at three.": datetime(2026, 3, 10, 15, tzinfo=UTC),
    "N: Your appointment is on March 20th at ten thirty.": datetime(2026, 3, 20, 10, 30, tzinfo=UTC),
    "N: Your follow up is in two weeks.": date(2026, 3, 18),
    "C: He has dialysis tomorrow at 8 am.": datetime(2026, 3, 5, 8, tzinfo=UTC),
    "N: The surgery is on the second of February.": date(2027, 2, 2),
    "-: Eye exam 2026-04-01": date(2026, 4, 1),
}


@pytest.mark.parametrize(("turn", "starts_at"), APPOINTMENTS.items())
def test_appointments_are_dated_from_the_day_they_were_said(turn: str, starts_at: date | datetime) -> None:
    (one,) = candidates(Category.APPOINTMENT, turn)

    assert one.starts_at == starts_at


@pytest.mark.parametrize(
    "turn",
    [
        "P: I saw the cardiologist last Tuesday.",
        "N: If it gets worse, come for a check up next week.",
        "P: My sister has surgery tomorrow.",
        "N: Is your appointment on Friday?",
    ],
)
def test_no_appointment(turn: str) -> None:
    assert candidates(Category.APPOINTMENT, turn) == []


@pytest.mark.parametrize(
    "turns",
    [
        [],
        ["-: "],
        ["P: "],
        ["P: ..."],
        ["P: asdf qwer zxcv"],
        ["P: [unintelligible]"],
        ["N: How are you today?", "P: Fine, thank you. Lovely weather, isn't it?"],
        ["N: Please roll up your sleeve.", "N: Could you sit down for a moment?"],
        ["P: What is metformin for?"],
        ["N: Let's put the chair over there for now."],
    ],
)
def test_small_talk_silence_questions_and_passing_orders_leave_nothing(turns: list[str]) -> None:
    assert extracted(*turns).candidates == ()


@given(st.lists(st.text(max_size=80), max_size=6))
def test_whatever_is_said_every_quote_is_verbatim(texts: list[str]) -> None:
    extracted(*(f"{who}: {text}" for who, text in zip("NPCNPC", texts, strict=False)))


def test_three_notes_are_three_facts() -> None:
    found = extracted(
        "-: Patient is allergic to penicillin",
        "-: Patient prefers morning medication schedule",
        "-: Patient has type 2 diabetes",
    ).candidates

    assert [(one.category, one.content) for one in found] == [
        (Category.ALLERGY, "Allergic to penicillin."),
        (Category.PREFERENCE, "Prefers morning medication schedule."),
        (Category.MEDICAL_HISTORY, "Has type 2 diabetes."),
    ]
