"""One Postgres server and its data."""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg import pq

from .account import Account, server_account
from .configuration import APPLICATION, DATABASE, OWNER, PORT, SETTINGS, as_options
from .data import make_data
from .processes import send, servers_in, wait_for_end, working_folder
from .programs import STATE_FOLDER, find_programs, make_state_folder
from .unavailable import PostgresUnavailable

PROJECT_FOLDER = Path(__file__).resolve().parents[2] / "var" / "postgres"
# A socket's path has at most 107 bytes, a checkout's has no limit.
SOCKET_ROOT = Path("/tmp")  # noqa: S108 - in it a folder of mode 0700 whose owner is checked

START_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before each attempt
RECOVERY_SECONDS = 300.0
SILENCE_SECONDS = 10.0
STOP_SECONDS = 30.0
LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the two roles connect: `postgresql://role:password@/homecare?host=/folder/of/socket&port=5432`.

    Of the forms that libpq knows for a socket, this is one that django-environ reads too.
    """

    owner: str
    application: str


class Cluster:
    """A server in one folder, which gets `data` (or a link to it), `passwords`, `log` and `lock`."""

    def __init__(self, folder: Path = PROJECT_FOLDER) -> None:
        self.folder = folder.resolve()
        name = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        self.socket_folder = SOCKET_ROOT / f"homecare-{name}"
        self.state_folder = STATE_FOLDER / name
        self.log = self.folder / "log"

    def start(self) -> Urls:
        """Make sure that the server answers, and say where; a few milliseconds when it already does.

        Raises PostgresUnavailable.
        """
        if not self.is_answering:
            with self._lock():
                self._start_alone()
        return self.urls

    def stop(self) -> None:
        """Stop the server cleanly, if it runs: connections are closed, everything is written."""
        if self.folder.exists():
            with self._lock():
                self._stop_alone()

    def destroy(self) -> None:
        """Stop the server and delete everything it ever held."""
        if not self.folder.exists():
            return
        with self._lock() as lock_file:
            self._stop_alone()
            for leftover in (self.state_folder, self.socket_folder, *self.folder.iterdir()):
                if leftover != lock_file:  # deleting it would let two waiting starters in at once
                    _delete(leftover)

    @property
    def urls(self) -> Urls:
        """Raises PostgresUnavailable before the first start."""
        try:
            passwords = json.loads((self.folder / "passwords").read_text())
        except FileNotFoundError:
            raise PostgresUnavailable(
                f"{self.folder} has no passwords: run `python -m homecare.postgres start`, or restore them."
            ) from None
        except PermissionError:
            raise self._belongs_to_another() from None
        where = f"/{DATABASE}?host={self.socket_folder}&port={PORT}"
        owner, application = (f"postgresql://{role}:{passwords[role]}@{where}" for role in (OWNER, APPLICATION))
        return Urls(owner, application)

    @property
    def is_answering(self) -> bool:
        return self._ping() == pq.Ping.OK

    @property
    def data(self) -> Path:
        """The data folder, links followed, made or not."""
        return (self.folder / "data").resolve()

    def _ping(self) -> pq.Ping:
        where = f"host={self.socket_folder} port={PORT} user={OWNER} dbname={DATABASE} connect_timeout=2"
        return pq.Ping(pq.PGconn.ping(where.encode()))

    def _belongs_to_another(self) -> PostgresUnavailable:
        return PostgresUnavailable(f"{self.folder} belongs to another user: run as that user, or set DATABASE_URL.")

    @contextmanager
    def _lock(self) -> Iterator[Path]:
        path = self.folder / "lock"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            file = path.open("a")
        except PermissionError:
            raise self._belongs_to_another() from None
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield path

    def _start_alone(self) -> None:
        if not sys.platform.startswith("linux"):
            raise PostgresUnavailable(
                "The embedded Postgres runs on Linux: set DATABASE_URL to any Postgres 15+ with pgvector."
            )
        account = server_account(self.data)
        programs = find_programs(account)
        with self._open_log() as log:
            if not self.data.exists():
                self._make_data(programs, account, log)
            self._make_socket_folder(account)
            for pause in START_PAUSES:
                time.sleep(pause)
                if self._wait_until_answering(self._postmaster() or self._launch(programs, account, log)):
                    return
        raise PostgresUnavailable(f"Postgres did not start; the end of {self.log} says why: {self._last_words()}")

    def _make_data(self, programs: Path, account: Account, log: IO[str]) -> None:
        if (self.folder / "data").is_symlink():
            raise PostgresUnavailable(
                f"The data of {self.folder} are gone from {self.data}: restore them, or give them up with "
                "`python -m homecare.postgres destroy`."
            )
        place = self.folder if account.reaches(self.folder) else self.state_folder
        if place == self.state_folder:
            make_state_folder(place)
        if not (place / "data").exists():
            passwords = self.folder / "passwords"
            make_data(place=place, passwords=passwords, programs=programs, account=account, log=log)
        if place == self.state_folder:
            (self.folder / "data").symlink_to(place / "data")

    def _make_socket_folder(self, account: Account) -> None:
        """Raises PostgresUnavailable when somebody else sits in its place, to be taken for the server."""
        with suppress(FileExistsError):
            self.socket_folder.mkdir(mode=0o700)
            account.take(self.socket_folder)
        found = self.socket_folder.lstat()
        if found.st_uid != self.data.stat().st_uid or found.st_mode & 0o777 != 0o700:
            raise PostgresUnavailable(f"{self.socket_folder} is not ours: delete it and start again.")

    def _postmaster(self) -> int | None:
        """The id of the server's first process, if it really lives and works in our data."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return pid if working_folder(pid) == str(self.data) else None

    def _launch(self, programs: Path, account: Account, log: IO[str]) -> int:
        """Start the server as nobody's child, to outlive whoever started it; returns its id."""
        self._clear_the_way()
        options = as_options(SETTINGS | {"unix_socket_directories": str(self.socket_folder)})
        server: list[str | Path] = [programs / "postgres", "-D", self.data, *options]
        shell = account.run(["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *server], log=log)
        return int(shell.stdout)

    def _clear_the_way(self) -> None:
        """End what a killed server left: processes that have not noticed, and two files with its id.

        The id may be another program's by now, for which Postgres would wait for ever. Deleting the files is
        safe because nobody works in the folder any more.
        """
        orphans = servers_in(self.data)
        send(signal.SIGQUIT, orphans)
        if wait_for_end(orphans, seconds=STOP_SECONDS):
            for stale in (self.data / "postmaster.pid", *self.socket_folder.iterdir()):
                stale.unlink(missing_ok=True)

    def _wait_until_answering(self, pid: int) -> bool:
        """False when the process ended, or lives but cannot be reached (somebody deleted its socket)."""
        started = heard = time.monotonic()
        while (now := time.monotonic()) - started < RECOVERY_SECONDS:
            answer = self._ping()
            if answer == pq.Ping.OK:
                return True
            if working_folder(pid) is None:
                return False
            if answer == pq.Ping.REJECT:  # it recovers
                heard = now
            if now - heard > SILENCE_SECONDS:
                self._stop_alone()
                return False
            time.sleep(min(0.5, 0.02 + (now - started) / 10))  # each question leaves a line in the log
        raise PostgresUnavailable(f"Postgres still recovers after {RECOVERY_SECONDS:.0f} s: try again later.")

    def _stop_alone(self) -> None:
        pid = self._postmaster()
        if pid is None:
            return
        for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # cleanly, at once, by force
            send(request, [pid])
            if wait_for_end([pid], seconds=STOP_SECONDS):
                return

    def _open_log(self) -> IO[str]:
        """Starts anew when the old one is long; the server itself writes a few lines an hour."""
        emptied = os.O_TRUNC if self.log.exists() and self.log.stat().st_size > LOG_BYTES else os.O_APPEND
        return os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | emptied, 0o600), "a")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(nothing)"


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
