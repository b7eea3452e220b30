"""Processes that another one keeps running, and that end with it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
PR_SET_PDEATHSIG = 1


class Child:
    """One program, kept running: it is started again when it died, after 0, 1, 2, 4, ... at most 30 seconds.

    The pause starts at 0 again after a minute without a death.
    """

    def __init__(self, name: str, command: Sequence[str | Path]) -> None:
        self.name = name
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._start_at = 0.0
        self._deaths = 0

    def keep_running(self) -> str | None:
        """To be called often. Returns one sentence when something happened that people should know."""
        if self.process is not None and self.process.poll() is not None:
            return self._note_death(self.process)
        if self.process is None and time.monotonic() >= self._start_at:
            self.process = start_child(self.command)
            self._started_at = time.monotonic()
        return None

    def stop(self, seconds: float) -> None:
        """Ask it to end, and force it when it has not ended after so many seconds."""
        if self.process is not None:
            self.ask_to_end()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            _kill_group(self.process)
            self.process.wait()

    def ask_to_end(self) -> None:
        if self.process is not None:
            self.process.terminate()

    def _note_death(self, process: subprocess.Popen[bytes]) -> str:
        _kill_group(process)  # its own children may still hold the port
        if time.monotonic() - self._started_at > HEALTHY_SECONDS:
            self._deaths = 0
        pause = min(2.0 ** (self._deaths - 1), LONGEST_PAUSE_SECONDS) if self._deaths else 0.0
        self._deaths += 1
        self.process = None
        self._start_at = time.monotonic() + pause
        return f"The {self.name} ended ({process.returncode}); it is started again in {pause:.0f} s."


def start_child(command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C reaches the parent alone, which ends its children in order."""
    parent = os.getpid()

    def end_with_parent() -> None:
        die_with_parent()
        if os.getppid() != parent:  # it died before we asked to be told
            os._exit(1)

    return subprocess.Popen(command, start_new_session=True, preexec_fn=end_with_parent)  # noqa: S603 - ours


def die_with_parent() -> None:
    """From now on this process gets SIGTERM when its parent dies, even of kill -9. On Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
