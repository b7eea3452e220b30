"""What was said beside what a search found: the turns before and after it, and the occasion as a whole.

An answer often stands next to the sentence that shares its question's words, and what answers one question was often
said on one occasion. A search ranks each memory alone; who reads many of them at once is served better by both.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from django.db.models import Q

from memories.choices import Scope
from memories.models import Memory, Mention
from memories.models.memory import Stance
from memories.search import Hit
from patients.models import Patient

#: What a memory gains of the evidence in the turns before and after it, and of that for its occasion.
BESIDE, OCCASION = 0.25, 0.5
#: So many of its best memories speak for an occasion.
SPEAK_FOR_IT = 3

#: A conversation, and the position of a turn in it.
Place: TypeAlias = tuple[UUID, int]


def in_company(hits: Sequence[Hit], patient: Patient) -> list[Memory]:
    """The memories of these hits and those said right beside them, the best first, judged by their company too.

    Of what was not found itself, only live memories of the patient's own scope come along. Three queries.
    """
    found = {hit.memory.pk: hit.memory for hit in hits}
    evidence = {hit.memory.pk: hit.score_parts["meaning"] + hit.score_parts["words"] for hit in hits}
    places = _places_of(found)
    beside = {memory.pk: memory for memory in _said_beside(patient, places) if memory.pk not in found}
    company = _Company(evidence, places)
    places |= _places_of(beside)
    known = found | beside
    worth = {key: evidence.get(key, 0) + company.worth_to(evidence.get(key, 0), places.get(key, ())) for key in known}
    return [known[key] for key in sorted(known, key=lambda key: -worth[key])]


class _Company:
    """How much evidence there is at each place, and for each occasion as a whole."""

    def __init__(self, evidence: Mapping[UUID, float], places: Mapping[UUID, Collection[Place]]) -> None:
        self.at: dict[Place, float] = defaultdict(float)
        spoken: dict[UUID, list[float]] = defaultdict(list)
        for key, of_one in places.items():
            for place in of_one:
                self.at[place] = max(self.at[place], evidence[key])
            for conversation in {conversation for conversation, _ in of_one}:
                spoken[conversation].append(evidence[key])
        self.occasion = {
            conversation: sum(sorted(of_it)[-SPEAK_FOR_IT:]) / SPEAK_FOR_IT for conversation, of_it in spoken.items()
        }

    def worth_to(self, own: float, places: Iterable[Place]) -> float:
        """What its company adds to a memory with so much evidence of its own, where it is best placed."""
        return max((self._at_place(own, place) for place in places), default=0)

    def _at_place(self, own: float, place: Place) -> float:
        conversation, position = place
        around = sum(self.at.get((conversation, position + step), 0) for step in (-1, 1))
        shared = self.at.get(place, 0) - own
        return BESIDE * (around + shared) + OCCASION * self.occasion.get(conversation, 0)


def _places_of(memories: Collection[UUID]) -> dict[UUID, set[Place]]:
    """Where each of these was stated."""
    places: dict[UUID, set[Place]] = defaultdict(set)
    said = Mention.objects.filter(memory__in=list(memories), stance=Stance.STATES)
    for key, conversation, position in said.values_list("memory_id", "turn__conversation", "turn__position"):
        places[key].add((conversation, position))
    return dict(places)


def _said_beside(patient: Patient, places: Mapping[UUID, Collection[Place]]) -> list[Memory]:
    """The other memories stated in the same turns and in those right before and after."""
    wanted: dict[UUID, set[int]] = defaultdict(set)
    for conversation, position in {place for of_one in places.values() for place in of_one}:
        wanted[conversation] |= {position - 1, position, position + 1}
    turns = Q(pk__in=[])
    for conversation, positions in wanted.items():
        turns |= Q(turn__conversation=conversation, turn__position__in=positions)
    stated = Mention.objects.filter(turns, patient=patient, stance=Stance.STATES)
    live = Memory.objects.for_patient(patient).live().filter(scope=Scope.PATIENT).with_details()
    return list(live.filter(pk__in=stated.values("memory")))
