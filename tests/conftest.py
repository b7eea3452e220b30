"""A small named cast, and databases made and migrated by the owner and used as the application role."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connections
from django.test import Client

from audit.actors import Actor, acting_as, system_actor
from patients.models import AccessKey, CareAssignment, Patient, User
from patients.roles import Role

DIRECTOR = system_actor("director")


def pytest_configure() -> None:
    # Slow hashes protect real passwords; the cast's are printed here.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Both connections use one test database, without a pool, which would keep it open."""
    connections["default"].settings_dict["OPTIONS"].pop("pool", None)
    connections["default"].settings_dict["CONN_HEALTH_CHECKS"] = False


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_blocker: "pytest.FixtureRequest", django_db_modify_db_settings: None
) -> Iterator[None]:
    owner, application = connections["owner"], connections["default"]
    with django_db_blocker.unblock():
        production_name = owner.settings_dict["NAME"]
        name = owner.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        application.close()
        application.settings_dict["NAME"] = name
        yield
        application.close()
        owner.creation.destroy_test_db(production_name, verbosity=0)


@contextmanager
def directing() -> Iterator[Actor]:
    """Set the scene, as an actor who sees everybody."""
    with acting_as(DIRECTOR) as actor:
        yield actor


def person(username: str, role: Role) -> User:
    user = User.objects.create_user(username, password="correct-horse-battery", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


@pytest.fixture
def nora(db: None) -> User:
    """A nurse."""
    with directing():
        return person("nora", Role.CLINICIAN)


@pytest.fixture
def carl(db: None) -> User:
    """A caregiver."""
    with directing():
        return person("carl", Role.CAREGIVER)


@pytest.fixture
def paula(db: None) -> User:
    """A privacy officer."""
    with directing():
        return person("paula", Role.PRIVACY_OFFICER)


@pytest.fixture
def adam(db: None) -> User:
    """An administrator."""
    with directing():
        return person("adam", Role.ADMINISTRATOR)


@pytest.fixture
def mrs_hale(nora: User, carl: User) -> Patient:
    """In the care of Nora and Carl."""
    with directing():
        patient = Patient.objects.create(external_id="patient_123", given_name="Edith", family_name="Hale")
        CareAssignment.objects.create(user=nora, patient=patient, role=Role.CLINICIAN)
        CareAssignment.objects.create(user=carl, patient=patient, role=Role.CAREGIVER)
    return patient


@pytest.fixture
def mr_stone(db: None) -> Patient:
    """In nobody's care."""
    with directing():
        return Patient.objects.create(external_id="stone-1", given_name="Walter", family_name="Stone")


def change(rows: Iterable[Any], **fields: object) -> None:
    """Save these fields of each row, one by one, so that the log has an entry of it."""
    for row in rows:
        for name, value in fields.items():
            setattr(row, name, value)
        row.save()


def actor_for(user: User) -> Actor:
    with directing():
        return user.as_actor()


def token_for(user: User, **fields: object) -> str:
    """A fresh access key of this user; returns its token."""
    with directing():
        key = AccessKey(user=user, label="test", **fields)
        token = key.renew_token()
        key.save()
    return token


class ApiClient(Client):
    """JSON in and out, with an access key. Answers a status and a body."""

    def __init__(self, token: str = "") -> None:
        super().__init__(headers={"Authorization": f"Token {token}"} if token else None)

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        response = self.generic(
            method, f"/api/v1/{path}", "" if body is None else json.dumps(body), content_type="application/json"
        )
        return response.status_code, response.json() if response.content else None


@pytest.fixture
def nora_api(nora: User) -> ApiClient:
    return ApiClient(token_for(nora))


@pytest.fixture
def carl_api(carl: User) -> ApiClient:
    return ApiClient(token_for(carl))


@pytest.fixture(autouse=True)
def own_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that a test leaves unread keeps its place: the answers of each test have places of their own."""
    monkeypatch.setattr("memories.replying._seats", BoundedSemaphore(settings.ANSWERS_AT_ONCE))
