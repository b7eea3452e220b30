"""The real server in a process of its own, for the official client to call."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from homecare.children import die_with_parent
from memories.benchmark.server import database_environment, free_port
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import directing, person, token_for
from tests.running import wait_until
from tests.serving import cloned_database

PROJECT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, str(PROJECT / "manage.py"), "mcp"]


@pytest.fixture(scope="package")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[dict[str, str]]:
    """A database of its own, as another process finds it."""
    with django_db_blocker.unblock(), cloned_database("mcp"):
        yield database_environment()


@pytest.fixture(scope="package")
def nurse(database: dict[str, str]) -> User:
    with directing():
        return person("nora", Role.CLINICIAN)


@pytest.fixture(scope="package")
def edith(nurse: User) -> Patient:
    """In the nurse's care."""
    with directing():
        patient = Patient.objects.create(external_id="patient_123", given_name="Edith", family_name="Hale")
        CareAssignment.objects.create(user=nurse, patient=patient, role=Role.CLINICIAN)
    return patient


@pytest.fixture(scope="package")
def stranger(database: dict[str, str]) -> Patient:
    """In nobody's care."""
    with directing():
        return Patient.objects.create(external_id="stone-1", given_name="Walter", family_name="Stone")


@pytest.fixture(scope="package")
def token(nurse: User) -> str:
    return token_for(nurse)


@pytest.fixture(scope="package")
def address(database: dict[str, str]) -> Iterator[str]:
    """Where the server answers over HTTP."""
    with served_to_agents() as url:
        yield url


@contextmanager
def served_to_agents() -> Iterator[str]:
    """The address of an MCP server in a process of its own, on the database of this one."""
    port = free_port()
    environment = {**os.environ, **database_environment()}
    process = subprocess.Popen([*COMMAND, "--http", str(port)], env=environment, preexec_fn=die_with_parent)
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        wait_until(lambda: answers(url) or process.poll() is not None, seconds=60)
        assert process.poll() is None
        yield url
    finally:
        process.terminate()
        process.wait(30)


def answers(url: str) -> bool:
    try:
        return httpx.post(url, json={}).status_code == 401
    except httpx.TransportError:
        return False
