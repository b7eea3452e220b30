"""Showing that nothing was lost, and that what came along is found."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from audit.models import AccessLog, Event
from memories.models import Turn
from patients.models import Patient
from tests.conftest import directing
from tests.memories.mem0_sources import write_json
from tests.memories.test_import_mem0 import row, run


def verified(source: object, *options: str) -> dict[str, Any]:
    out = StringIO()
    call_command("verify_mem0", str(source), *options, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def source(mrs_hale: Patient, tmp_path: Path) -> Path:
    rows = [
        row("Allergic to penicillin: hives.", id="a"),
        row("Likes crosswords in the afternoon.", id="b"),
        row("Her niece Ruth has the spare key.", id="c"),
        row("Eye clinic last spring.", id="d", expiration_date="2026-01-01"),
        row("Whose is this?", id="e", user_id=None),
    ]
    return write_json(tmp_path / "rows.json", rows)


def test_a_whole_import_is_the_same_and_is_found(source: Path, tmp_path: Path) -> None:
    run(source)
    queries = tmp_path / "queries.jsonl"
    asked = [("What is she allergic to?", "a"), ("Who has a key to the house?", "c")]
    lines = [json.dumps({"user_id": "patient_123", "query": query, "id": key}) for query, key in asked]
    queries.write_text("\n".join(lines))
    told = verified(source, "--queries", str(queries))
    assert told["rows"] == {"read": 5, "the same": 4, "without a patient": 1}
    assert told["search"] == {"asked": 3, "in_top_3": 3, "rate": 1.0}
    assert told["queries"] == {"asked": 2, "in_top_3": 2, "rate": 1.0}
    with directing():
        assert AccessLog.objects.filter(event=Event.SEARCH).count() == 5


def test_what_is_missing_or_was_changed_at_the_source_is_told_with_its_place(
    source: Path, mrs_hale: Patient, tmp_path: Path
) -> None:
    run(source)
    rows = json.loads(source.read_text())
    rows[1]["memory"] = "Likes crosswords in the morning."
    rows[2]["hash"] = "0" * 32
    changed = write_json(tmp_path / "rows.json", [*rows, row("New since.", id="f")])
    with directing():
        turns = Turn.objects.count()
    out = StringIO()
    with pytest.raises(CommandError, match="holds what was not imported"):
        call_command("verify_mem0", str(changed), "--json", stdout=out)
    told = json.loads(out.getvalue())
    assert told["missing"] == ["rows.json, row 2, line 1", "rows.json, row 6, line 1"]
    assert told["different"] == ["rows.json, row 3, line 1"]
    with directing():
        assert Turn.objects.count() == turns
