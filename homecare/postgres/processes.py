"""What runs, from /proc: a process id alone may be another program's by now."""

import os
import time
from contextlib import suppress
from pathlib import Path


def servers_in(data: Path) -> list[int]:
    """Ids of the Postgres processes that work in a data folder."""
    found = []
    for name in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            pid = int(name.parent.name)
            if name.read_text() == "postgres\n" and working_folder(pid) == str(data):
                found.append(pid)
    return found


def working_folder(pid: int) -> str | None:
    """Where a process works; None when there is no such process, or only its exit status is left."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def send(signal: int, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal)


def wait_for_end(pids: list[int], seconds: float) -> bool:
    """Whether all of them ended in time."""
    deadline = time.monotonic() + seconds
    while any(working_folder(pid) is not None for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
