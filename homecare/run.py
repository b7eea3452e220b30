"""`python -m homecare.run`: database, web server, worker and MCP server, in one terminal, until Ctrl-C.

Whatever dies is started again: servers and worker as our children, Postgres through its supervisor. If we
die ourselves, the children end with us, Postgres stays, and the next run finds everything as it was.
"""

import http.client
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .children import Child, start_child
from .environment import integer
from .postgres import Cluster, PostgresUnavailable

HOST = "127.0.0.1"
LAST_PORT = 65535
MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
WEB_PROCESSES = "2"
WEB_THREADS = "8"  # of a process, as many as its pool has connections
MCP_AFTER = 10  # agents are served so many ports after the site
PORT_SECONDS = 6.0  # for the server of a killed run to let go of the port
STOP_SECONDS = 15.0


class CannotRun(Exception):
    """The message is one sentence that says what to do."""


def run(port: int) -> None:
    """Serve on 127.0.0.1 until SIGINT, SIGTERM or SIGHUP.

    Raises CannotRun, and what reading the settings does: ImproperlyConfigured, PostgresUnavailable.
    """
    stopping = threading.Event()
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda *_: stopping.set())
    _wait_for_port(port, stopping)  # first of all: a second run must not touch the database of the first
    embedded = settings.EMBEDDED  # the first read of the settings: it tells of a wrong one, and starts Postgres
    try:
        _prepare(stopping)
        _keep_serving(port, stopping)
    finally:
        if embedded:
            Cluster().stop()


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homecare.settings")
    # Each thread's own heap would cost a web worker of eight threads some 40 MB.
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    try:
        run(integer("PORT", 8000, at_least=1, at_most=LAST_PORT))
    except (CannotRun, ImproperlyConfigured, PostgresUnavailable) as problem:
        _say(str(problem))
        return 1
    return 0


def _wait_for_port(port: int, stopping: threading.Event) -> None:
    deadline = time.monotonic() + PORT_SECONDS
    while not stopping.is_set() and not _is_free(port):
        if time.monotonic() > deadline:
            raise CannotRun(f"Port {port} is taken: end what uses it, or run `PORT={port + 1} make run`.")
        stopping.wait(0.2)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise CannotRun(f"Port {port} is reserved: choose one from 1024 up.") from None
        except OSError:
            return False
    return True


def _prepare(stopping: threading.Event) -> None:
    """In a process of its own, whose memory is free again afterwards."""
    process = start_child([sys.executable, "-m", "homecare.prepare", "due"])
    while process.poll() is None:
        if stopping.wait(0.05):
            process.terminate()
            process.wait()
            return
    if process.returncode != 0:
        raise CannotRun("The database could not be prepared; the lines above say why.")


def _keep_serving(port: int, stopping: threading.Event) -> None:
    children = [
        Child("web server", _web_command(port)),
        Child("worker", [sys.executable, MANAGE, "run_worker"]),
    ]
    mcp_port = port + MCP_AFTER
    if serves_mcp := mcp_port <= LAST_PORT and _is_free(mcp_port):
        children.append(Child("MCP server", [sys.executable, MANAGE, "mcp", "--http", str(mcp_port)]))
    announced = False
    try:
        while not stopping.is_set():
            _keep_postgres()
            for child in children:
                if event := child.keep_running():
                    _say(event)
            if not announced and _is_healthy(port):
                announced = True
                agents = f"and for agents at http://{HOST}:{mcp_port}/mcp" if serves_mcp else "without MCP"
                _say(f"\nHomecare Memory is at http://{HOST}:{port}/ {agents} (Ctrl-C stops everything)")
            stopping.wait(1.0 if announced else 0.1)
    finally:
        for child in children:
            child.ask_to_end()
        for child in children:
            child.stop(STOP_SECONDS)


def _keep_postgres() -> None:
    if settings.EMBEDDED:
        try:
            Cluster().start()
        except PostgresUnavailable as problem:
            _say(str(problem))


def _web_command(port: int) -> Sequence[str | Path]:
    return [
        sys.executable, "-m", "granian", "homecare.web:make_application", "--factory",
        "--interface", "wsgi", "--http", "1", "--no-ws", "--host", HOST, "--port", str(port),
        "--workers", WEB_PROCESSES, "--blocking-threads", WEB_THREADS, "--respawn-failed-workers",
        "--workers-kill-timeout", "5", "--log-level", "error",
    ]  # fmt: skip


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status < http.client.BAD_REQUEST
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
