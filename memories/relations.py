"""How memories of one patient are related, where somebody said so in a sentence.

"She takes metformin for her diabetes": treats. "Dr. Chen put her on lisinopril": prescribed by. "The metformin gives
her diarrhea": causes. "Her daughter Ana looks after her pills": cares for. Near-duplicates become the same by night
(`memories.grouping`). Nothing is concluded that no sentence says.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from django.db.models import Q

from memories.choices import CRITICAL_CATEGORIES, Category, ClinicalStatus
from memories.comparisons import TAKEN
from memories.facts import drug_key, folded
from memories.indexing import index_linked
from memories.models import LinkKind, Memory, MemoryLink, Mention
from memories.models.memory import Stance
from memories.vocabulary.conditions import find_conditions
from memories.vocabulary.drugs import find_drugs
from memories.vocabulary.words import Word, word_set, words_of
from patients.models import Patient

REASONS = {
    LinkKind.TREATS: "Said in one sentence: taken for this.",
    LinkKind.PRESCRIBED_BY: "Said in one sentence: prescribed by this person.",
    LinkKind.CAUSES: "Said in one sentence: this came of it.",
    LinkKind.CARES_FOR: "Said in one sentence: looks after this.",
}
#: Words that name a purpose, and how many may stand between them and the condition ("for her bad").
PURPOSE = word_set("for against treat treats treating control controls")
BETWEEN = 3
_GIVES = r"(?:prescribe[ds]?|prescribing|orders|ordered|started|starts|put|puts|gave|switched|wrote)"
_DOCTOR = r"(?:Dr\.?|Doctor|Nurse)\s+([A-Z][\w'-]+)"
_PRESCRIBES = re.compile(rf"{_DOCTOR}(?:\s+\w+)?\s+{_GIVES}\b")
_PRESCRIBED_BY = re.compile(rf"\b(?:{_GIVES}|given)\s+(?:\w+\s+)?by\s+{_DOCTOR}")
_CARES = re.compile(
    r"\b(?:looks?|looking|looked) after|\b(?:takes?|taking|took) care of|\bcares? for|\bin charge of"
    r"|\b(?:manages|handles|sorts|fills|organi[sz]es|sets (?:up|out)|helps (?:\w+ )?with)\b"
)
_CAUSES = re.compile(
    r"\b(?:gives?|gave|given|caus(?:es?|ed)|mak(?:es|e)|made|brings? on|brought on|leads? to|led to)\b"
)
_CAME_OF = re.compile(
    r"\b(?:since (?:\w+ )?(?:start\w*|tak\w*|been on|went on)|because of|due to|from|after (?:tak\w*|start\w*))\b"
)
MEDICINES = word_set("pill pills medicine medicines medication medications meds tablets drugs pillbox")
#: What Postgres looks for, so that other quotes are not read.
NAMES_RELATION = (
    rf"\m({'|'.join(sorted(PURPOSE))}|dr|doctor|nurse|after|care|cares|charge|manages|handles|sorts|fills|sets"
    r"|organi[sz]es|helps|gives?|gave|given|causes?|caused|makes?|made|brings?|brought|leads?|led|since|because|due|from)\M"
)

#: What has relations of its own to tell of: other memories are what these are related to.
RELATED = (*CRITICAL_CATEGORIES, Category.PREFERENCE)

#: From which memory to which.
Related: TypeAlias = tuple[Memory, LinkKind, Memory]


def link_stated(patient: Patient, changed: Iterable[Memory]) -> list[MemoryLink]:
    """Link live memories as the sentences that they rest on relate them, where either side is among `changed`.

    A link that is there, or that staff removed, is left as it is. The caller holds `lock_patient`.
    """
    keys = {memory.pk for memory in changed}
    if not keys:
        return []
    live = Memory.objects.for_patient(patient).live()
    telling = Mention.objects.filter(stance=Stance.STATES, quote__iregex=NAMES_RELATION)
    turns = set(telling.filter(memory__in=live.filter(category__in=RELATED)).values_list("turn", flat=True))
    if not turns:
        return []
    said = list(
        telling.filter(memory__in=live, turn__in=turns)
        .select_related("memory__allergy", "memory__medication")
        .order_by("recorded_at")
    )
    ends = list(live.filter(_MAY_BE_NAMED).with_details())
    related = [one for one in _related(said, ends) if keys & {one[0].pk, one[2].pk} and one[0].pk != one[2].pk]
    linked = [joined for one in related if (joined := _link(*one))]
    index_linked([end for joined in linked for end in (joined.source, joined.target)])
    return linked


_MAY_BE_NAMED = (
    Q(category=Category.MEDICAL_HISTORY, clinical_status=ClinicalStatus.ACTIVE)
    | Q(category=Category.MEDICATION)
    | Q(category__in=(Category.PREFERENCE, Category.APPOINTMENT), content__iregex=r"\m(dr|doctor|nurse)\M")
)


def _related(said: Sequence[Mention], ends: Sequence[Memory]) -> Iterator[Related]:
    conditions = {folded(end.about): end for end in ends if end.category == Category.MEDICAL_HISTORY}
    medications = [end for end in ends if end.category == Category.MEDICATION and hasattr(end, "medication")]
    people = [end for end in ends if end.category in (Category.PREFERENCE, Category.APPOINTMENT)]
    for mention in said:
        memory, sentence = mention.memory, mention.quote
        if memory.category == Category.MEDICATION:
            for name in purposes(sentence):
                if name in conditions:
                    yield memory, LinkKind.TREATS, conditions[name]
            for person in _named(prescriber(sentence), people):
                yield memory, LinkKind.PRESCRIBED_BY, person
        if memory.category == Category.PREFERENCE and (cared_for := _cared_for(sentence)):
            yield from ((memory, LinkKind.CARES_FOR, end) for end in _meant(cared_for, medications, conditions))
        if memory.is_critical and causes(sentence, _substance(memory)):
            yield from ((memory, LinkKind.CAUSES, other.memory) for other in _said_with(mention, said))


def _link(source: Memory, kind: LinkKind, target: Memory) -> MemoryLink | None:
    joined, is_new = MemoryLink.objects.get_or_create(
        patient_id=source.patient_id, source=source, target=target, kind=kind, defaults={"reason": REASONS[kind]}
    )
    return joined if is_new else None


# --- treats ----------------------------------------------------------------------------------------------------------


def purposes(sentence: str) -> list[str]:
    """The conditions that a sentence names as what something is for, as their folded clinical names."""
    words = words_of(sentence)
    return [folded(found.entry) for found in find_conditions(words) if _is_purpose(words, found.first)]


def _is_purpose(words: Sequence[Word], first: int) -> bool:
    before = [word.key for word in words[max(first - BETWEEN - 1, 0) : first]]
    return bool(PURPOSE & set(before))


# --- prescribed by ---------------------------------------------------------------------------------------------------


def prescriber(sentence: str) -> str:
    """The family name of who prescribed something in this sentence, or ""."""
    found = _PRESCRIBES.search(sentence) or _PRESCRIBED_BY.search(sentence)
    return found[1] if found else ""


def _named(name: str, people: Iterable[Memory]) -> Iterator[Memory]:
    """The memories that tell of a doctor or nurse of this name."""
    told = re.compile(rf"\b(?:dr\.?|doctor|nurse) {re.escape(name)}\b", re.IGNORECASE)
    yield from (person for person in people if name and told.search(person.content))


# --- causes ----------------------------------------------------------------------------------------------------------


def causes(sentence: str, substance: str) -> bool:
    """Whether a sentence says that something came of this substance: "gave her", "since she started"."""
    at = sentence.casefold().find(substance.casefold()) if substance else -1
    if at < 0:
        return False
    return bool(_CAUSES.search(sentence, at) or _CAME_OF.search(sentence[:at]))


def _substance(memory: Memory) -> str:
    """The word heard of an allergy or a medication; "" without details."""
    detail = getattr(memory, str(memory.category), None)
    return getattr(detail, "drug", "") or getattr(detail, "substance", "")


def _said_with(mention: Mention, said: Iterable[Mention]) -> Iterator[Mention]:
    """Observations stated in the very words of this mention."""
    for other in said:
        is_same = other.turn_id == mention.turn_id and other.start < mention.end and other.end > mention.start
        if is_same and other.memory.category == Category.OBSERVATION:
            yield other


# --- cares for -------------------------------------------------------------------------------------------------------


def _cared_for(sentence: str) -> str:
    """What a sentence says that somebody looks after, or ""."""
    found = _CARES.search(sentence)
    return sentence[found.end() :] if found else ""


def _meant(object_words: str, medications: Sequence[Memory], conditions: dict[str, Memory]) -> list[Memory]:
    """The medications and conditions that these words name; "her pills" are all that are taken."""
    words = words_of(object_words)
    drugs = {folded(part) for found in find_drugs(words) for part in (found.entry.ingredient, found.entry.name)}
    named = [conditions[name] for found in find_conditions(words) if (name := folded(found.entry)) in conditions]
    has_all = bool(MEDICINES & {word.key for word in words})
    return named + [
        memory
        for memory in medications
        if drug_key(memory.medication) in drugs or (has_all and memory.medication.status in TAKEN)
    ]
