import time
from collections.abc import Callable
from typing import TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from homecare.postgres import Cluster, PostgresUnavailable

Result = TypeVar("Result")

PATIENCE_SECONDS = 60.0
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 5.0


def persevere(attempt: Callable[[], Result], *, patience: float = PATIENCE_SECONDS) -> Result:
    """The result of an attempt, tried again while the database cannot be reached, for `patience` seconds.

    The attempt must be safe to repeat: whether a commit that was cut off took place is not known. An embedded
    Postgres that died is started again. Raises the last `OperationalError` or `InterfaceError`.
    """
    deadline = time.monotonic() + patience
    pause = FIRST_PAUSE
    while True:
        try:
            return attempt()
        except (OperationalError, InterfaceError):
            close_old_connections()
            if time.monotonic() + pause > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        _start_embedded()


def _start_embedded() -> None:
    if settings.EMBEDDED:
        try:
            Cluster().start()
        except PostgresUnavailable:
            return  # the next attempt tells
