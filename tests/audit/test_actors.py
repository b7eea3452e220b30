"""Nothing reaches the database without an actor, and what an actor sees ends with the transaction."""

from threading import Thread

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from audit.actors import ANONYMOUS, ActorRequired, acting_as, current_actor, system_actor
from audit.models import AccessLog, Event, Outcome
from audit.recording import record, record_refusal
from patients.models import Patient, User
from tests.conftest import actor_for, directing

PATIENT_TABLES = [
    "patients_patient",
    "patients_careassignment",
    "memories_conversation",
    "memories_turn",
    "memories_extractionrun",
    "memories_memory",
    "memories_mention",
    "memories_allergydetail",
    "memories_medicationdetail",
    "memories_memoryindex",
    "memories_reviewtask",
]


def test_database_refuses_without_an_actor(mrs_hale: Patient) -> None:
    with pytest.raises(ActorRequired):
        Patient.objects.count()


def test_inner_actor_gives_way_to_the_outer_one(nora: User, mrs_hale: Patient, mr_stone: Patient) -> None:
    with acting_as(actor_for(nora)):
        with directing():
            assert Patient.objects.count() == 2
        assert Patient.objects.get() == mrs_hale
        assert current_actor().label == "nora"


def test_outer_actor_is_back_after_a_failure_inside(nora: User, mrs_hale: Patient, mr_stone: Patient) -> None:
    with acting_as(actor_for(nora)):
        with pytest.raises(ZeroDivisionError), directing():
            _ = 1 / 0
        assert Patient.objects.get() == mrs_hale


@pytest.mark.parametrize("table", PATIENT_TABLES)
def test_raw_sql_sees_no_patient_row_without_a_care_relation(table: str, nora: User, mrs_hale: Patient) -> None:
    with acting_as(ANONYMOUS), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (0,)


def test_every_patient_bound_table_forces_row_level_security(db: None) -> None:
    with directing(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'patient_id'"
            " WHERE c.relkind = 'r' AND NOT (c.relrowsecurity AND c.relforcerowsecurity)"
        )
        assert cursor.fetchall() == []


def test_system_actor_of_one_patient_sees_that_patient_alone(mrs_hale: Patient, mr_stone: Patient) -> None:
    with acting_as(system_actor("extraction", patient_id=mr_stone.pk)):
        assert Patient.objects.get() == mr_stone


def test_actor_ends_with_its_transaction_on_a_connection_that_is_used_again(db: None) -> None:
    """In a thread of its own, whose connection commits for real: what a pool hands on names nobody."""
    said: list[object] = []

    def act_and_look() -> None:
        with directing(), connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('homecare.actor_kind')")
            said.append(cursor.fetchone())
        # Past our instrumentation, as the next user of the connection would find it.
        said.append(connection.connection.execute("SELECT current_setting('homecare.actor_kind', true)").fetchone())
        connection.close()

    thread = Thread(target=act_and_look)
    thread.start()
    thread.join()
    assert said == [("system",), ("",)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_accesslog SET actor_label = 'nobody'",
        "DELETE FROM audit_accesslog",
        "TRUNCATE audit_accesslog",
        "ALTER TABLE audit_accesslog DISABLE TRIGGER ALL",
        "SET LOCAL session_replication_role = replica",
        "DROP TABLE audit_accesslog",
        "ALTER TABLE audit_accesslog NO FORCE ROW LEVEL SECURITY",
    ],
)
def test_access_log_only_grows(statement: str, db: None) -> None:
    with directing():
        record(Event.READ)
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert AccessLog.objects.get().actor_label == "director"


def test_access_log_takes_no_row_in_another_name(nora: User, carl: User) -> None:
    with acting_as(actor_for(nora)), pytest.raises(ProgrammingError, match="row-level security"):
        AccessLog.objects.create(
            event=Event.READ, action="R", actor_kind="user", actor_id=str(carl.pk), actor_label="carl", door="api"
        )


def test_refusal_outlives_the_rollback_of_what_was_refused(nora: User, mrs_hale: Patient) -> None:
    actor = actor_for(nora)
    with acting_as(actor):
        record(Event.READ, patient_id=mrs_hale.pk)
        transaction.set_rollback(True)
    record_refusal(actor, route="somewhere")
    with directing():
        assert [(row.event, row.outcome) for row in AccessLog.objects.all()] == [(Event.ACCESS, Outcome.REFUSED)]


def test_application_role_owns_nothing(db: None) -> None:
    with directing(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False,)
