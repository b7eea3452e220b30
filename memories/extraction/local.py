"""The local extractor: what a talk states of the patient, by sentences, dialogue acts and vocabularies.

No model, no network, no database; about a millisecond a turn. Reading order: `reading` (sentences) -> `dialogue`
(who asks and answers what) -> one module for each kind of fact.
"""

from collections.abc import Sequence
from datetime import datetime

from memories.extraction.absence import find_absence
from memories.extraction.allergies import find_allergies, is_positive
from memories.extraction.appointments import find_appointments
from memories.extraction.candidates import Candidate, Extraction, Utterance
from memories.extraction.dialogue import follow
from memories.extraction.history import find_conditions_of_patient
from memories.extraction.limits import within_limits
from memories.extraction.medications import find_medications
from memories.extraction.observations import find_observations
from memories.extraction.person import find_facts_of_person
from memories.extraction.preferences import find_preferences
from memories.extraction.reading import read

VERSION = "local-1"


def extract_locally(utterances: Sequence[Utterance], said_at: datetime) -> Extraction:
    """What the utterances state about the patient. `said_at` is when they were said: it resolves "next Tuesday"."""
    moves = follow(read(utterances))
    allergies = find_allergies(moves)
    positive = [one for one in allergies if is_positive(one)]
    candidates = [
        *allergies,
        *find_absence(moves, positive),
        *find_medications(moves, _names_of(positive)),
        *find_conditions_of_patient(moves),
        *find_preferences(moves),
        *find_facts_of_person(moves),
        *find_observations(moves),
        *find_appointments(moves, said_at),
    ]
    kept = [one for candidate in candidates if (one := within_limits(candidate))]
    return Extraction(tuple(sorted(kept, key=lambda one: (one.quote.turn, one.quote.start))))


def _names_of(allergies: Sequence[Candidate]) -> frozenset[str]:
    named = (name for one in allergies if one.allergy for name in (one.allergy.substance, one.allergy.ingredient))
    return frozenset(name.lower() for name in named if name)
