"""The data folder of a new server, with its roles, extensions and database."""

import json
import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import IO

from .account import Account
from .configuration import ACCESS_RULES, APPLICATION, DATABASE, EXTENSIONS, OWNER, SETTINGS, as_options
from .unavailable import PostgresUnavailable


def make_data(*, place: Path, passwords: Path, programs: Path, account: Account, log: IO[str]) -> None:
    """Make `place/data`, complete or not at all, and the file of its roles' passwords (JSON, mode 0600).

    `place` is a folder the account can enter. Raises PostgresUnavailable.
    """
    for leftover in place.glob("making-*"):  # of a starter that was killed; its initdb may still write there
        shutil.rmtree(leftover, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=place))
    account.take(making)
    locale: list[str] = [
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    initdb: list[str | Path] = [programs / "initdb", "-D", making, "-U", "postgres", "--auth=reject", *locale]
    _check(account.run(initdb, log=log).returncode)
    (making / "pg_hba.conf").write_text(ACCESS_RULES)
    options = as_options(SETTINGS | {"exit_on_error": "on"})
    single_user: list[str | Path] = [programs / "postgres", "--single", "-D", making, *options, "template1"]
    _check(account.run(single_user, log=log, stdin=_first_statements(_new_passwords(passwords))).returncode)
    making.rename(place / "data")


def _check(returncode: int) -> None:
    if returncode != 0:
        raise PostgresUnavailable("Postgres could not be set up; its log says why.")


def _new_passwords(file: Path) -> dict[str, str]:
    passwords = {role: secrets.token_urlsafe(32) for role in (OWNER, APPLICATION)}
    with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as draft:  # made with mode 0600
        json.dump(passwords, draft)
    os.replace(draft.name, file)
    return passwords


def _first_statements(passwords: dict[str, str]) -> str:
    """SQL, one statement a line. Extensions go into `template1`, so that test databases have them too."""
    statements = [
        f"CREATE ROLE {OWNER} LOGIN CREATEDB PASSWORD '{passwords[OWNER]}'",
        f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{passwords[APPLICATION]}'",
        *(f"CREATE EXTENSION {extension}" for extension in EXTENSIONS),
        f"CREATE DATABASE {DATABASE} OWNER {OWNER}",
        f"REVOKE ALL ON DATABASE {DATABASE}, postgres, template1 FROM PUBLIC",
        f"GRANT CONNECT ON DATABASE {DATABASE} TO {APPLICATION}",
        f"GRANT CONNECT ON DATABASE postgres TO {OWNER}",  # where one stands to create another database
    ]
    return "".join(f"{statement};\n" for statement in statements)
