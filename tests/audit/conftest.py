"""A database in which tests of the log commit for real: only what is committed is sealed, purged and backed up."""

from collections.abc import Iterator

import pytest
from django.db import connections

from memories.evaluation.scratch import scratch_database


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: "pytest.FixtureRequest") -> Iterator[None]:
    """An empty database of its own, thrown away afterwards."""
    with django_db_blocker.unblock(), scratch_database():
        yield
        connections.close_all()
