"""The user of the operating system that the server runs as."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .unavailable import PostgresUnavailable

ROOT = 0


@dataclass(frozen=True, slots=True)
class Account:
    """`uid` and `gid` are None for the user we are ourselves."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: Sequence[str | Path], *, log: IO[str], stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program of Postgres in a session of its own, its errors going to the log."""
        # Nothing of the caller's environment: his PGDATA, PGPORT or LC_ALL mean another server.
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        return subprocess.run(  # noqa: S603 - the programs of Postgres, and our words
            command, input=stdin, stdout=subprocess.PIPE, stderr=log, text=True, check=False,
            cwd="/", env=environment, start_new_session=True, **self._identity,
        )  # fmt: skip

    def reaches(self, path: Path) -> bool:
        """Whether this user may enter the folder, or run the program."""
        test = ["/usr/bin/test", "-x", str(path)]
        return subprocess.run(test, cwd="/", check=False, **self._identity).returncode == 0  # noqa: S603 - see test

    def take(self, path: Path) -> None:
        """Make this user the owner of a file or folder of ours."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    @property
    def _identity(self) -> dict[str, Any]:
        return {} if self.uid is None else {"user": self.uid, "group": self.gid, "extra_groups": []}


def server_account(data: Path) -> Account:
    """Ourselves; for root the owner of the data, or before there are any `postgres` or `nobody`.

    Raises PostgresUnavailable.
    """
    if os.geteuid() != ROOT:
        return Account()
    if data.exists() and (owner := data.stat()).st_uid != ROOT:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            return Account(user.pw_uid, user.pw_gid)
    raise PostgresUnavailable(
        "Postgres does not run as root, and there is no user `postgres` or `nobody`: run as a normal user."
    )
