"""A pytest plugin (`-p tests.cluster`) that starts the embedded Postgres before Django's settings are read.

A `conftest.py` comes too late for that. Test databases live in the server of the checkout, beside its own.
"""

import os

import pytest

from homecare.postgres import Cluster, PostgresUnavailable


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    if "DATABASE_URL" in os.environ:
        return
    try:
        Cluster().start()
    except PostgresUnavailable as problem:
        raise pytest.UsageError(str(problem)) from None
