import pytest
from django.db import OperationalError

from memories.management.persevering import persevere


class Flaky:
    """Fails as a lost connection does, so many times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self) -> str:
        self.failures -= 1
        if self.failures >= 0:
            raise OperationalError("server closed the connection unexpectedly")
        return "done"


def test_a_lost_connection_is_tried_again() -> None:
    assert persevere(Flaky(2)) == "done"


def test_patience_ends() -> None:
    with pytest.raises(OperationalError):
        persevere(Flaky(100), patience=0.4)
