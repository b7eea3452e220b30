"""The whole product running for real, in a copy of the project with a database of its own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from homecare.postgres import Cluster
from homecare.postgres.processes import working_folder

PROJECT = Path(__file__).resolve().parents[1]


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def copied_checkout() -> Iterator[Path]:
    """The project as somebody else's, with a database of its own."""
    path = Path(tempfile.mkdtemp(prefix="hm-"))
    path.chmod(0o755)
    ignored = shutil.ignore_patterns(".*", "var", "__pycache__")
    shutil.copytree(PROJECT, path, ignore=ignored, dirs_exist_ok=True)
    try:
        yield path
    finally:
        for pid in processes_in(path):
            os.kill(pid, signal.SIGKILL)
        Cluster(path / "var" / "postgres").destroy()
        shutil.rmtree(path)


class Run:
    """One `python -m homecare.run`; what it says is in `output`."""

    def __init__(self, checkout: Path, port: int) -> None:
        self.output = checkout / "output"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "homecare.run"],
                cwd=checkout, env={**os.environ, "PORT": str(port)}, stdout=file, stderr=file,
            )  # fmt: skip
        wait_until(lambda: "http://127.0.0.1" in self.output.read_text() or self.process.poll(), seconds=180)
        assert self.process.poll() is None, self.output.read_text()

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=30)


def processes_in(checkout: Path, words: str = "") -> list[int]:
    """Processes whose working folder is the checkout and whose command holds these words, oldest first."""
    pids = (int(path.name) for path in Path("/proc").glob("[0-9]*"))
    return sorted(pid for pid in pids if working_folder(pid) == str(checkout) and words in command_of(pid))


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""
