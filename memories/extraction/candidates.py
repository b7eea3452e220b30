"""What goes into an extractor and what comes out. Nothing here writes, and nothing here knows a database.

>>> extract = choose_extractor()            # any callable of the type `Extractor`
>>> extraction = extract([Utterance("Nurse", "Any allergies?", "clinician"), ...], said_at=...)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from memories.choices import (
    AllergyAssertion,
    Category,
    ClinicalStatus,
    Kind,
    MedicationStatus,
    Priority,
    Scope,
    Severity,
    SpeakerRole,
)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One turn as an extractor reads it. `speaker` is the name or label that the source gave, `place` where it
    stands there: a page, a time.
    """

    speaker: str
    text: str
    role: str = SpeakerRole.UNKNOWN
    place: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """The words a candidate rests on: `text == utterances[turn].text[start:end]`, counted in characters."""

    turn: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class AllergyFacts:
    """An allergy as said. `substance` is the word heard; `ingredient` its vocabulary name, or "" when unknown.

    `guess` holds a vocabulary name that merely resembles the word heard: shown to staff, never used to decide.
    """

    substance: str
    ingredient: str = ""
    guess: str = ""
    assertion: str = AllergyAssertion.SUBSTANCE
    reaction: str = ""
    severity: Severity | str = ""


@dataclass(frozen=True, slots=True)
class MedicationFacts:
    """A medication as said: numbers in digits, units as spoken, nothing filled in. `guess` as in `AllergyFacts`."""

    drug: str
    ingredient: str = ""
    guess: str = ""
    dose: str = ""
    route: str = ""
    frequency: str = ""
    as_needed: bool = False
    status: str = MedicationStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class Candidate:
    """One fact that a text may state about the patient.

    `about` is the short name of what it is about (FHIR's code.text): "penicillin", "type 2 diabetes", "sleep".
    `content` is a whole sentence that stands alone. `denied` marks an explicit denial ("not allergic to
    penicillin", "I don't take aspirin"): never a fact of its own, but what contradicts one.
    `said_at`, `expires_at` and `scope` are known of what comes from another store; else the conversation tells when it
    was said, and nothing ends it.
    """

    category: Category
    about: str
    content: str
    quote: Quote
    priority: Priority = Priority.NORMAL
    kind: Kind = Kind.SEMANTIC
    clinical_status: ClinicalStatus = ClinicalStatus.ACTIVE
    confidence: float = 0.8
    denied: bool = False
    emotional_weight: float = 0.0
    starts_at: datetime | date | None = None
    ends_at: datetime | date | None = None
    allergy: AllergyFacts | None = None
    medication: MedicationFacts | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    said_at: datetime | None = None
    expires_at: datetime | None = None
    scope: Scope = Scope.PATIENT
    scope_id: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an extraction cost. Tokens are 0 for an extractor that calls no model."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Extraction:
    """What an extractor made of a conversation. `dropped` counts answers that had no verbatim source."""

    candidates: tuple[Candidate, ...] = ()
    usage: Usage = Usage()
    dropped: int = 0


#: (utterances, when they were said) -> what they state. Pure; raises `ExtractionRefused` or `LLMUnavailable`.
Extractor = Callable[[Sequence[Utterance], datetime], Extraction]
