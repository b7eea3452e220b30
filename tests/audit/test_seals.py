"""Whoever owns the database can change the log; it is found, and said what became of which entry."""

import json
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from audit.actors import acting_as, system_actor
from audit.models import AccessLog, Event, Purge
from audit.recording import record
from audit.retention import PurgeRefused, oldest_kept, purge_log
from audit.seals import seal_log
from audit.verifying import Tampering, verify_log
from patients.models import Patient
from tests.conftest import DIRECTOR, directing

SEALED = 3


def seal_all() -> int:
    """Seal everything that is committed, as soon as nothing older runs on this server. How many entries that were."""
    count, deadline = 0, time.monotonic() + 60
    while verify_log(by=DIRECTOR).unsealed and time.monotonic() < deadline:
        count += seal_log(by=DIRECTOR)
    return count


@pytest.fixture
def sealed(committed: None, tmp_path: Path, settings: object) -> None:
    """Three seals, each on one access and one change."""
    settings.AUDIT_HEAD_FILE = tmp_path / "head"
    for number in range(SEALED):
        with directing():
            record(Event.READ, reason=f"reading {number}")
            Patient.objects.create(external_id=f"p-{number}")
        seal_all()


TABLES = ("audit_accesslog", "auditlog_logentry", "audit_seal", "audit_purge")
UNDER_ROW_LEVEL_SECURITY = TABLES[:2]


def as_owner(*statements: str) -> None:
    """What whoever owns the tables can do, like a superuser: past triggers, rights and row-level security."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in UNDER_ROW_LEVEL_SECURITY:
            cursor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        for statement in statements:
            cursor.execute(statement)
            assert cursor.rowcount > 0
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for table in UNDER_ROW_LEVEL_SECURITY:
            cursor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


FIRST, SECOND = (f"(SELECT id FROM audit_accesslog ORDER BY transaction OFFSET {n} LIMIT 1)" for n in (0, 1))
CHANGE = "(SELECT id FROM auditlog_logentry ORDER BY transaction LIMIT 1)"
LAST_SEAL = f"sequence = {SEALED}"
OTHER = '{"id": "019a0000-0000-7000-8000-000000000000", "actor_label": "nobody"}'
COPY = (
    f"INSERT INTO audit_accesslog SELECT (jsonb_populate_record(entry, '{OTHER}')).*"
    " FROM audit_accesslog entry WHERE id = "
)
CASES = {
    "an access is edited": ([f"UPDATE audit_accesslog SET actor_label = 'nobody' WHERE id = {FIRST}"], "edited"),
    "an access is dated back": (
        [f"UPDATE audit_accesslog SET recorded_at = recorded_at - interval '1 day' WHERE id = {FIRST}"],
        "edited",
    ),
    "a change is edited": ([f"UPDATE auditlog_logentry SET changes = '{{}}' WHERE id = {CHANGE}"], "edited"),
    "who changed it is edited": (
        [f'UPDATE auditlog_logentry SET additional_data = \'{{"actor": "x"}}\' WHERE id = {CHANGE}'],
        "edited",
    ),
    "an access is deleted": ([f"DELETE FROM audit_accesslog WHERE id = {FIRST}"], "deleted"),
    "a change is deleted": ([f"DELETE FROM auditlog_logentry WHERE id = {CHANGE}"], "deleted"),
    "all accesses are deleted": (["DELETE FROM audit_accesslog"], "deleted"),
    "an access is inserted": ([f"{COPY} {FIRST}"], "inserted"),
    "accesses change places": (
        [
            "UPDATE audit_accesslog entry SET transaction = other.transaction FROM audit_accesslog other"
            f" WHERE entry.id IN ({FIRST}, {SECOND}) AND other.id IN ({FIRST}, {SECOND}) AND entry.id <> other.id"
        ],
        "reordered",
    ),
    "an access is moved behind the last seal": (
        [f"UPDATE audit_accesslog SET transaction = transaction + 1000000 WHERE id = {FIRST}"],
        "reordered",
    ),
    "the tail is cut, with its seal": (
        [
            f"DELETE FROM audit_accesslog WHERE transaction >= (SELECT since FROM audit_seal WHERE {LAST_SEAL})",
            f"DELETE FROM auditlog_logentry WHERE transaction >= (SELECT since FROM audit_seal WHERE {LAST_SEAL})",
            f"DELETE FROM audit_seal WHERE {LAST_SEAL}",
        ],
        "cut tail",
    ),
    "everything is deleted, seals too": (
        ["DELETE FROM audit_accesslog", "DELETE FROM auditlog_logentry", "DELETE FROM audit_seal"],
        "cut tail",
    ),
    "a seal in the middle is deleted": (["DELETE FROM audit_seal WHERE sequence = 2"], "missing seal"),
    "an access and its place in the seal are deleted": (
        [
            f"DELETE FROM audit_accesslog WHERE id = {FIRST}",
            "UPDATE audit_seal SET entries = entries - 1, keys = keys[2:],"
            " digests = substring(digests from 17) WHERE sequence = 1",
        ],
        "broken seal",
    ),
    "a seal is dated back": (
        ["UPDATE audit_seal SET sealed_at = sealed_at - interval '1 day' WHERE sequence = 2"],
        "broken seal",
    ),
    "a seal is made with a key of one's own": (
        ["UPDATE audit_seal SET key_name = 'mine', mac = repeat('a', 64) WHERE sequence = 2"],
        "foreign seal",
    ),
    "a purge is forged for what was deleted": (
        [
            f"DELETE FROM audit_accesslog WHERE id = {FIRST}",
            "INSERT INTO audit_purge (purged_at, through, before, entries, reason, mac)"
            " VALUES (now(), 3, now(), 1, 'forged', repeat('a', 64))",
        ],
        "foreign purge",
    ),
}


def test_hipaa_16_log_that_nobody_touched_is_whole(sealed: None) -> None:
    verified = verify_log(by=DIRECTOR)
    assert (verified.findings, verified.seals, verified.unsealed) == ([], SEALED, 0)
    assert verified.entries >= 2 * SEALED


@pytest.mark.parametrize("case", CASES)
def test_hipaa_16_tampering_by_the_owner_is_found_and_named(case: str, sealed: None) -> None:
    statements, expected = CASES[case]
    as_owner(*statements)
    assert expected in {finding.what for finding in verify_log(by=DIRECTOR).findings}


def test_hipaa_16_the_entry_itself_is_named(sealed: None) -> None:
    with directing():
        first = AccessLog.objects.order_by("recorded_at").first()
    as_owner(f"UPDATE audit_accesslog SET actor_label = 'nobody' WHERE id = '{first.pk}'")
    told = StringIO()
    with pytest.raises(CommandError, match="1 findings"):
        call_command("verify_log", stdout=told)
    assert f"edited: access:{first.pk} (seal 1)" in told.getvalue()


def test_hipaa_16_forged_head_is_found(sealed: None, settings: object) -> None:
    said = json.loads(settings.AUDIT_HEAD_FILE.read_text())
    settings.AUDIT_HEAD_FILE.write_text(json.dumps(said | {"sequence": 2}))
    assert [finding.what for finding in verify_log(by=DIRECTOR).findings] == [Tampering.FOREIGN_HEAD]


def test_hipaa_16_seals_of_an_earlier_key_still_verify(sealed: None, settings: object) -> None:
    settings.AUDIT_SEAL_KEYS = ["a newer key", *settings.AUDIT_SEAL_KEYS]
    with directing():
        record(Event.READ)
    assert seal_all() == 1
    assert verify_log(by=DIRECTOR).findings == []
    settings.AUDIT_SEAL_KEYS = ["a key of somebody else's"]
    assert {finding.what for finding in verify_log(by=DIRECTOR).findings} >= {Tampering.FOREIGN_SEAL}


def test_hipaa_16_what_is_committed_late_is_sealed_later_and_nothing_waits(sealed: None) -> None:
    """A transaction that began before others were sealed, and ends after."""
    written, may_end = Flag(), Flag()

    def write_slowly() -> None:
        with acting_as(system_actor("slow")):
            record(Event.READ, reason="late")
            written.set()
            may_end.wait(10)
        connections.close_all()

    slow = Thread(target=write_slowly)
    slow.start()
    written.wait(10)
    with directing():
        record(Event.READ, reason="early")
    assert seal_log(by=DIRECTOR) == 0
    assert verify_log(by=DIRECTOR).unsealed == 1
    may_end.set()
    slow.join()
    assert seal_all() == 2
    assert verify_log(by=DIRECTOR).findings == []


# --- 27: six years ---------------------------------------------------------------------------------------------------


@pytest.fixture
def old(committed: None, tmp_path: Path, settings: object) -> None:
    """Two entries of seven years ago, about two patients, under one seal; one of today under another."""
    settings.AUDIT_HEAD_FILE = tmp_path / "head"
    then = timezone.now() - timedelta(days=7 * 366)
    with directing():
        for number in (1, 2):
            record(Event.READ, patient_id=f"019a0000-0000-7000-8000-00000000000{number}")
    as_owner(f"UPDATE audit_accesslog SET recorded_at = '{then.isoformat()}'")
    seal_all()
    with directing():
        record(Event.READ, reason="today")
    seal_all()


def purge_by_hand(alias: str) -> None:
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute("SELECT set_config('homecare.actor_kind', 'system', true)")
        cursor.execute("SELECT set_config('homecare.purging', 'on', true)")
        cursor.execute("DELETE FROM audit_accesslog")


def test_hipaa_27_nothing_younger_than_six_years_is_purged(old: None) -> None:
    with pytest.raises(PurgeRefused, match="6 years"):
        purge_log(before=timezone.now() - timedelta(days=5 * 366), by=DIRECTOR, reason="space")
    with pytest.raises(DatabaseError, match="append-only"):
        purge_by_hand("owner")


def test_hipaa_27_purge_is_the_owners_alone(old: None) -> None:
    with directing(), pytest.raises(DatabaseError, match="permission denied"):
        purge_by_hand("default")


def test_hipaa_27_purge_takes_what_is_due_is_on_record_and_leaves_a_log_that_verifies(old: None) -> None:
    assert purge_log(before=oldest_kept(timezone.now()), by=DIRECTOR, reason="Six years are over.") == 2
    with directing():
        assert sorted(entry.reason for entry in AccessLog.objects.all()) == ["Six years are over.", "today"]
        assert Purge.objects.get().entries == 2
    assert verify_log(by=DIRECTOR).findings == []


def test_hipaa_27_legal_hold_keeps_what_is_about_a_patient(old: None) -> None:
    held = "019a0000-0000-7000-8000-000000000001"
    call_command(
        "legal_hold", "place", "--patient", held, "--by", "counsel", "--reason", "a lawsuit", stdout=StringIO()
    )
    assert purge_log(before=oldest_kept(timezone.now()), by=DIRECTOR, reason="over") == 1
    with directing():
        assert str(AccessLog.objects.order_by("recorded_at").first().patient_id) == held
    assert verify_log(by=DIRECTOR).findings == []
    call_command("legal_hold", "lift", "--hold", "1", "--by", "counsel", stdout=StringIO())
    assert purge_log(before=oldest_kept(timezone.now()), by=DIRECTOR, reason="over") == 1
