"""Imports as they are really run: killed in the middle, from an account, and of the exports that people have."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connections

from memories.history import history_of
from memories.models import ImportedEvent, ImportedRow, Memory, Mention, Turn
from patients.models import CareAssignment, Patient
from patients.roles import Role
from tests.conftest import directing, person, token_for
from tests.memories.mem0_sources import write_json
from tests.memories.test_import_mem0 import everything, row, run
from tests.running import PROJECT, wait_until
from tests.serving import cloned_database, served

SHARED = PROJECT.parent / "shared" / "mem0" / "exports"
FILES = sorted(SHARED.rglob("*")) if SHARED.is_dir() else []
with_exports = pytest.mark.skipif(not FILES, reason="the shared exports are not there")


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database whose changes are committed, gone afterwards."""
    with django_db_blocker.unblock(), cloned_database("imports"):
        yield


@pytest.mark.kills
def test_an_import_killed_in_the_middle_goes_on_and_loses_and_doubles_nothing(committed: None, tmp_path: Path) -> None:
    rows = [row(f"Had visitor number {n} for tea.", id=f"r{n}", user_id=f"client-{n % 7}") for n in range(1500)]
    rows += [row(f"Allergic to substance{n}.", id=f"a{n}", user_id=f"client-{n % 7}") for n in range(60)]
    source = write_json(tmp_path / "rows.json", rows)
    command = [sys.executable, "manage.py", "import_mem0", str(source), "--create-patients", "--json"]
    killed = subprocess.Popen(command, cwd=PROJECT, env=_pointing_here(), stdout=subprocess.DEVNULL)

    def is_in_the_middle() -> bool:
        with directing():
            assert killed.poll() is None, "It ended before it could be killed."
            return 0 < Memory.objects.count() < 1000

    wait_until(is_in_the_middle, seconds=120)
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=30)
    report = run(source, "--create-patients")
    assert report["rows"]["skipped"] == 1560
    with directing():
        assert Counter(ImportedRow.objects.values_list("outcome", flat=True)).total() == 1560
        assert not ImportedRow.objects.waiting().exists()
        assert Turn.objects.count() == Mention.objects.count() == Memory.objects.count() == 1560
        assert Memory.objects.values("content").distinct().count() == 1560


def _pointing_here() -> dict[str, str]:
    """The environment in which another process uses the database of this test."""
    given = {alias: connections[alias].get_connection_params() for alias in ("default", "owner")}
    urls = {
        alias: "postgresql://{user}:{password}@/{dbname}?host={host}&port={port}".format(**{"port": 5432, **params})
        for alias, params in given.items()
    }
    return {**os.environ, "DATABASE_URL": urls["default"], "DATABASE_OWNER_URL": urls["owner"]}


def test_an_account_is_read_over_its_rest(committed: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(
        write_json(tmp_path / "rows.json", [row(f"Told story {n}.", id=f"s{n}") for n in range(3)]), "--create-patients"
    )
    with directing():
        nora = person("nora", Role.CLINICIAN)
        CareAssignment.objects.create(user=nora, patient=Patient.objects.get(), role=Role.CLINICIAN)
    monkeypatch.setattr(settings, "MEM0_API_KEY", token_for(nora))
    before = everything()
    with served() as address:
        report = run(f"{address}/mem0")
        assert report["rows"]["reasons"]["skipped"] == {"a memory of this system itself": 3}
        assert {**everything(), "LogEntry": 0} == {**before, "LogEntry": 0}
        monkeypatch.setattr(settings, "MEM0_API_KEY", "hcm_wrong")
        with pytest.raises(CommandError, match="mem0 refuses the key"):
            run(f"{address}/mem0")


@with_exports
def test_the_stores_agree_with_what_must_come_out(db: None) -> None:
    truth = json.loads((SHARED / "truth.json").read_text())
    run(SHARED / "memories.copy.csv", "--create-patients")
    run(SHARED / "history.db")
    run(SHARED / "openmemory" / next(p.name for p in FILES if p.suffix == ".zip"))
    with directing():
        rows = {one.source_id: one for one in ImportedRow.objects.select_related("turn", "memory", "patient")}
        owned = [each for each in truth["live"] if each["user_id"]]
        assert set(rows) == {each["id"] for each in owned}
        for each in owned:
            held = rows[each["id"]]
            assert (held.turn.text, held.patient.external_id) == (each["text"], each["user_id"])
            assert held.original["created_at"] == each["created_at"]
            assert held.original.get("agent_id") == each["agent_id"]
            assert held.original["hash"] == each["hash"]
            assert held.memory.is_expired == bool(each["expiration_date"])
            assert held.memory.mentions.filter(turn=held.turn).exists()
            events = [change.event for change in history_of(held.memory) if change.event.startswith("mem0: ")]
            told = Counter(events) & Counter(f"mem0: {event}" for event in each["history_events"])
            assert told.total() == len(each["history_events"])
        for group in truth["exact_duplicate_groups"]:
            assert len({rows[key].memory_id for key in group}) == 1
        assert not set(rows) & set(truth["no_patient"])
        contents = set(Memory.objects.values_list("content", flat=True))
        deleted = {each["id"]: each for each in truth["deleted"]}
        assert contents.isdisjoint(each["last_text"] for each in deleted.values())
        kept = ImportedEvent.objects.filter(source_id__in=deleted).values_list("old_text", flat=True)
        assert {each["last_text"] for each in deleted.values()} & set(kept)


@with_exports
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SHARED)))
def test_each_export_imported_twice_changes_nothing_the_second_time(path: Path, db: None) -> None:
    if path.is_dir():
        return
    try:
        first = run(path, "--create-patients")
    except CommandError:
        with directing():
            assert not ImportedRow.objects.exists()
        return
    state = everything()
    second = run(path, "--create-patients")
    assert everything() == state
    assert second["rows"]["read"] == first["rows"]["read"]
    new = ("imported", "reinforced", "conflicting", "waiting")
    assert sum(second["rows"][outcome] for outcome in new) == second["history"]["kept"] == 0
