"""Links between the memories of one patient: set and removed by staff, read from both ends."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone

from audit.models import Event
from audit.recording import record
from memories.indexing import index_linked, index_words_again
from memories.models import LinkKind, Memory, MemoryLink
from memories.remembering import lock_patient
from patients.models import User


class LinkRefused(ValidationError):
    """This link cannot be set or removed; the message says what to do."""


def link(source: Memory, target: Memory, *, kind: LinkKind, by: User, reason: str) -> MemoryLink:
    """Say that `source` treats, causes, ... `target`, a memory of the same patient. One that was removed stands again.

    Raises `LinkRefused` for a memory linked to itself, one of another patient, or one that is not live.
    """
    _refuse_unfit(source, target, reason)
    lock_patient(source.patient_id)
    found = MemoryLink.objects.filter(patient=source.patient_id, source=source, target=target, kind=kind).first()
    if found and found.removed_at is None:
        raise LinkRefused("They are linked like this already.")
    joined = found or MemoryLink(patient_id=source.patient_id, source=source, target=target, kind=kind)
    joined.set_by, joined.reason = by, reason
    joined.removed_by, joined.removed_at, joined.removal_reason = None, None, ""
    joined.save()
    index_linked([source, target])
    _record(Event.CREATE, joined, reason)
    return joined


def unlink(joined: MemoryLink, *, by: User, reason: str) -> MemoryLink:
    """Remove a link, with a reason that stays. The product does not set it again by itself."""
    if not reason.strip():
        raise LinkRefused("Say why: a change without a reason is not kept.")
    lock_patient(joined.patient_id)
    joined.refresh_from_db()
    if joined.removed_at:
        raise LinkRefused("This link is removed already.")
    joined.removed_by, joined.removed_at, joined.removal_reason = by, timezone.now(), reason
    joined.save()
    index_words_again([end for end in (joined.source, joined.target) if end.is_live])
    _record(Event.DELETE, joined, reason)
    return joined


def links_of(*memories: Memory) -> list[MemoryLink]:
    """The standing links at either end of these memories, with both ends, as far as both are live."""
    found = MemoryLink.objects.standing().touching(*memories).with_ends()
    return [joined for joined in found if joined.source.is_live and joined.target.is_live]


def links_shown(memory: Memory) -> list[MemoryLink]:
    """The standing links of a memory, from either end, whatever became of the other one."""
    return list(MemoryLink.objects.standing().touching(memory).with_ends().select_related("set_by"))


def representatives(links: Iterable[MemoryLink]) -> Mapping[UUID, UUID]:
    """Of each memory that says the same as another: the key of the one that stands for their group."""
    groups: dict[UUID, UUID] = {}
    for joined in links:
        if joined.kind == LinkKind.SAME_AS:
            one, other = (groups.get(end, end) for end in (joined.source_id, joined.target_id))
            merged = {key: other for key, group in groups.items() if group == one}
            groups |= {**merged, joined.source_id: other, joined.target_id: other}
    return groups


def _refuse_unfit(source: Memory, target: Memory, reason: str) -> None:
    if not reason.strip():
        raise LinkRefused("Say why: a link without a reason is not kept.")
    if source.pk == target.pk:
        raise LinkRefused("A memory is not linked to itself: name another one.")
    if source.patient_id != target.patient_id:
        raise LinkRefused("Only memories of one patient are linked.")
    if not (source.is_live and target.is_live):
        raise LinkRefused("Only live memories are linked: one of these is refuted, superseded, deleted or expired.")


def _record(event: Event, joined: MemoryLink, reason: str) -> None:
    keys = [joined.pk, joined.source_id, joined.target_id]
    record(event, patient_id=joined.patient_id, objects=keys, resource=MemoryLink, reason=reason)
