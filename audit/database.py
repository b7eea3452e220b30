"""Migration operations for what the database itself must guarantee: roles, append-only tables, row-level security."""

from typing import Any

from django.conf import settings
from django.db.migrations.operations import RunPython, RunSQL
from django.db.migrations.operations.base import Operation

#: Whether the current actor may see a row of this patient. One evaluation a statement, not one a row.
PATIENT_IS_VISIBLE = "((SELECT homecare_sees_all()) OR {column} IN (SELECT homecare_visible_patients()))"


def grant_to_application() -> Operation:
    """Let the application role work with every table that the owner makes from here on, and own none."""

    def grant(apps: Any, schema_editor: Any) -> None:
        role = schema_editor.quote_name(settings.APPLICATION_ROLE)
        for objects, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE, SELECT")):
            schema_editor.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {rights} ON {objects} TO {role}")
            schema_editor.execute(f"GRANT {rights} ON ALL {objects} IN SCHEMA public TO {role}")
        schema_editor.execute(f"GRANT USAGE ON SCHEMA public TO {role}")

    return RunPython(grant, RunPython.noop)


def append_only(table: str) -> RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE, whoever asks; the application role has no right to them either."""
    return RunSQL(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION homecare_refuse_change();"
        f"CREATE TRIGGER {table}_append_only_truncate BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION homecare_refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table}; DROP TRIGGER {table}_append_only_truncate ON {table};",
    )


def revoke_change(table: str, rights: str = "UPDATE, DELETE, TRUNCATE") -> Operation:
    """Take these rights on the table from the application role; without more said, leave it SELECT and INSERT."""

    def revoke(apps: Any, schema_editor: Any) -> None:
        role = schema_editor.quote_name(settings.APPLICATION_ROLE)
        schema_editor.execute(f"REVOKE {rights} ON {schema_editor.quote_name(table)} FROM {role}")

    return RunPython(revoke, RunPython.noop)


def protect_rows(table: str, *, using: str, check: str | None = None) -> RunSQL:
    """Row-level security, for the owner too: rows are there for whom `using` holds, and written where `check` does."""
    return RunSQL(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
        f"CREATE POLICY {table}_visible ON {table} USING ({using}) WITH CHECK ({check or using});",
        f"DROP POLICY {table}_visible ON {table}; ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;"
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;",
    )


def protect_patient_rows(table: str, *, column: str = "patient_id") -> RunSQL:
    """Row-level security by the patient that a row belongs to."""
    return protect_rows(table, using=PATIENT_IS_VISIBLE.format(column=column))


def let_owner_decide(table: str) -> RunSQL:
    """Let functions that run as the owner read the table, from which FORCE would otherwise keep them."""
    return RunSQL(
        f"CREATE POLICY {table}_owner ON {table} FOR SELECT TO CURRENT_USER USING (true);",
        f"DROP POLICY {table}_owner ON {table};",
    )


def limit_writes(table: str, command: str, *, check: str) -> RunSQL:
    """Beside what `protect_rows` says: an INSERT or UPDATE writes only rows for which `check` holds."""
    name = f"{table}_{command.lower()}"
    return RunSQL(
        f"CREATE POLICY {name} ON {table} AS RESTRICTIVE FOR {command}"
        f" {'USING (true) ' if command == 'UPDATE' else ''}WITH CHECK ({check});",
        f"DROP POLICY {name} ON {table};",
    )


def on_record(table: str, *, model: str, key: str = "id", ignoring: str = "") -> RunSQL:
    """At commit, refuse a change of a row that django-auditlog has no entry of, field by field, in this transaction.

    So a write that no signal sees (raw SQL, `update()`, `bulk_create()`, ...) does not happen. `model` is
    "app.model", `ignoring` names columns, with commas between them, that nobody calls a change.
    """
    return _at_commit(table, "audit_require_entry", *model.split("."), key, f"{{{ignoring}}}")


def links_on_record(table: str, *, model: str, key: str, field: str) -> RunSQL:
    """The same for the rows of a many-to-many field: `key` is the column that names the object of `model`."""
    return _at_commit(table, "audit_require_entry_of_link", *model.split("."), key, field)


def access_on_record(table: str) -> RunSQL:
    """At commit, refuse what was added about a patient whom no access on record in this transaction names."""
    return _at_commit(table, "audit_require_access")


def _at_commit(table: str, function: str, *arguments: str) -> RunSQL:
    quoted = ", ".join(f"'{argument}'" for argument in arguments)
    return RunSQL(
        f"CREATE CONSTRAINT TRIGGER {table}_on_record AFTER INSERT OR UPDATE OR DELETE ON {table}"
        f" DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function}({quoted});",
        f"DROP TRIGGER {table}_on_record ON {table};",
    )
