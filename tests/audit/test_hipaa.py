"""What the rules of HIPAA ask of the log, each test named after its row in docs/hipaa.md."""

from collections.abc import Callable

import pytest
from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.db import IntegrityError, connection, transaction
from django.db.utils import ProgrammingError

from audit.models import AccessLog
from memories.models import Conversation, Mention, Turn
from patients.models import AccessKey, Patient, User
from tests.conftest import ApiClient, directing
from tests.memories.remembered import remember
from tests.memories.talk import hear


def settle() -> None:
    """What a commit would check is checked now."""
    connection.check_constraints()


def refuse_at_commit(write: Callable[[], object]) -> None:
    """Assert that the database does not commit this."""

    def write_and_settle() -> None:
        with transaction.atomic():
            write()
            settle()

    with pytest.raises(ProgrammingError, match="is not on record"):
        write_and_settle()


# --- 9: writes ------------------------------------------------------------------------------------------------------


def _created(patient: Patient) -> None:
    Patient.objects.create(external_id="new-1")


def _saved(patient: Patient) -> None:
    patient.family_name = "Hale-North"
    patient.save()


def _bulk_created(patient: Patient) -> None:
    Patient.objects.bulk_create([Patient(external_id="new-1")])


def _updated(patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(family_name="Hale-North")


def _bulk_updated(patient: Patient) -> None:
    patient.family_name = "Hale-North"
    Patient.objects.bulk_update([patient], ["family_name"])


def _raw(patient: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET family_name = 'Hale-North' WHERE id = %s", [patient.pk])


def _raw_delete(patient: Patient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM patients_patient WHERE id = %s", [patient.pk])


def _deleted_one(patient: Patient) -> None:
    patient.delete()


def _deleted_many(patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).delete()


@pytest.mark.parametrize("write", [_created, _saved, _deleted_one, _deleted_many])
def test_hipaa_09_write_that_signals_see_is_logged_with_its_actor(
    write: Callable[[Patient], None], mr_stone: Patient
) -> None:
    with directing():
        before = LogEntry.objects.count()
        write(mr_stone)
        settle()
        entry = LogEntry.objects.latest("id")
        assert (LogEntry.objects.count(), entry.additional_data["actor"]) == (before + 1, "director")


@pytest.mark.parametrize("write", [_bulk_created, _updated, _bulk_updated, _raw, _raw_delete])
def test_hipaa_09_write_that_no_signal_sees_is_refused(write: Callable[[Patient], None], mr_stone: Patient) -> None:
    with directing():
        settle()
        refuse_at_commit(lambda: write(mr_stone))
        assert Patient.objects.get().family_name == "Stone"


def test_hipaa_09_entry_about_other_fields_covers_no_change(mr_stone: Patient) -> None:
    with directing():
        mr_stone.given_name = "Wally"
        mr_stone.save()
        settle()
        refuse_at_commit(lambda: _updated(mr_stone))


@pytest.mark.parametrize(
    ("table", "column"),
    [("memories_memory", "about"), ("memories_reviewtask", "explanation"), ("memories_medicationdetail", "dose")],
)
def test_hipaa_09_raw_change_of_what_is_known_is_refused(
    table: str, column: str, nora: User, mrs_hale: Patient
) -> None:
    def write() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET {column} = 'changed'")
            assert cursor.rowcount > 0

    hear(mrs_hale, nora, "She takes metoprolol 25 mg twice a day.")
    with directing():
        refuse_at_commit(write)


def test_hipaa_09_words_of_a_patient_whom_no_access_names_are_refused(mr_stone: Patient) -> None:
    with directing():
        refuse_at_commit(lambda: Conversation.objects.create(patient=mr_stone))


def test_hipaa_09_roles_and_patients_of_a_key_are_on_record(nora: User, mrs_hale: Patient) -> None:
    with directing():
        key = AccessKey.objects.create(user=nora, label="tablet", token_hash="x")
        key.patients.add(mrs_hale)
        settle()
        changes = LogEntry.objects.get_for_object(key).latest("id").changes_dict
        assert changes["patients"]["objects"] == [str(mrs_hale.pk)]
        assert "groups" in LogEntry.objects.get_for_object(nora).latest("id").changes_dict
        clerk = User.objects.create_user("clerk")
        refuse_at_commit(lambda: User.groups.through.objects.create(user=clerk, group_id=nora.groups.get().pk))


def test_hipaa_09_every_model_on_record_is_held_to_it_by_the_database(db: None) -> None:
    links = [getattr(model, name).through for model in auditlog.get_models() for name in _links(model)]
    tables = {model._meta.db_table for model in [*auditlog.get_models(), *links, Conversation, Turn, Mention]}
    with directing(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%\\_on\\_record'")
        assert {table for (table,) in cursor.fetchall()} >= tables


def _links(model: type) -> list[str]:
    return [field.name for field in model._meta.local_many_to_many if field.name != "user_permissions"]


# --- 14: no record, no change ---------------------------------------------------------------------------------------


def test_hipaa_14_change_without_its_entry_does_not_happen(
    nora_api: ApiClient, mrs_hale: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise IntegrityError("the log takes nothing")

    monkeypatch.setattr(AccessLog, "save", fail)
    nora_api.raise_request_exception = False
    status, _ = nora_api.call("PATCH", f"patients/{mrs_hale.external_id}", {"family_name": "Hale-North"})
    assert status == 500
    with directing():
        assert Patient.objects.get().family_name == "Hale"


def test_hipaa_14_read_without_its_entry_is_not_answered(
    nora_api: ApiClient, mrs_hale: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise IntegrityError("the log takes nothing")

    monkeypatch.setattr(AccessLog, "save", fail)
    nora_api.raise_request_exception = False
    response = nora_api.get(f"/api/v1/patients/{mrs_hale.external_id}")
    assert response.status_code == 500
    assert b"Hale" not in response.content


# --- 15: append-only ------------------------------------------------------------------------------------------------

APPEND_ONLY = ["audit_accesslog", "auditlog_logentry", "memories_turn", "memories_mention"]
BYPASSES = [
    "UPDATE {table} SET id = id",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "SET LOCAL session_replication_role = replica",
    "DROP TRIGGER {table}_append_only ON {table}",
]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("bypass", BYPASSES)
def test_hipaa_15_log_and_words_only_grow(bypass: str, table: str, mrs_hale: Patient) -> None:
    with directing():
        remember(mrs_hale, "Likes tea.")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] > 0
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(bypass.format(table=table))
