"""What must hold for the database before anybody's words are trusted to it. Each with what to set."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.migrations.loader import MigrationLoader

from audit.actors import acting_as, system_actor

CHECKS = system_actor("checks")
OLDEST_POSTGRES = 15
OLDEST_VECTOR = (0, 7)  # halfvec


def register_checks() -> None:
    """Called when the app is ready."""
    register(check_database, Tags.database)


def check_database(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Whether Postgres, its extension and the application role are such that the guarantees hold."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        with acting_as(CHECKS):
            return [problem for check in DATABASE_CHECKS for problem in check()]
    except DatabaseError as error:
        return [
            Error(
                f"The database cannot be asked ({type(error).__name__}).",
                hint="Start it, or set DATABASE_URL to postgresql://role:password@host/name.",
                id="homecare.E010",
            )
        ]


def _version() -> list[CheckMessage]:
    version = connections[DEFAULT_DB_ALIAS].pg_version // 10000  # type: ignore[attr-defined] # because stubs know no Postgres
    if version >= OLDEST_POSTGRES:
        return []
    return [
        Error(
            f"This is Postgres {version}.",
            hint=f"Set DATABASE_URL to Postgres {OLDEST_POSTGRES} or later.",
            id="homecare.E011",
        )
    ]


def _extension() -> list[CheckMessage]:
    """`vector` is there, and knows halfvec."""
    rows = _ask("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    if not rows:
        return [
            Error(
                "The database has no extension `vector`.",
                hint="Install pgvector 0.7 or later, and run CREATE EXTENSION vector in this database as a superuser.",
                id="homecare.E012",
            )
        ]
    version = rows[0][0]
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= OLDEST_VECTOR:
        return []
    return [
        Error(
            f"The extension `vector` is {version}, which has no half-precision vectors.",
            hint="Install pgvector 0.7 or later, and run ALTER EXTENSION vector UPDATE as a superuser.",
            id="homecare.E013",
        )
    ]


def _role() -> list[CheckMessage]:
    """Row-level security and append-only tables hold against a role that can neither change nor pass them."""
    role, is_super, bypasses = _ask(
        "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )[0]
    hint = "Connect DATABASE_URL as a role made by CREATE ROLE ... LOGIN, and DATABASE_OWNER_URL as the owner."
    if is_super or bypasses:
        what = "is a superuser" if is_super else "bypasses row-level security"
        return [Error(f"The application role {role} {what}.", hint=hint, id="homecare.E014")]
    owned = _ask(
        "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND pg_has_role(current_user, c.relowner, 'MEMBER')"
    )[0][0]
    if owned:
        said = f"The application role {role} owns {owned} tables, or is a member of the role that does."
        return [Error(said, hint=hint, id="homecare.E015")]
    return []


def _migrations() -> list[CheckMessage]:
    loader = MigrationLoader(connections[DEFAULT_DB_ALIAS])
    pending = [key for key in loader.graph.leaf_nodes() if key not in loader.applied_migrations]
    if not pending:
        return []
    apps = ", ".join(sorted({app for app, _ in pending}))
    return [Warning(f"Migrations are pending: {apps}.", hint="Run `manage.py migrate`.", id="homecare.W010")]


DATABASE_CHECKS: tuple[Callable[[], list[CheckMessage]], ...] = (_version, _extension, _role, _migrations)


def _ask(sql: str) -> list[Any]:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()
