"""What one row of mem0 states: the row itself as a memory, with its own words; critical facts told beside; denials.

The local extractor reads, whatever `EXTRACTOR` says: a hundred thousand rows are no hundred thousand questions to an
LLM. What the source calls a row is the question that the row answers: "Latex: skin rash" called an allergy is read
as an answer to "What are you allergic to?".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from memories.choices import (
    CRITICAL_CATEGORIES,
    Category,
    Kind,
    MedicationStatus,
    Priority,
    Scope,
    SpeakerRole,
)
from memories.extraction.candidates import AllergyFacts, Candidate, MedicationFacts, Quote, Utterance
from memories.extraction.limits import NAME, REACTION
from memories.extraction.local import extract_locally
from memories.facts import folded, with_ingredient
from memories.models import ImportedRow
from memories.validation import check_candidates, prioritised
from memories.vocabulary.allergens import allergens
from memories.vocabulary.drugs import find_drugs
from memories.vocabulary.words import word_list, words_of

LABELS = {
    Category.ALLERGY: "allergy allergies allergic allergen allergens intolerance intolerances adverse_reaction",
    Category.MEDICATION: "medication medications medicine medicines meds med drug drugs prescription prescriptions rx",
    Category.MEDICAL_HISTORY: (
        "medical_history history condition conditions diagnosis diagnoses problem problems disease surgery procedure"
    ),
    Category.PREFERENCE: (
        "preference preferences personal_preferences user_preferences likes dislikes food music hobbies hobby"
    ),
    Category.OBSERVATION: "observation observations vital vitals vital_signs symptom symptoms incident incidents note",
    Category.APPOINTMENT: "appointment appointments visit visits schedule calendar",
}
CATEGORY_OF = {label: category for category, labels in LABELS.items() for label in word_list(labels)}
#: Where a row's own label may stand, the most telling first.
LABEL_KEYS = ("category", "categories", "type", "label", "kind", "tags")
QUESTIONS = {
    Category.ALLERGY: "What are you allergic to?",
    Category.MEDICATION: "What medications do you take?",
}
PRIORITIES = {
    **dict.fromkeys(("critical", "urgent", "high"), Priority.HIGH),
    **dict.fromkeys(("medium", "normal", "low"), Priority.NORMAL),
}
#: Where a name ends and what is said of it begins: "Codeine -> severe nausea", "Latex: skin rash".
_AFTER_NAME = re.compile(r"\s*(?:->|→|:|;|,|\(|\s[-–—]\s)\s*")  # noqa: RUF001 because people type these dashes
#: In many languages an allergy is called one: alergia, Nussallergie, allergi, alergija; an allergist is none.
_CALLED_ALLERGY = re.compile(r"all?erg(?!ist|[oó]log)", re.IGNORECASE)
ABOUT = 80
SUBJECT = "The patient "


@dataclass(frozen=True, slots=True)
class Stated:
    """What a row states. `lead` is the row as a memory; `further` are critical facts told beside it."""

    lead: Candidate
    further: tuple[Candidate, ...] = ()
    denied: tuple[Candidate, ...] = ()


def classify(row: ImportedRow) -> Stated:
    """Read a stored row of mem0. Pure."""
    text, metadata = row.turn.text, row.original.get("metadata") or {}
    label = _label(row.original, metadata)
    found = _read(text, label, row.said_at)
    positive, denied = [c for c in found if not c.denied], [c for c in found if c.denied]
    lead = _lead(text, label, positive, denied)
    further = [c for c in positive if c is not lead and c.category in CRITICAL_CATEGORIES and not _same(c, lead)]
    finish = _Finish(row, metadata)
    return Stated(
        finish.lead(lead, text),
        tuple(finish.beside(c) for c in further),
        tuple(finish.beside(c) for c in denied),
    )


def _label(original: dict[str, Any], metadata: dict[str, Any]) -> Category | None:
    """The category by the source's own word for it, if that is one of ours."""
    for held in (metadata, original):
        for key in LABEL_KEYS:
            said = held.get(key)
            for word in said if isinstance(said, list) else [said]:
                category = CATEGORY_OF.get(str(word).strip().lower().replace(" ", "_").replace("-", "_"))
                if category:
                    return category
    return None


def _read(text: str, label: Category | None, said_at: datetime) -> list[Candidate]:
    """What the extractor finds, as an answer to the label's question, or else in the words alone."""
    question = QUESTIONS.get(label) if label else None
    if question:
        asked = Utterance("Nurse", question, SpeakerRole.CLINICIAN)
        answered = extract_locally([asked, Utterance("Patient", text, SpeakerRole.PATIENT)], said_at)
        found = [replace(c, quote=replace(c.quote, turn=0)) for c in answered.candidates if c.quote.turn == 1]
        if any(c.category == label for c in found):
            return check_candidates(found, [Utterance("", text)])[0]
    alone = [Utterance("", text)]
    return check_candidates(extract_locally(alone, said_at).candidates, alone)[0] or _read_with_subject(text, said_at)


def _read_with_subject(text: str, said_at: datetime) -> list[Candidate]:
    """What a note in telegram style says with its subject in front: "Prefers showers in the morning"."""
    found = extract_locally([Utterance("", f"{SUBJECT}{text[0].lower()}{text[1:]}")], said_at).candidates
    return check_candidates([replace(c, quote=_whole(text)) for c in found], [Utterance("", text)])[0]


def _lead(text: str, label: Category | None, positive: Sequence[Candidate], denied: Sequence[Candidate]) -> Candidate:
    """The candidate that stands for the row."""
    if label in CRITICAL_CATEGORIES or (not positive and not denied and _CALLED_ALLERGY.search(text)):
        critical = label or Category.ALLERGY
        own = [c for c in positive if c.category == critical]
        if own:
            return own[0]
        if not any(c.category == critical for c in denied):
            return _by_its_name(text, critical)
    critical_ones = [c for c in positive if c.category in CRITICAL_CATEGORIES]
    of_label = [c for c in positive if c.category == label]
    chosen = next(iter((*critical_ones, *of_label, *positive)), None)
    if chosen and chosen.category in CRITICAL_CATEGORIES:
        return chosen
    category = _plain_category(label, chosen, denied)
    if chosen and chosen.category == category:
        return chosen
    priority = Priority.HIGH if category == Category.MEDICAL_HISTORY else Priority.NORMAL
    return Candidate(category, _about(text), text, _whole(text), priority=priority, confidence=0.5)


def _plain_category(label: Category | None, chosen: Candidate | None, denied: Sequence[Candidate]) -> Category:
    if label and label not in CRITICAL_CATEGORIES:
        return label
    if chosen:
        return chosen.category
    return Category.MEDICAL_HISTORY if denied else Category.OBSERVATION


def _by_its_name(text: str, category: Category) -> Candidate:
    """A row that its source calls an allergy or a medication, in words that the extractor cannot read: in another
    language, or a bare name. What stands in front, or the one name in it that is known, is what it is about; staff say.
    """
    name, _, rest = _parted(text)
    known = _known_name(text, category)
    heard = known if known and folded(known) not in folded(name) else name
    about = heard[:NAME]
    if category == Category.ALLERGY:
        allergy = with_ingredient(AllergyFacts(about, reaction=rest[:REACTION]))
        return prioritised(
            Candidate(category, about, text, _whole(text), Priority.CRITICAL, confidence=0.5, allergy=allergy)
        )
    medication = with_ingredient(MedicationFacts(about, status=MedicationStatus.UNKNOWN))
    return prioritised(Candidate(category, about, text, _whole(text), confidence=0.5, medication=medication))


def _parted(text: str) -> tuple[str, str, str]:
    """The name in front, what parts it, and the rest; the first line where nothing parts it."""
    line = next(line.strip() for line in text.splitlines() if line.strip())
    match = _AFTER_NAME.search(line, 1)
    if match is None:
        return line, "", ""
    return line[: match.start()].strip(), match.group(), line[match.end() :].strip(" )")


def _known_name(text: str, category: Category) -> str:
    words = words_of(text)
    named = allergens().all_in(words) if category == Category.ALLERGY else ()
    spans = [*((one.first, one.last) for one in named), *((one.first, one.last) for one in find_drugs(words))]
    return text[words[spans[0][0]].start : words[spans[0][1] - 1].end] if spans else ""


def _same(one: Candidate, lead: Candidate) -> bool:
    """Whether it is the substance of the row's own allergy over again, taken for a drug."""
    if lead.allergy is None or one.medication is None:
        return False
    mine = {folded(lead.allergy.substance), folded(lead.allergy.ingredient)} - {""}
    return bool(mine & {folded(one.medication.drug), folded(one.medication.ingredient)})


def _whole(text: str) -> Quote:
    return Quote(0, 0, len(text), text)


def _about(text: str) -> str:
    line = _parted(text)[0]
    return line if len(line) <= ABOUT else line[:ABOUT].rpartition(" ")[0] or line[:ABOUT]


class _Finish:
    """What the source says of a row, put on what the row states."""

    def __init__(self, row: ImportedRow, metadata: dict[str, Any]) -> None:
        self.row = row
        self.metadata = metadata
        self.own = {key: value for key, value in row.original.items() if key != "metadata"}

    def lead(self, candidate: Candidate, text: str) -> Candidate:
        """The row's memory has the row's words, all of them, and what the source kept beside them."""
        critical = candidate.category in CRITICAL_CATEGORIES
        scope_id = "" if critical else self._agent()
        return replace(
            candidate,
            content=text,
            quote=_whole(text),
            kind=self._kind(candidate),
            priority=candidate.priority if critical else self._priority(candidate),
            said_at=self.row.said_at,
            # An allergy ends when a clinician says so, not on a day that was written down somewhere else.
            expires_at=None if candidate.category == Category.ALLERGY else self.row.ends_at,
            scope=Scope.AGENT if scope_id else Scope.PATIENT,
            scope_id=scope_id,
            metadata={**candidate.metadata, **self.metadata, self.row.source: self._provenance()},
        )

    def beside(self, candidate: Candidate) -> Candidate:
        ends_at = None if candidate.category == Category.ALLERGY else self.row.ends_at
        metadata = {**candidate.metadata, self.row.source: {"id": self.row.source_id}}
        return replace(candidate, said_at=self.row.said_at, expires_at=ends_at, metadata=metadata)

    def _provenance(self) -> dict[str, Any]:
        return {**self.own, "id": self.row.source_id}

    def _priority(self, candidate: Candidate) -> Priority:
        return PRIORITIES.get(str(self.metadata.get("priority", "")).lower(), candidate.priority)

    def _kind(self, candidate: Candidate) -> Kind:
        if self.own.get("memory_type") == "procedural_memory":
            return Kind.PROCEDURAL
        return candidate.kind

    def _agent(self) -> str:
        """The agent whose own this is: how it works, or what it said. What it noted of a patient is the patient's."""
        own = self.own.get("memory_type") == "procedural_memory" or self.row.turn.role == SpeakerRole.AGENT
        return str(self.own.get("agent_id") or "")[:100] if own else ""
