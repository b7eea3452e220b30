"""What a medication is taken for, where somebody said so: "takes metformin for her diabetes"."""

from collections.abc import Iterable, Sequence

from memories.choices import Category, ClinicalStatus
from memories.facts import folded
from memories.models import LinkKind, Memory, MemoryLink, Mention
from memories.models.memory import Stance
from memories.vocabulary.conditions import find_conditions
from memories.vocabulary.words import Word, words_of
from patients.models import Patient

STATED = "Said in one sentence: taken for this."
#: Words that name a purpose, and how many may stand between them and the condition ("for her bad").
PURPOSE = frozenset(("for", "against", "treat", "treats", "treating", "control", "controls"))
BETWEEN = 3
#: What Postgres looks for, so that other quotes are not read.
NAMES_PURPOSE = rf"\m({'|'.join(sorted(PURPOSE))})\M"


def link_stated(patient: Patient, changed: Iterable[Memory]) -> list[MemoryLink]:
    """Link each medication to the live conditions that its own words name as what it is for.

    Looks where either side is among `changed`. A link that is there, or that staff removed, is left as it is. The
    caller holds `lock_patient`.
    """
    touched = {memory.category for memory in changed}
    if not touched & {Category.MEDICATION, Category.MEDICAL_HISTORY}:
        return []
    live = Memory.objects.for_patient(patient).live()
    conditions = {
        folded(memory.about): memory
        for memory in live.filter(category=Category.MEDICAL_HISTORY, clinical_status=ClinicalStatus.ACTIVE)
    }
    words_said = Mention.objects.filter(
        memory__in=live.filter(category=Category.MEDICATION), stance=Stance.STATES, quote__iregex=NAMES_PURPOSE
    ).select_related("memory")
    linked = [
        _link(mention.memory, conditions[name])
        for mention in (words_said if conditions else ())
        for name in purposes(mention.quote)
        if name in conditions
    ]
    return [joined for joined in linked if joined]


def purposes(sentence: str) -> list[str]:
    """The conditions that a sentence names as what something is for, as their folded clinical names."""
    words = words_of(sentence)
    return [folded(found.entry) for found in find_conditions(words) if _is_purpose(words, found.first)]


def _is_purpose(words: Sequence[Word], first: int) -> bool:
    before = [word.key for word in words[max(first - BETWEEN - 1, 0) : first]]
    return bool(PURPOSE & set(before))


def _link(medication: Memory, condition: Memory) -> MemoryLink | None:
    joined, is_new = MemoryLink.objects.get_or_create(
        patient_id=medication.patient_id,
        source=medication,
        target=condition,
        kind=LinkKind.TREATS,
        defaults={"reason": STATED},
    )
    return joined if is_new else None
