"""Seals on the log: what an owner or a superuser of the database does to it is found, since nobody stops them.

A seal covers the entries of a range of transactions, in both logs. It keeps a digest of each entry, and a MAC over
these and over the seal before it, by a key that is kept outside of the database. Only transactions that are older than
every running one are sealed, so that none is committed late into a sealed range, and no writer ever waits for a seal.
The newest seal is also written to a file outside of the database: without it a cut tail would be a shorter log.
"""

import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit.actors import Actor, acting_as
from audit.models import Seal

#: Held while one process seals, or takes sealed entries out.
SEALING = 7_305_118
BATCH = 10_000
DIGEST_BYTES = 16
GENESIS = "0" * 64

#: What is sealed of an entry. A column that comes later belongs to a version of its own: old digests stay as they are.
COLUMNS = {
    "access": (
        "audit_accesslog",
        "recorded_at",
        "id, recorded_at AT TIME ZONE 'UTC', event, action, outcome, actor_kind, actor_id, actor_label,"
        " actor_roles, key_id, patient_id, resource, object_ids, query, reason, door, route, request_id, remote_addr",
    ),
    "change": (
        "auditlog_logentry",
        "timestamp",
        "id, timestamp AT TIME ZONE 'UTC', content_type_id, object_pk, object_id, object_repr,"
        " serialized_data, action, changes_text, changes, actor_id, cid, remote_addr, remote_port, actor_email,"
        " additional_data",
    ),
}
_ENTRIES = " UNION ALL ".join(
    f"SELECT transaction, '{name}:' || id AS key, \"{at}\" AS at,"
    f" substring(sha256(convert_to(jsonb_build_array({columns})::text, 'UTF8')) for {DIGEST_BYTES}) AS digest"
    f" FROM {table} WHERE transaction >= %(since)s AND transaction < %(until)s"
    for name, (table, at, columns) in COLUMNS.items()
)
ENTRIES = f'SELECT key, at, digest FROM ({_ENTRIES}) entry ORDER BY transaction, key COLLATE "C"'
_NUMBERS = " UNION ALL ".join(
    f"(SELECT transaction FROM {table} WHERE transaction >= %(since)s AND transaction < %(until)s"
    f" ORDER BY transaction LIMIT {BATCH})"
    for table, _, _ in COLUMNS.values()
)
END_OF_BATCH = f"SELECT transaction + 1 FROM ({_NUMBERS}) entry ORDER BY transaction OFFSET {BATCH - 1} LIMIT 1"
#: Every entry of an older transaction is committed or will never be. On another server the count begins anew.
HORIZON = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint
       + homecare_transaction() - pg_current_xact_id()::text::bigint
"""


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    at: datetime
    digest: bytes


def seal_log(*, by: Actor) -> int:
    """Seal what was written since the last seal and is settled. How many entries that were.

    Whoever comes while another seals leaves it to them.
    """
    sealed = 0
    while True:
        with acting_as(by):
            if not _lock():
                return sealed
            seal = _seal_batch()
        if seal is None:
            return sealed
        sealed += seal.entries
        write_head(seal)


def _lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALING])
        return bool(cursor.fetchone()[0])


def _seal_batch() -> Seal | None:
    last = Seal.objects.order_by("-sequence").first()
    since = last.until if last else 0
    until = _end_of_batch(since)
    entries = entries_between(since, until)
    if not entries:
        return None
    seal = Seal(
        sequence=last.sequence + 1 if last else 1,
        sealed_at=timezone.now(),
        since=since,
        until=until,
        entries=len(entries),
        newest_at=max(entry.at for entry in entries),
        keys=[entry.key for entry in entries],
        digests=b"".join(entry.digest for entry in entries),
        previous_mac=last.mac if last else GENESIS,
        key_name=name_of_key(current_key()),
    )
    seal.mac = mac_of(seal, current_key())
    seal.save(force_insert=True)
    return seal


def _end_of_batch(since: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(HORIZON)
        horizon = int(cursor.fetchone()[0])
        cursor.execute(END_OF_BATCH, {"since": since, "until": horizon})
        full = cursor.fetchone()
    return int(full[0]) if full else max(horizon, since)


def entries_between(since: int, until: int) -> list[Entry]:
    """The entries of both logs that these transactions wrote, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES, {"since": since, "until": until})
        return [Entry(key, at, bytes(digest)) for key, at, digest in cursor.fetchall()]


# --- keys -----------------------------------------------------------------------------------------------------------


def current_key() -> str:
    """What seals are made with from now on."""
    return str(settings.AUDIT_SEAL_KEYS[0])


def name_of_key(key: str) -> str:
    """What may be said of a key: enough to tell it from others."""
    return hashlib.sha256(f"name of {key}".encode()).hexdigest()[:12]


def known_keys() -> dict[str, str]:
    """The keys of the settings, the current and the earlier ones, by their names."""
    return {name_of_key(key): key for key in settings.AUDIT_SEAL_KEYS}


def sign(key: str, *said: object) -> str:
    message = json.dumps([str(part) for part in said]).encode()
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def mac_of(seal: Seal, key: str) -> str:
    content = hashlib.sha256("\n".join(seal.keys).encode() + b"\n\n" + bytes(seal.digests)).hexdigest()
    numbers = (seal.sequence, seal.since, seal.until, seal.entries)
    times = (_in_utc(seal.sealed_at), _in_utc(seal.newest_at))
    return sign(key, "seal", *numbers, *times, content, seal.previous_mac)


def _in_utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


# --- the head -------------------------------------------------------------------------------------------------------


def write_head(seal: Seal) -> None:
    """Note the newest seal outside of the database, replacing the file in one step."""
    path = settings.AUDIT_HEAD_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    said = {"sequence": seal.sequence, "mac": seal.mac, "sealed_at": seal.sealed_at.isoformat()}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(json.dumps({**said, "signature": sign(current_key(), "head", seal.sequence, seal.mac)}))
    draft.replace(path)


def read_head() -> tuple[int, str] | None:
    """Number and MAC of the newest seal as the file has them; None without a file. Raises `ValueError`: not ours."""
    if not settings.AUDIT_HEAD_FILE.exists():
        return None
    said = json.loads(settings.AUDIT_HEAD_FILE.read_text())
    sequence, mac = int(said["sequence"]), str(said["mac"])
    signatures = [sign(key, "head", sequence, mac) for key in settings.AUDIT_SEAL_KEYS]
    if said["signature"] not in signatures:
        raise ValueError("The head was not signed with a key of ours.")
    return sequence, mac
