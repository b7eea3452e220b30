from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from mem0 import MemoryClient

from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import directing, person, token_for
from tests.serving import cloned_database, served

_numbers = count(1)


@pytest.fixture(scope="package")
def site(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The address of the site. What happens in it is committed: each test has a patient of its own."""
    with django_db_blocker.unblock(), cloned_database("mem0"), served() as address:
        yield address


@pytest.fixture(scope="package")
def nurse(site: str) -> User:
    with directing():
        return person("nora", Role.CLINICIAN)


@pytest.fixture
def register(nurse: User) -> Callable[..., Patient]:
    """A new patient, in the care of these users."""

    def make(*carers: User) -> Patient:
        with directing():
            patient = Patient.objects.create(external_id=f"person-{next(_numbers)}")
            for carer in carers:
                CareAssignment.objects.create(user=carer, patient=patient, role=Role.CLINICIAN)
        return patient

    return make


@pytest.fixture
def edith(register: Callable[..., Patient], nurse: User) -> Patient:
    """In the nurse's care."""
    return register(nurse)


@pytest.fixture
def stranger(register: Callable[..., Patient]) -> Patient:
    """In nobody's care."""
    return register()


@pytest.fixture
def client(connect: Callable[..., MemoryClient], nurse: User) -> MemoryClient:
    return connect(nurse)


@pytest.fixture
def connect(site: str) -> Iterator[Callable[..., MemoryClient]]:
    """A client with a new key of this user's."""
    clients = []

    def make(user: User, **fields: object) -> MemoryClient:
        clients.append(MemoryClient(host=f"{site}/mem0", api_key=token_for(user, **fields)))
        return clients[-1]

    yield make
    for client in clients:
        client.client.close()
