"""Sentences, questions and conversations of home care, made from parts: as many distinct ones as a benchmark needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle, product
from random import Random

from memories.choices import Category, Priority

ALLERGENS = (
    "penicillin",
    "latex",
    "sulfa",
    "codeine",
    "peanuts",
    "shellfish",
    "ibuprofen",
    "aspirin",
    "morphine",
    "eggs",
)
DRUGS = (
    "lisinopril 10 mg", "metformin 500 mg", "atorvastatin 20 mg", "amlodipine 5 mg", "omeprazole 20 mg",
    "furosemide 40 mg", "sertraline 50 mg", "gabapentin 300 mg", "levothyroxine 75 mcg", "metoprolol 25 mg",
    "donepezil 10 mg", "tamsulosin 0.4 mg",
)  # fmt: skip
CONDITIONS = (
    "type 2 diabetes", "high blood pressure", "atrial fibrillation", "osteoporosis", "glaucoma", "COPD",
    "heart failure", "rheumatoid arthritis", "hypothyroidism", "macular degeneration", "gout", "sleep apnea",
)  # fmt: skip
LIKINGS = (
    "tea with honey", "the radio on low", "the blue cardigan", "a shower in the evening", "soup for lunch",
    "the window open at night", "short walks in the garden", "crossword puzzles", "visits from the choir",
    "the large-print newspaper", "a nap after lunch", "oatmeal without sugar", "phone calls with Ruth", "old westerns",
)  # fmt: skip
EVENTS = (
    "slept badly and got up three times", "ate half of the breakfast", "was short of breath on the stairs",
    "had swollen ankles", "laughed a lot with the neighbour", "complained about the left knee",
    "forgot to switch off the stove", "drank two glasses of water only", "walked to the mailbox alone",
    "was dizzy after standing up", "refused the compression stockings", "had a blood sugar of 182",
    "asked twice what day it was", "had dry skin on both heels", "was tearful about her brother",
    "needed help with the buttons", "coughed through the night", "weighed 71 kilos", "had a red spot on the heel",
    "enjoyed the physiotherapy", "mixed up the pill box", "had no appetite for dinner", "slipped in the bathroom",
    "watered the tomatoes", "had a blood pressure of 148 over 86", "misplaced the hearing aid",
)  # fmt: skip
OCCASIONS = (
    "on Monday morning", "after the visit of the aide", "before lunch", "during the night shift", "on the weekend",
    "after physiotherapy", "on the first day of the month", "while her son was there", "after the new pill",
    "in the late afternoon", "when it rained", "before going to bed", "after a long phone call", "at the first visit",
    "on the way to the bathroom", "since the storm", "as on the day before", "at the doctor's", "after church",
    "while the radio was on", "during the heat wave", "at the sink", "after the bath", "with the new walker",
    "on her birthday", "at breakfast", "after watching the news", "in the garden",
)  # fmt: skip
PLACES = ("eye clinic", "cardiologist", "dentist", "foot doctor", "memory clinic", "dialysis centre", "hearing shop")
QUESTIONS = (
    "What do we know about {what} {when}?", "Has anybody mentioned {what} {when}?", "Tell me about {what} {when}",
    "{what} {when}: anything to watch?", "Is there news of {what} {when}?", "When did we last hear of {what} {when}?",
    "Who noted {what} {when}?", "Should the next aide know about {what} {when}?", "{what}, {when}, was it serious?",
)  # fmt: skip
SUBJECTS = (
    "her sleep", "breathlessness", "allergies", "the blood sugar", "falls", "what she likes to eat", "the knee",
    "blood pressure", "the eye clinic", "medication in the morning", "her mood", "drinking enough", "swollen legs",
    "the hearing aid", "her weight", "skin problems", "forgetting things", "diabetes", "the walker", "her son",
    "pain", "a reaction to penicillin", "the next appointment", "physiotherapy", "bathing", "insulin", "dizziness",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentence:
    """A memory to be. `named` is the substance or the drug of a critical one."""

    category: Category
    priority: Priority
    content: str
    about: str
    named: str = ""


def home_care_sentences(number: int, *, seed: int = 1) -> list[Sentence]:
    """So many sentences in a fixed random order, distinct up to some 1,000: a patient's mix, mostly observations."""
    ordinary = _ordinary()
    Random(seed).shuffle(ordinary)  # noqa: S311 because this is no secret
    sentences = [*_critical()[: number // 40], *ordinary]
    return [sentences[position % len(sentences)] for position in range(number)]


def _critical() -> list[Sentence]:
    """Allergies and medications by turns, so that the first few have both."""
    allergies = [
        Sentence(Category.ALLERGY, Priority.CRITICAL, f"Allergic to {what}, gets a rash.", f"{what} allergy", what)
        for what in ALLERGENS
    ]
    medications = [
        Sentence(Category.MEDICATION, Priority.HIGH, f"Takes {what} every day.", what.split()[0], what.split()[0])
        for what in DRUGS
    ]
    return [sentence for pair in zip(allergies[:4], medications, strict=False) for sentence in pair] + medications[4:]


def _ordinary() -> list[Sentence]:
    return [
        *(_plain(Category.OBSERVATION, f"{e.capitalize()} {o}.", e) for e, o in product(EVENTS, OCCASIONS)),
        *(_plain(Category.MEDICAL_HISTORY, f"Has had {c} {o}.", c) for c, o in product(CONDITIONS, OCCASIONS[:10])),
        *(_plain(Category.PREFERENCE, f"Likes {w} {o}.", w) for w, o in product(LIKINGS, OCCASIONS[:8])),
        *(_plain(Category.APPOINTMENT, f"Is expected at the {p} {o}.", p) for p, o in product(PLACES, OCCASIONS[:5])),
    ]


def _plain(category: Category, content: str, about: str) -> Sentence:
    return Sentence(category, Priority.NORMAL, content, about)


def distinct_questions(*, seed: int = 2) -> Iterator[str]:
    """Questions without end of which no two are the same, so that no cache answers. Threads may share them."""
    found = [form.format(what=w, when=o) for form, w, o in product(QUESTIONS, SUBJECTS, OCCASIONS)]
    Random(seed).shuffle(found)  # noqa: S311 because this is no secret
    return map(lambda asked, question: f"{question} ({asked})", count(1), cycle(found))


def conversation(number: int) -> list[str]:
    """Three sentences with a fact each. Numbers that differ by less than 10 share no allergen."""
    return [
        f"Patient is allergic to {ALLERGENS[number % len(ALLERGENS)]}",
        f"Patient prefers {LIKINGS[number % len(LIKINGS)]} at {number % 12 + 1} o'clock",
        f"Patient has {CONDITIONS[number % len(CONDITIONS)]}",
    ]
