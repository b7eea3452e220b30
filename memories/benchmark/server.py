"""The server that is measured: one web process on a free port, in the scratch database, as the application role."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

from django.db import DEFAULT_DB_ALIAS, connections

from homecare.children import die_with_parent

HOST = "127.0.0.1"
THREADS = "8"
START_SECONDS = 60.0


class Client:
    """A kept connection of one caller. Raises `AssertionError` when the answer is no success: nothing else counts."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=60)
        self._headers = {"Content-Type": "application/json", "Authorization": f"Token {token}"}

    def post(self, path: str, body: object) -> Any:
        """The answer's JSON."""
        self._connection.request("POST", path, json.dumps(body), self._headers)
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= http.client.BAD_REQUEST:
            raise AssertionError(f"{path} answered {response.status}")
        return json.loads(content)


#: What `make run` sets for the processes it starts.
AS_SERVED = {"MALLOC_ARENA_MAX": "2"}


@contextmanager
def serve(**environment: str) -> Iterator[int]:
    """Run the server until the block ends. Gives its port."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "memories.benchmark.application:make_application", "--factory",
        "--interface", "wsgi", "--http", "1", "--no-ws", "--host", HOST, "--port", str(port),
        "--workers", "1", "--blocking-threads", THREADS, "--workers-kill-timeout", "5", "--log-level", "error",
    ]  # fmt: skip
    process = subprocess.Popen(  # noqa: S603 because the command is ours
        command, env={**os.environ, **AS_SERVED, **database_environment(), **environment}, preexec_fn=die_with_parent
    )
    try:
        _wait(process, port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def stand_in_model() -> Iterator[str]:
    """A server that answers like a language model, at once, by a plain rule. Gives its base URL."""
    command = [sys.executable, "-m", "tests.llm_peer", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)  # noqa: S603
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError, AssertionError):
            Client(port).post("/floor/memory", {})
            return
        time.sleep(0.05)
    raise RuntimeError("The server did not start; the lines above say why.")


def database_environment() -> dict[str, str]:
    """This process's databases, for another one."""
    return {"DATABASE_URL": _url(DEFAULT_DB_ALIAS), "DATABASE_OWNER_URL": _url("owner")}


def _url(alias: str) -> str:
    config = connections[alias].settings_dict
    who = f"{quote(config['USER'])}:{quote(config['PASSWORD'])}"
    # A socket's folder is no host of a URL: it is a parameter.
    query = {key: value for key, value in config["OPTIONS"].items() if isinstance(value, str) and key != "options"}
    query |= {"host": config["HOST"]} if config["HOST"] else {}
    query |= {"port": config["PORT"]} if config["PORT"] else {}
    return f"postgresql://{who}@/{config['NAME']}?{urlencode(query)}"
