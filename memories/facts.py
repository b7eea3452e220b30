"""When two statements state the same fact. Typed keys only: nothing here resembles, guesses or scores."""

import hashlib
import re
import unicodedata
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from memories.choices import AllergyAssertion, Category, ClinicalStatus, Kind, MedicationStatus
from memories.extraction.candidates import AllergyFacts, Candidate, MedicationFacts
from memories.models import AllergyDetail, MedicationDetail
from memories.vocabulary.allergens import allergen_name, allergens
from memories.vocabulary.drugs import ingredient_of, resembling

Facts = TypeVar("Facts", AllergyFacts, MedicationFacts)

KEY_LENGTH = 300
#: "takes" and "is on" leave open whether a drug is taken now; they state the same fact as "takes it now".
_SAME_STATUS = {MedicationStatus.UNKNOWN: MedicationStatus.ACTIVE}


def folded(text: str) -> str:
    """Lower case, no accents' variants, no punctuation, single spaces."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"[\w.%/]+", plain)).strip(". ")


def substance_key(facts: AllergyFacts | AllergyDetail) -> str:
    """What an allergy is to: the vocabulary's ingredient, or the word heard."""
    if facts.assertion != AllergyAssertion.SUBSTANCE:
        return facts.assertion
    return folded(facts.ingredient or facts.substance)


def is_contradicted(assertion: str, facts: AllergyFacts | AllergyDetail) -> bool:
    """Whether an allergy contradicts "no known allergies", or "no known drug allergies". What is in no list of foods
    and materials may be a drug.
    """
    if facts.assertion != AllergyAssertion.SUBSTANCE:
        return False
    listed = allergens().exactly(facts.ingredient or facts.substance)
    may_be_drug = listed is None or listed.kind == "drug"
    return assertion == AllergyAssertion.NONE_KNOWN or (assertion == AllergyAssertion.NO_DRUG_KNOWN and may_be_drug)


def drug_key(facts: MedicationFacts | MedicationDetail) -> str:
    """Which drug: the vocabulary's ingredient, or the word heard. Two strengths share it."""
    return folded(facts.ingredient or facts.drug)


def fact_key(candidate: Candidate, *, said_at: datetime, scope: str = "") -> str:
    """The key that two live memories of one patient and scope never share."""
    key = ":".join([*([scope] if scope else []), candidate.category, *_parts(candidate, said_at)])
    if len(key) <= KEY_LENGTH:
        return key
    return key[: KEY_LENGTH - 65] + ":" + hashlib.sha256(key.encode()).hexdigest()


def _parts(candidate: Candidate, said_at: datetime) -> list[str]:
    if candidate.category == Category.ALLERGY and candidate.allergy:
        return [substance_key(candidate.allergy)]
    if candidate.category == Category.MEDICATION and candidate.medication:
        taken = MedicationStatus(candidate.medication.status)
        return [drug_key(candidate.medication), folded(candidate.medication.dose), _SAME_STATUS.get(taken, taken)]
    if candidate.category == Category.MEDICAL_HISTORY:
        status = candidate.clinical_status
        return [folded(candidate.about), *([status] if status != ClinicalStatus.ACTIVE else [])]
    if candidate.category == Category.APPOINTMENT and candidate.starts_at:
        return [folded(candidate.about), candidate.starts_at.isoformat()]
    day = [said_at.date().isoformat()] if candidate.kind == Kind.EPISODIC else []
    return [folded(candidate.content), *day]


def with_ingredient(facts: Facts) -> Facts:
    """The same facts with the vocabulary's name for what was heard, or, if it has none, a name that resembles it."""
    heard = facts.substance if isinstance(facts, AllergyFacts) else facts.drug
    known = ingredient_of(heard)
    if known is None and isinstance(facts, AllergyFacts):
        known = allergen_name(heard)
    return replace(facts, ingredient=known or "", guess="" if known or not heard else resembling(heard))
