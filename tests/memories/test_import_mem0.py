"""Leaving mem0: its stores are made by mem0 itself, run for real."""

import json
import stat
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from auditlog.models import LogEntry
from django.core.management import CommandError, call_command

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.history import history_of
from memories.models import (
    ImportedEvent,
    ImportedRow,
    Memory,
    MemoryIndex,
    Mention,
    ReviewTask,
    RowOutcome,
    TaskKind,
    Turn,
)
from patients.models import Patient
from tests.conftest import actor_for, directing
from tests.llm_peer import a_running_peer
from tests.memories.mem0_sources import Mem0Store, a_store, said, write_csv, write_json
from tests.memories.talk import hear

__all__ = ["a_running_peer", "a_store"]
SPANISH = "Prefiere que la llamen «señora Hale»; no le gusta el café frío."


def run(source: object, *options: str) -> dict[str, Any]:
    """Import, and answer the report."""
    out = StringIO()
    call_command("import_mem0", str(source), *options, "--json", stdout=out)
    return json.loads(out.getvalue())


def row(text: str, **fields: Any) -> dict[str, Any]:
    """A row of get_all."""
    given = {"id": f"id-{abs(hash(text))}", "memory": text, "user_id": "patient_123", "metadata": None}
    return given | {"created_at": "2026-03-02T09:15:00-05:00", "updated_at": "2026-03-02T09:15:00-05:00"} | fields


def everything() -> dict[str, int]:
    models = (Memory, Mention, Turn, ImportedRow, ImportedEvent, ReviewTask, MemoryIndex, Patient, LogEntry)
    with directing():
        return {model.__name__: model.objects.count() for model in models}


@pytest.fixture
def filled(mem0: Mem0Store, mrs_hale: Patient) -> Mem0Store:
    """What mem0 holds of Mrs. Hale: told, changed, deleted, twice, expired, in Spanish, and of nobody."""
    today = datetime.now(UTC).date()
    past, next_year = today - timedelta(days=2), today + timedelta(days=365)
    mem0.peer.rule = lambda conversation: {"memory": [{"text": "Edith Hale's niece Ruth visits on Sundays"}]}
    answers = mem0.tell(
        said(
            "Allergic to penicillin: hives in 2011.",
            "patient_123",
            name="nurse_joan",
            agent_id="intake",
            run_id="visit:2026-03-02",
            metadata={"category": "allergy", "created_at": "2026-03-02T09:15:00-05:00", "seen": {"by": ["a", "b"]}},
        ),
        said("Takes warfarin 5 mg every evening.", "patient_123", metadata={"category": "medication"}),
        said("Likes her tea with milk.", "patient_123", metadata={"category": "preference"}),
        said("Likes her tea with milk.", "patient_123", metadata={"category": "preference"}),
        said(SPANISH, "patient_123", metadata={"lang": "es", "category": "preference"}),
        said("Eye clinic on 2026-04-14 at 10:30.", "patient_123", expiration_date=str(past)),
        said("Physiotherapy on Mondays.", "patient_123", expiration_date=str(next_year)),
        said("Always read back doses.", None, who="assistant", agent_id="care-assistant"),
        said("a test, ignore", "patient_123"),
        ("delete", {"memory_id": "$8.results.0.id"}),
        ("update", {"memory_id": "$1.results.0.id", "data": "Takes warfarin 3 mg every evening."}),
        ("add", {"messages": "My niece Ruth comes by on Sundays.", "user_id": "patient_123", "run_id": "chat-7"}),
        ("get_all", {"filters": {"user_id": "patient_123"}, "top_k": 100, "show_expired": True}),
    )
    write_json(mem0.folder / "get_all.json", answers[-1])
    return mem0


def test_the_live_table_becomes_unconfirmed_memories_with_their_words(filled: Mem0Store) -> None:
    before = filled.checksum()
    report = run(filled.source)
    assert filled.checksum() == before
    assert report["rows"] | {"reasons": None} == {
        "read": 9,
        "imported": 7,
        "reinforced": 1,
        "conflicting": 0,
        "withheld": 0,
        "waiting": 0,
        "quarantined": 1,
        "skipped": 0,
        "reasons": None,
    }
    with directing():
        memories = {memory.content: memory for memory in Memory.objects.with_details()}
        assert {memory.verification_status for memory in memories.values()} == {"unconfirmed"}
        allergy = memories["Allergic to penicillin: hives in 2011."]
        assert (allergy.category, allergy.allergy.ingredient, allergy.priority) == ("allergy", "penicillin", "critical")
        assert allergy.metadata["seen"] == {"by": ["a", "b"]}
        kept = allergy.metadata["mem0"]
        assert (kept["agent_id"], kept["run_id"], kept["actor_id"]) == ("intake", "visit:2026-03-02", "nurse_joan")
        assert kept["created_at"] == "2026-03-02T09:15:00-05:00"
        assert allergy.last_said_at == datetime(2026, 3, 2, 14, 15, tzinfo=UTC)
        mention = allergy.mentions.select_related("turn__conversation").get()
        conversation = mention.turn.conversation
        assert (conversation.agent_id, conversation.session_id) == ("intake", "visit:2026-03-02")
        assert (mention.quote, mention.speaker) == (allergy.content, "nurse_joan")
        drug = memories["Takes warfarin 3 mg every evening."]
        assert (drug.medication.dose, drug.priority) == ("3 mg", "critical")
        queued = ReviewTask.objects.open().filter(kind=TaskKind.VERIFY).values_list("memory", flat=True)
        assert set(queued) == {allergy.pk, drug.pk}
        tea = memories["Likes her tea with milk."]
        assert (tea.category, tea.times_said, tea.mentions.count()) == ("preference", 2, 2)
        assert memories[SPANISH].category == "preference"
        eyes, exercise = memories["Eye clinic on 2026-04-14 at 10:30."], memories["Physiotherapy on Mondays."]
        assert eyes.is_expired
        assert exercise.is_live
        assert exercise.expires_at is not None
        vectors = MemoryIndex.objects.filter(embedding__isnull=False).values_list("memory", flat=True)
        assert set(vectors) == {memory.pk for memory in memories.values() if memory.is_live}


def test_each_shape_of_one_store_tells_the_same(filled: Mem0Store) -> None:
    first = run(filled.copy_csv())
    with directing():
        contents = set(Memory.objects.values_list("content", flat=True))
    state = everything()
    for again in (filled.copy_csv(), filled.dump_sql(), filled.folder / "get_all.json", filled.source):
        report = run(again)
        assert report["rows"]["reasons"]["skipped"] == {"imported before": 8}
    assert everything() | {"AccessLog": 0} == state | {"AccessLog": 0}
    assert first["rows"]["imported"] == 7
    assert len(contents) == 7


def test_every_imported_memory_has_its_entry_in_the_log_of_changes(filled: Mem0Store) -> None:
    run(filled.source)
    with directing():
        logged = LogEntry.objects.filter(action=LogEntry.Action.CREATE, content_type__model="memory")
        entries = {entry.object_pk: entry for entry in logged}
        assert set(entries) == {str(pk) for pk in Memory.objects.values_list("pk", flat=True)}
        tea = Memory.objects.get(content="Likes her tea with milk.")
        entry = entries[str(tea.pk)]
        assert entry.additional_data["patient"] == str(tea.patient_id)
        assert entry.additional_data["actor"] == "import"
        assert entry.changes["content"] == ["None", tea.content]
        extracted = AccessLog.objects.filter(event=Event.EXTRACT, patient_id=tea.patient_id)
        assert str(tea.pk) in {key for keys in extracted.values_list("object_ids", flat=True) for key in keys}


def test_history_comes_along_and_deleted_words_are_no_memory(filled: Mem0Store) -> None:
    run(filled.source)
    report = run(filled.history)
    assert (
        report["history"]["reasons"]["quarantined"]
        == {
            "it names no patient": report["history"]["reasons"]["quarantined"].get("it names no patient", 0),
            "the patient of its memory is not known": 3,
        }
        or report["history"]["quarantined"] == 3
    )
    with directing():
        drug = Memory.objects.get(content="Takes warfarin 3 mg every evening.")
        told = [(change.event, change.changes["content"]) for change in history_of(drug) if "mem0" in change.event]
        assert told == [
            ("mem0: ADD", [None, "Takes warfarin 5 mg every evening."]),
            ("mem0: UPDATE", ["Takes warfarin 5 mg every evening.", "Takes warfarin 3 mg every evening."]),
        ]
        assert not Memory.objects.filter(content__contains="test, ignore").exists()
        spoken = ImportedEvent.objects.get(event="MESSAGE")
        assert spoken.new_text == "My niece Ruth comes by on Sundays."
    state = everything()
    assert run(filled.history)["history"]["kept"] == 0
    assert everything() == state


def test_rows_of_nobody_go_to_a_file_of_their_owner_alone(filled: Mem0Store, tmp_path: Path) -> None:
    aside = tmp_path / "aside.jsonl"
    report = run(filled.source, "--quarantine", str(aside))
    assert report["rows"]["reasons"]["quarantined"] == {"it names no patient": 1}
    kept = json.loads(aside.read_text())
    assert (kept["reason"], kept["row"]["data"]) == ("it names no patient", "Always read back doses.")
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600


def test_a_rehearsal_tells_the_same_and_stores_nothing(filled: Mem0Store) -> None:
    before = everything()
    rehearsed = run(filled.source, "--dry-run")
    assert everything() == before
    done = run(filled.source)
    assert rehearsed["rows"] == done["rows"]
    assert not rehearsed["quarantine"]


def test_unknown_users_are_listed_and_nothing_is_stored(mrs_hale: Patient, tmp_path: Path) -> None:
    rows = [row("Likes tea."), row("Likes jazz.", user_id="urn:user:7"), row("Sleeps badly.", user_id=42)]
    source = write_json(tmp_path / "rows.json", rows)
    before = everything()
    with pytest.raises(CommandError, match="2 users are no patients here: 42, urn:user:7"):
        run(source)
    assert everything() == before
    mapped = tmp_path / "map.csv"
    mapped.write_text("user_id,patient_id\nurn:user:7,patient_123\n42,\n")
    report = run(source, "--map-users", str(mapped))
    assert (report["rows"]["imported"], report["rows"]["reasons"]["quarantined"]) == (
        2,
        {"the map of users leaves its user out": 1},
    )
    created = run(source, "--create-patients")
    assert created["patients_created"] == 2
    with directing():
        assert Memory.objects.get(patient__external_id="42").content == "Sleeps badly."
        assert Memory.objects.get(patient__external_id="urn:user:7").content == "Likes jazz."


def test_malformed_rows_are_told_with_their_place_and_the_rest_goes_on(mrs_hale: Patient, tmp_path: Path) -> None:
    rows = [
        json.dumps(row("Likes tea.")),
        '{"id": "b", "memory": "Broken \\q", "user_id": "patient_123"}',
        json.dumps(row("", id="c")),
        json.dumps(row("Sleeps badly.", created_at="the other day", updated_at=None)),
        json.dumps(row("Half \ud800 a letter.")),
        json.dumps(row("Has \x00 in it.")),
        '"no object"',
        json.dumps(row("Walks with a stick.", id=7)),
    ]
    source = tmp_path / "rows.json"
    source.write_text("[\n" + ",\n".join(rows) + "\n]")
    report = run(source)
    assert [(each["place"], each["reason"]) for each in report["broken"]] == [
        ("rows.json, row 2, line 3", "it is no JSON"),
        ("rows.json, row 3, line 4", "its words are empty"),
        ("rows.json, row 4, line 5", "a time in it cannot be read"),
        ("rows.json, row 5, line 6", "it holds what is no UTF-8"),
        ("rows.json, row 6, line 7", "it holds a NUL character"),
        ("rows.json, row 7, line 8", "it is no object with an id and words"),
    ]
    assert (report["rows"]["read"], report["rows"]["imported"], report["rows"]["skipped"]) == (8, 2, 6)
    with directing():
        assert ImportedRow.objects.filter(source_id="7").exists()
    with pytest.raises(CommandError, match=r"rows.json, row 2, line 3: it is no JSON"):
        run(source, "--strict")


def test_a_file_cut_off_gives_what_it_has(mrs_hale: Patient, tmp_path: Path) -> None:
    source = tmp_path / "rows.json"
    source.write_text(json.dumps({"results": [row("Likes tea."), row("Likes jazz.")]})[:-40])
    report = run(source)
    assert (report["rows"]["imported"], report["broken"][0]["reason"]) == (
        1,
        "from here on it is no JSON: is it cut off?",
    )


def test_what_is_no_export_is_named_and_a_kind_can_be_said(mrs_hale: Patient, tmp_path: Path) -> None:
    users = write_json(tmp_path / "users.json", {"results": [{"id": "1", "name": "patient_123", "type": "user"}]})
    with pytest.raises(CommandError, match=r"taken for json and holds no memories: an object with id, name, type"):
        run(users)
    odd = tmp_path / "rows.backup"
    write_csv(odd, [{"id": "1", "data": "Likes tea.", "user_id": "patient_123"}])
    assert run(odd)["kinds"] == {"rows.backup": "csv"}
    with pytest.raises(CommandError, match="holds nothing that can be read as sql"):
        run(odd, "--kind", "sql")
    with pytest.raises(CommandError, match=r"no file or folder nowhere\.json"):
        run("nowhere.json")


def test_changed_words_under_a_known_id_are_a_question(mrs_hale: Patient, tmp_path: Path) -> None:
    run(write_json(tmp_path / "a.json", [row("Gets up at seven.", id="x")]))
    report = run(write_json(tmp_path / "b.json", [row("Gets up at nine.", id="x")]))
    assert report["rows"]["conflicting"] == 1
    with directing():
        task = ReviewTask.objects.get(kind=TaskKind.CONFLICT)
        assert (task.memory.content, task.related.content) == ("Gets up at nine.", "Gets up at seven.")
        assert task.memory.is_live
        assert task.related.is_live


def test_contradictions_become_questions_whatever_their_order(mrs_hale: Patient, tmp_path: Path) -> None:
    rows = [
        row("Patient is not allergic to iodine."),
        row("Allergic to iodine.", metadata={"category": "allergy"}),
        row("Takes metformin 500 mg twice a day."),
        row("Takes metformin 1000 mg twice a day."),
        row("Prefers showers in the morning."),
        row("Prefers showers in the evening."),
    ]
    report = run(write_json(tmp_path / "rows.json", rows))
    with directing():
        asked = set(ReviewTask.objects.exclude(kind=TaskKind.VERIFY).values_list("kind", flat=True))
        assert asked == {TaskKind.CONFLICT, TaskKind.DOSE_CHANGE}
        assert Memory.objects.filter(superseded_by__isnull=False).count() == 0
        assert Memory.objects.filter(content="Patient is not allergic to iodine.").exists()
    assert report["rows"]["conflicting"] >= 5


def test_what_its_source_calls_an_allergy_is_one_in_any_language(mrs_hale: Patient, tmp_path: Path) -> None:
    rows = [
        row("Alergia a los sulfamidas: erupción grave en 1998", metadata={"category": "allergy"}),
        row("Codeine -> severe nausea (intolerance, 2020)", metadata={"category": "Allergies"}),
        row("Erdnussallergie seit der Kindheit"),
        row("Fentanilo parche cada 72 horas", metadata={"category": "meds"}),
    ]
    run(write_json(tmp_path / "rows.json", rows))
    with directing():
        found = {memory.content: memory for memory in Memory.objects.with_details()}
        assert [found[each["memory"]].category for each in rows] == ["allergy", "allergy", "allergy", "medication"]
        codeine = found[rows[1]["memory"]].allergy
        assert (codeine.substance, codeine.ingredient) == ("Codeine", "codeine")
        assert ReviewTask.objects.open().filter(kind=TaskKind.VERIFY).count() == 4
        assert not Memory.objects.filter(category="medication", medication__ingredient="codeine").exists()


def test_an_allergy_never_ends_on_a_day_written_down_elsewhere(mrs_hale: Patient, tmp_path: Path) -> None:
    rows = [
        row("Allergic to latex.", expiration_date="2026-01-01"),
        row("Takes amoxicillin.", expiration_date="2026-01-01"),
    ]
    run(write_json(tmp_path / "rows.json", rows))
    with directing():
        allergy, drug = Memory.objects.get(category="allergy"), Memory.objects.get(category="medication")
        assert allergy.is_live
        assert allergy.metadata["mem0"]["expiration_date"] == "2026-01-01"
        assert drug.is_expired


def test_a_patient_who_opted_out_is_not_remembered(mrs_hale: Patient, tmp_path: Path) -> None:
    with directing():
        mrs_hale.opted_out_at = datetime(2026, 1, 1, tzinfo=UTC)
        mrs_hale.save()
    report = run(write_json(tmp_path / "rows.json", [row("Likes tea."), row("Allergic to latex.")]))
    assert report["rows"]["reasons"]["withheld"] == {"the patient opted out": 2}
    with directing():
        assert not Memory.objects.exists()


def test_what_was_refuted_is_asked_again_and_not_resurrected(mrs_hale: Patient, nora: Any, tmp_path: Path) -> None:
    hear(mrs_hale, nora, "Patient is allergic to latex.")
    with acting_as(actor_for(nora)):
        actions.refute(memory=Memory.objects.get(), by=nora, reason="Patch test negative.")
    report = run(write_json(tmp_path / "rows.json", [row("Allergic to latex.")]))
    assert report["rows"]["conflicting"] == 1
    with directing():
        memory = Memory.objects.get()
        assert memory.verification_status == "refuted"
        assert memory.mentions.count() == 2
        assert ReviewTask.objects.open().get().kind == TaskKind.SAID_AGAIN
        assert ImportedRow.objects.get().outcome == RowOutcome.CONFLICTING


def test_relations_are_dropped_and_counted(mrs_hale: Patient, tmp_path: Path) -> None:
    graph = [{"source": "edith", "relationship": "likes", "target": "tea"}]
    report = run(write_json(tmp_path / "rows.json", {"results": [row("Likes tea.")], "relations": graph}))
    assert (report["rows"]["imported"], report["relations_dropped"]) == (1, 1)
