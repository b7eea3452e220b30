"""A database to try things in: cloned from a prepared template in a moment, and thrown away."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connections
from psycopg import sql

import audit.database
import patients.roles

OWNER = "owner"
TEMPLATE, SCRATCH = "homecare_template_", "homecare_scratch_"
#: Held while databases are made and dropped, so that two evaluations do not drop each other's.
MAKING = 7_305_117


@contextmanager
def scratch_database() -> Iterator[str]:
    """Point every connection at an empty, migrated database; drop it in the end. Gives its name.

    What a killed evaluation left behind is dropped by the next one.
    """
    name = SCRATCH + secrets.token_hex(6)
    parameters = connections[OWNER].get_connection_params()
    with psycopg.connect(**_plain(parameters), autocommit=True) as maintenance:
        with _making(maintenance):
            _drop_leftovers(maintenance)
            _clone(maintenance, _prepared_template(maintenance), name)
            # Open as long as the database is in use: a scratch database without a session is a leftover.
            keeper = psycopg.connect(**_plain(parameters) | {"dbname": name}, autocommit=True)
        try:
            with _pointed_at(name):
                yield name
        finally:
            keeper.close()
            _drop(maintenance, name)


@contextmanager
def _making(maintenance: psycopg.Connection) -> Iterator[None]:
    maintenance.execute("SELECT pg_advisory_lock(%s)", [MAKING])
    try:
        yield
    finally:
        maintenance.execute("SELECT pg_advisory_unlock(%s)", [MAKING])


@contextmanager
def _pointed_at(name: str) -> Iterator[None]:
    """Every connection of this process, owner's and application's, goes to the database `name` meanwhile.

    Without a pool, whose threads would still be connecting when the database is to be dropped.
    """
    before = {alias: dict(connections[alias].settings_dict) for alias in connections}
    try:
        for alias, config in before.items():
            options = {key: value for key, value in config["OPTIONS"].items() if key != "pool"}
            _configure(alias, config | {"NAME": name, "OPTIONS": options})
        yield
    finally:
        for alias, config in before.items():
            _configure(alias, config)


def _configure(alias: str, config: dict[str, Any]) -> None:
    connections[alias].close()
    connections[alias].close_pool()  # type: ignore[attr-defined] # because it is Postgres's own
    connections[alias].settings_dict.update(config)


def _prepared_template(maintenance: psycopg.Connection) -> str:
    """The migrated, empty database of exactly these migrations; made the first time."""
    name = TEMPLATE + _fingerprint()
    if name in _databases(maintenance, TEMPLATE):
        return name
    for outdated in _databases(maintenance, TEMPLATE):
        _drop(maintenance, outdated)
    unfinished = SCRATCH + "template"
    _drop(maintenance, unfinished)
    maintenance.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(unfinished)))
    with _pointed_at(unfinished):
        call_command("migrate", database=OWNER, verbosity=0)
    maintenance.execute(
        sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(unfinished), sql.Identifier(name))
    )
    return name


def _fingerprint() -> str:
    """A hash of all migrations, and of what they are written with."""
    migrations = [Path(config.path) / "migrations" for config in apps.get_app_configs()]
    files = [file for folder in migrations if folder.is_dir() for file in sorted(folder.glob("*.py"))]
    files += [Path(module.__file__) for module in (audit.database, patients.roles) if module.__file__]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _databases(maintenance: psycopg.Connection, prefix: str, *, only_idle: bool = False) -> list[str]:
    idle = "AND NOT EXISTS (SELECT FROM pg_stat_activity s WHERE s.datname = d.datname)" if only_idle else ""
    found = maintenance.execute(
        f"SELECT datname FROM pg_database d WHERE starts_with(datname, %s) {idle}",  # noqa: S608 because the text is ours
        [prefix],
    )
    return [name for (name,) in found]


def _drop_leftovers(maintenance: psycopg.Connection) -> None:
    for name in _databases(maintenance, SCRATCH, only_idle=True):
        _drop(maintenance, name)


def _clone(maintenance: psycopg.Connection, template: str, name: str) -> None:
    maintenance.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    )


def _drop(maintenance: psycopg.Connection, name: str) -> None:
    """Drop a database, or leave it to the next evaluation if somebody still looks at it.

    Without FORCE: that would have to end an autovacuum worker, which only a superuser may; a plain DROP waits for it.
    """
    with suppress(psycopg.errors.ObjectInUse):
        maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    """Connection parameters for psycopg alone, without Django's own factories."""
    return {
        key: value
        for key, value in parameters.items()
        if key not in ("cursor_factory", "context", "server_side_binding")
    }
