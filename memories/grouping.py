"""Memories that say nearly the same, linked to the one that was said most: by night, never merged, never dropped."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from uuid import UUID

import numpy as np
from django.conf import settings

from memories.choices import CRITICAL_CATEGORIES, Kind, Scope
from memories.embedding import Vectors, get_embedder
from memories.models import LinkKind, Memory, MemoryIndex, MemoryLink
from memories.vocabulary.contrasts import contrasts
from patients.models import Patient

NEARLY_THE_SAME = "Says nearly the same."
Group: TypeAlias = tuple[str, str, str]


def group_duplicates(patient: Patient) -> list[MemoryLink]:
    """Link near-duplicates as `same-as` to the one of them that was said most, or that stands for their group already.

    Of one category and kind, an event also of one day; cosine of at least `GROUPING_COSINE`, and no number, negation
    or opposite that tells them apart. Never a critical item. The caller holds `lock_patient`.
    """
    joined = MemoryLink.objects.filter(patient=patient, kind=LinkKind.SAME_AS)
    known = set(joined.values_list("source_id", "target_id"))
    standing = [link for link in joined.standing().with_ends() if link.target.is_live]
    grouped = {link.source_id for link in standing}
    heads = {link.target_id for link in standing}
    pairs = [
        pair
        for memories, vectors in _comparable(patient, heads=heads)
        for pair in _pairs(memories, vectors, taken=grouped)
        if (pair[0].pk, pair[1].pk) not in known and (pair[1].pk, pair[0].pk) not in known
    ]
    return [
        MemoryLink.objects.create(
            patient=patient, source=one, target=head, kind=LinkKind.SAME_AS, reason=NEARLY_THE_SAME
        )
        for one, head in pairs
    ]


def _comparable(patient: Patient, *, heads: set[UUID]) -> Iterator[tuple[list[Memory], Vectors]]:
    """Memories that may say the same, heads of groups first and then the most said, with their vectors."""
    live = Memory.objects.for_patient(patient).live().filter(scope=Scope.PATIENT)
    rows = MemoryIndex.objects.filter(
        patient=patient,
        embedding_model=get_embedder().name,
        embedding__isnull=False,
        memory__in=live.exclude(category__in=CRITICAL_CATEGORIES),
    ).select_related("memory")
    alike: dict[Group, list[MemoryIndex]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.memory_id not in heads, -row.memory.times_said, row.memory_id)):
        alike[_group(row.memory)].append(row)
    for members in alike.values():
        if len(members) > 1:
            yield [row.memory for row in members], np.array([row.embedding for row in members], np.float32)


def _group(memory: Memory) -> Group:
    day = memory.last_said_at.date().isoformat() if memory.kind == Kind.EPISODIC else ""
    return memory.category, memory.kind, day


def _pairs(memories: Sequence[Memory], vectors: Vectors, *, taken: set[UUID]) -> Iterator[tuple[Memory, Memory]]:
    """Each memory that says the same as an earlier one, with that one. One row of cosines at a time."""
    grouped = {at for at, memory in enumerate(memories) if memory.pk in taken}
    for head in range(len(memories) - 1):
        if head in grouped:
            continue
        near = np.flatnonzero(vectors[head + 1 :] @ vectors[head] >= settings.GROUPING_COSINE) + head + 1
        for at in near.tolist():
            if at not in grouped and not contrasts(memories[at].content, memories[head].content):
                grouped.add(at)
                yield memories[at], memories[head]
