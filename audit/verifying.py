"""Whether the log is as it was sealed; and if not, what became of which entry."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from django.db import connection

from audit.actors import Actor, acting_as
from audit.models import Purge, Seal
from audit.seals import COLUMNS, DIGEST_BYTES, GENESIS, Entry, entries_between, known_keys, mac_of, read_head, sign


class Tampering(StrEnum):
    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    REORDERED = "reordered"
    BROKEN_SEAL = "broken seal"
    FOREIGN_SEAL = "foreign seal"
    MISSING_SEAL = "missing seal"
    CUT_TAIL = "cut tail"
    FOREIGN_PURGE = "foreign purge"
    FOREIGN_HEAD = "foreign head"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of what: the key of an entry ("access:…", "change:…") or the number of a seal."""

    what: Tampering
    of: str
    seal: int | None = None


@dataclass(slots=True)
class Verified:
    """How much was looked at, and what was found, the earliest first."""

    seals: int = 0
    entries: int = 0
    unsealed: int = 0
    head: str = ""
    findings: list[Finding] = field(default_factory=list)


def verify_log(*, by: Actor) -> Verified:
    """Compare both logs with their seals, the seals with each other, and the last one with the head kept elsewhere."""
    result = Verified()
    found = result.findings
    with acting_as(by):
        purged_through = _purged_through(found)
        last: Seal | None = None
        for seal in Seal.objects.order_by("sequence").iterator(chunk_size=20):
            found.extend(_broken(seal, last))
            now = entries_between(seal.since, seal.until)
            found.extend(_differences(seal, now, may_be_gone=seal.sequence <= purged_through))
            result.seals, result.entries, last = result.seals + 1, result.entries + len(now), seal
        result.unsealed = _count_after(last.until if last else 0)
        found.extend(_cut(last))
        result.head = last.mac if last else ""
    return result


def _purged_through(found: list[Finding]) -> int:
    """The last seal whose entries were lawfully taken out. Each purge says so under a key of ours."""
    through = 0
    for purge in Purge.objects.order_by("through"):
        if any(purge.mac == sign(key, *purge.said) for key in known_keys().values()):
            through = purge.through
        else:
            found.append(Finding(Tampering.FOREIGN_PURGE, f"purge {purge.pk}", purge.through))
    return through


def _broken(seal: Seal, before: Seal | None) -> Iterator[Finding]:
    expected = before.sequence + 1 if before else 1
    for missing in range(expected, seal.sequence):
        yield Finding(Tampering.MISSING_SEAL, f"seal {missing}", missing)
    key = known_keys().get(seal.key_name)
    if key is None:
        yield Finding(Tampering.FOREIGN_SEAL, f"seal {seal.sequence}", seal.sequence)
        return
    follows = seal.previous_mac == (before.mac if before else GENESIS) and seal.since == (before.until if before else 0)
    is_whole = len(seal.keys) == seal.entries and len(seal.digests) == seal.entries * DIGEST_BYTES
    if seal.mac != mac_of(seal, key) or not is_whole or (not follows and seal.sequence == expected):
        yield Finding(Tampering.BROKEN_SEAL, f"seal {seal.sequence}", seal.sequence)


def _differences(seal: Seal, now: list[Entry], *, may_be_gone: bool) -> Iterator[Finding]:
    digests = bytes(seal.digests)
    sealed = {key: digests[n * DIGEST_BYTES : (n + 1) * DIGEST_BYTES] for n, key in enumerate(seal.keys)}
    present = {entry.key: entry.digest for entry in now}
    if list(present.items()) == list(sealed.items()):
        return
    gone = [key for key in sealed if key not in present]
    for key in gone:
        if _exists(key):
            yield Finding(Tampering.REORDERED, key, seal.sequence)
        elif not may_be_gone:
            yield Finding(Tampering.DELETED, key, seal.sequence)
    for key, digest in present.items():
        if key not in sealed:
            what = Tampering.REORDERED if _is_sealed(key) else Tampering.INSERTED
            yield Finding(what, key, seal.sequence)
        elif digest != sealed[key]:
            yield Finding(Tampering.EDITED, key, seal.sequence)
    kept = [key for key in sealed if key in present]
    moved = (
        is_now for was, is_now in zip(kept, (key for key in present if key in sealed), strict=True) if was != is_now
    )
    if first := next(moved, None):
        yield Finding(Tampering.REORDERED, first, seal.sequence)


def _exists(key: str) -> bool:
    """Whether the entry is somewhere else in its log."""
    log, _, number = key.partition(":")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT FROM {COLUMNS[log][0]} WHERE id::text = %s)", [number])
        return bool(cursor.fetchone()[0])


def _is_sealed(key: str) -> bool:
    return Seal.objects.filter(keys__contains=[key]).exists()


def _count_after(until: int) -> int:
    with connection.cursor() as cursor:
        counts = " + ".join(
            f"(SELECT count(*) FROM {table} WHERE transaction >= %(until)s)" for table, _, _ in COLUMNS.values()
        )
        cursor.execute(f"SELECT {counts}", {"until": until})
        return int(cursor.fetchone()[0])


def _cut(last: Seal | None) -> Iterator[Finding]:
    try:
        head = read_head()
    except (ValueError, KeyError):
        yield Finding(Tampering.FOREIGN_HEAD, "the head")
        return
    if head is None:
        return
    sequence, mac = head
    newest = last.sequence if last else 0
    if newest < sequence:
        yield Finding(Tampering.CUT_TAIL, f"seals {newest + 1} to {sequence}", sequence)
    elif not Seal.objects.filter(sequence=sequence, mac=mac).exists():
        yield Finding(Tampering.FOREIGN_SEAL, f"seal {sequence}", sequence)
