"""Said against confirmed, side by side: what a clinician compares before a list is right (NPSG.03.06.01)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from memories.choices import CRITICAL_CATEGORIES, Category, VerificationStatus
from memories.facts import drug_key, folded, substance_key
from memories.models import Memory
from patients.models import Patient

#: The details that make two statements about one thing differ.
COMPARED = {Category.ALLERGY: ("reaction", "severity"), Category.MEDICATION: ("dose", "route", "frequency", "status")}


@dataclass(slots=True)
class Line:
    """One drug or substance: the live statements about it that nobody has confirmed, and those that somebody has.

    `differs` names the details in which they do not agree.
    """

    about: str
    said: list[Memory] = field(default_factory=list)
    confirmed: list[Memory] = field(default_factory=list)
    differs: Sequence[str] = ()

    @property
    def is_settled(self) -> bool:
        return not self.said


def reconcile(patient: Patient) -> dict[str, list[Line]]:
    """The lines of each critical category, those first that wait for a decision. One query."""
    lines: dict[tuple[str, str], Line] = {}
    live = Memory.objects.for_patient(patient).live().critical().with_details().select_related("verified_by")
    for memory in live.order_by("about"):
        line = lines.setdefault((memory.category, _key(memory)), Line(memory.about))
        is_confirmed = memory.verification_status == VerificationStatus.CONFIRMED
        (line.confirmed if is_confirmed else line.said).append(memory)
    for (category, _), line in lines.items():
        line.differs = _differences(Category(category), line) if line.confirmed else ()
    return {
        category: sorted((line for (of, _), line in lines.items() if of == category), key=lambda line: line.is_settled)
        for category in CRITICAL_CATEGORIES
    }


def _key(memory: Memory) -> str:
    return substance_key(memory.allergy) if memory.category == Category.ALLERGY else drug_key(memory.medication)


def _differences(category: Category, line: Line) -> list[str]:
    """The details of which something else was said than is confirmed; what was not said is no difference."""
    return [name for name in COMPARED[category] if _values(line.said, name) - _values(line.confirmed, name) - {""}]


def _values(memories: list[Memory], name: str) -> set[str]:
    return {folded(getattr(getattr(memory, memory.category), name)) for memory in memories}
