"""Whatever a turn holds, the local extractor reads it: soon, without an error, and no detail longer than a memory."""

from datetime import UTC, date, datetime
from random import Random
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memories.choices import AllergyAssertion, Category, SpeakerRole
from memories.extraction import limits
from memories.extraction.candidates import AllergyFacts, Candidate, Extraction, MedicationFacts, Quote, Utterance
from memories.extraction.dates import when_said
from memories.extraction.limits import within_limits
from memories.extraction.local import extract_locally
from memories.models import AllergyDetail, MedicationDetail, Memory

SAID_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LAST_DAY = datetime(9999, 12, 31, 9, tzinfo=UTC)
LONGEST_TURN = 20_000
PHRASES = (
    "not allergic to", "allergic to", "penicillin", "Penicillin V", "sulfa", "latex", "gives her hives", "a rash",
    "takes", "she stopped", "warfarin", "metoprolol", "metroprolol", "insulin", "5 mg", "two point five", "point",
    "12.5.2024", "\u00b2", "\u0663", "9" * 400, "hundred thousand", "half a", "twice a day", "every 99999999999 hours",
    "as needed", "or", "and", ",", ".", "?", "!", "\n", ";", "no", "yes", "any allergies", "do you take", "I", "she",
    "he", "my daughter Ana", "blood pressure", "130 over 80", "temperature", "1.2.3", "appointment", "in 3 weeks",
    "in 999999999 years", "next Friday", "May 31", "2/30/99", "9999-99-99", "at 25", "at three", "kidney failure",
    "broke her left wrist", "diabetes", "prefers tea", "please remember to", "always", "call me Jo", "speaks Polish",
    "lives alone", "pain", "if", "the water pill", "what is it called", "actually", "no wait", "[inaudible]", "[", "'s",
    "M G", "a b", "\u0301", "\u200d", "x" * 250,
)  # fmt: skip
ROLES = st.sampled_from((SpeakerRole.PATIENT, SpeakerRole.CAREGIVER, SpeakerRole.CLINICIAN, SpeakerRole.UNKNOWN))


def read(*turns: str, role: str = SpeakerRole.CAREGIVER, said_at: datetime = SAID_AT) -> Extraction:
    speakers = ("Ann", "Ben")
    said = [Utterance(speakers[at % 2], text, role) for at, text in enumerate(turns)]
    found = extract_locally(said, said_at)
    for one in found.candidates:
        quote = one.quote
        assert quote.text == turns[quote.turn][quote.start : quote.end]
        assert within_limits(one) == one
    return found


def random_speech() -> str:
    random = Random(7)
    return " ".join(random.choice(PHRASES[:20]) for _ in range(LONGEST_TURN))[:LONGEST_TURN]


@pytest.mark.parametrize(
    "said",
    [
        "not allergic to penicillin, ",
        "penicillin and ",
        "takes warfarin 5 mg ",
        "She's allergic to penicillin. Sulfa gives her hives. ",
        "Does she take aspirin? ",
        "takes metroprolol ",
        "a b ",
        "[",
        "9",
        "x",
        random_speech(),
    ],
    ids=lambda said: said[:20],
)
def test_the_longest_turn_is_read_in_time_that_grows_with_its_length_alone(said: str) -> None:
    turn = (said * (LONGEST_TURN // len(said) + 1))[:LONGEST_TURN]
    read("She takes metroprolol, and she's allergic to penicilin.")  # the vocabularies are loaded
    whole = _seconds(turn)
    if whole >= 0.5:  # too short a time tells nothing
        assert whole < 8 * _seconds(turn[: LONGEST_TURN // 4])  # four times as much; sixteen times were it quadratic
    assert whole < 4


def _seconds(turn: str) -> float:
    """The time that reading takes when nothing else gets in its way: the best of three."""
    taken = []
    for _ in range(3):
        begun = process_time()
        read(turn)
        taken.append(process_time() - begun)
    return min(taken)


def test_a_turn_that_runs_on_loses_none_of_its_facts() -> None:
    filler = "and then we went out and looked at the garden and the birds "
    found = read(f"{filler * 12} and she takes warfarin 5 mg {filler * 12} and she has diabetes", role="caregiver")
    told = {one.about: one for one in found.candidates}
    assert told["warfarin"].medication is not None
    assert told["warfarin"].medication.dose == "5 mg"
    assert "diabetes" in told


@pytest.mark.parametrize(
    "said", ["in 3 weeks", "in 2 months", "in 5 years", "tomorrow", "next Friday", "next year", "in 999999999 weeks"]
)
def test_a_day_beyond_the_calendar_is_not_resolved(said: str) -> None:
    assert when_said(f"The appointment is {said}", LAST_DAY) is None
    read(f"She has an appointment with Dr. Weber {said} at three.", said_at=LAST_DAY)


def test_a_day_within_the_calendar_is_resolved() -> None:
    assert when_said("in 3 weeks", SAID_AT) == date(2026, 3, 23)


@given(st.lists(st.text(max_size=300), min_size=1, max_size=4), ROLES)
@settings(max_examples=150, deadline=None)
def test_any_text_is_read(turns: list[str], role: str) -> None:
    read(*turns, role=role)


@given(
    st.lists(st.lists(st.sampled_from(PHRASES), max_size=40), min_size=1, max_size=4),
    st.sampled_from((" ", "  ", ", ", "\u00a0")),
    ROLES,
    st.sampled_from((SAID_AT, LAST_DAY)),
)
@settings(max_examples=300, deadline=None)
def test_any_combination_of_phrases_is_read(turns: list[list[str]], joint: str, role: str, said_at: datetime) -> None:
    read(*(joint.join(phrases) for phrases in turns), role=role, said_at=said_at)


def test_the_limits_are_those_of_the_models() -> None:
    def longest(model: type[Memory | AllergyDetail | MedicationDetail], *names: str) -> set[int]:
        return {model._meta.get_field(name).max_length for name in names}

    assert longest(Memory, "about") == {limits.NAME}
    assert longest(AllergyDetail, "substance", "ingredient", "guess") == {limits.NAME}
    assert longest(MedicationDetail, "drug", "ingredient", "guess") == {limits.NAME}
    assert longest(AllergyDetail, "reaction") == {limits.REACTION}
    assert longest(MedicationDetail, "dose") == {limits.DOSE}
    assert longest(MedicationDetail, "route") == {limits.ROUTE}
    assert longest(MedicationDetail, "frequency") == {limits.FREQUENCY}


def test_long_details_are_cut_between_words_and_a_long_dose_is_left_out() -> None:
    quote = Quote(0, 0, 4, "What")
    facts = MedicationFacts("warfarin", dose="5 or " * 40, frequency="every morning " * 40)
    kept = within_limits(Candidate(Category.MEDICATION, "warfarin", "Takes it.", quote, medication=facts))
    assert kept is not None
    assert kept.medication is not None
    assert kept.medication.dose == ""
    assert len(kept.medication.frequency) <= limits.FREQUENCY
    assert kept.medication.frequency.endswith(("every", "morning"))


def test_a_name_too_long_for_a_memory_is_no_fact() -> None:
    facts = AllergyFacts("x" * 201, assertion=AllergyAssertion.SUBSTANCE)
    said = Candidate(Category.ALLERGY, "x" * 201, "Allergic to it.", Quote(0, 0, 4, "What"), allergy=facts)
    assert within_limits(said) is None
    assert not read(f"She's allergic to {'x' * 300}.").candidates
