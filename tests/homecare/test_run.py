"""What `make run` starts, keeps running and ends: real processes, in a copy of the project."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from homecare.children import Child
from homecare.postgres import Cluster
from homecare.postgres.processes import servers_in
from tests.running import Run, copied_checkout, processes_in, wait_until

embedded = pytest.mark.skipif("DATABASE_URL" in os.environ, reason="another Postgres is set")


# --- one child ---


@pytest.fixture
def sleeper() -> Iterator[Child]:
    child = Child("sleeper", ["sleep", "60"])
    yield child
    child.stop(seconds=5)


def test_child_is_started_again_when_it_was_killed(sleeper: Child) -> None:
    sleeper.keep_running()
    assert sleeper.process is not None
    first = sleeper.process
    first.kill()
    first.wait()
    assert sleeper.keep_running() == "The sleeper ended (-9); it is started again in 0 s."
    sleeper.keep_running()
    assert sleeper.process.pid != first.pid
    assert sleeper.process.poll() is None


def test_child_that_dies_again_and_again_waits_longer() -> None:
    child = Child("mistake", ["false"])
    events: list[str] = []

    def died_three_times() -> bool:
        if event := child.keep_running():
            events.append(event.rsplit("in ", 1)[1])
        return len(events) == 3

    wait_until(died_three_times, seconds=10)
    assert events == ["0 s.", "1 s.", "2 s."]


def test_child_that_died_leaves_no_child_of_its_own() -> None:
    """They could hold the port that its successor needs."""
    child = Child("server", ["sh", "-c", "sleep 61 & echo; wait"])
    child.keep_running()
    assert child.process is not None
    group = child.process.pid
    wait_until(lambda: len(members(group)) == 2, seconds=5)
    child.process.kill()
    child.process.wait()
    child.keep_running()
    wait_until(lambda: members(group) == [], seconds=5)


def members(group: int) -> list[int]:
    """Living processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group = stat.read_text().rsplit(")", 1)[1].split()[:3]
            if int(its_group) == group and state != "Z":
                found.append(int(stat.parent.name))
    return found


# --- the whole ---


@pytest.fixture
def checkout() -> Iterator[Path]:
    with copied_checkout() as path:
        yield path


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


def has_successor(checkout: Path, words: str, killed: int) -> bool:
    living = processes_in(checkout, words)
    return living != [] and killed not in living


def is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@embedded
def test_run_comes_back_whatever_is_killed(checkout: Path, port: int) -> None:
    run = Run(checkout, port)
    data = Cluster(checkout / "var" / "postgres").data

    for words in ("granian", "run_worker", "mcp --http"):
        killed = processes_in(checkout, words)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(partial(has_successor, checkout, words, killed), seconds=15)
        wait_until(lambda: is_healthy(port), seconds=30)

    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    wait_until(lambda: is_healthy(port), seconds=30)

    run.end(signal.SIGKILL)
    wait_until(lambda: processes_in(checkout) == [], seconds=10)
    assert servers_in(data) != []

    again = Run(checkout, port)
    assert is_healthy(port)
    assert again.end(signal.SIGTERM) == 0
    assert processes_in(checkout) == []
    assert servers_in(data) == []


def test_run_on_a_taken_port_says_so_and_touches_nothing(checkout: Path) -> None:
    impatient = "import sys, homecare.run as run; run.PORT_SECONDS = 0.1; sys.exit(run.main())"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = subprocess.run(
            [sys.executable, "-c", impatient],
            cwd=checkout, env={**os.environ, "PORT": str(port)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr == f"Port {port} is taken: end what uses it, or run `PORT={port + 1} make run`.\n"
    assert not (checkout / "var").exists()
