"""Browsers of the cast, and what was said about their patients."""

from collections.abc import Callable

import pytest
from django.test import Client

from memories.choices import Category
from memories.models import Memory
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import directing, person
from tests.memories.talk import hear


@pytest.fixture
def browse() -> Callable[[User], Client]:
    """A client that is signed in as this user."""

    def sign_in(user: User) -> Client:
        client = Client()
        assert (
            client.post(
                "/admin/login/", {"username": user.username, "password": "correct-horse-battery", "next": "/admin/"}
            ).status_code
            == 302
        )
        return client

    return sign_in


@pytest.fixture
def nina(mrs_hale: Patient) -> User:
    """Another nurse of Mrs. Hale."""
    with directing():
        user = person("nina", Role.CLINICIAN)
        CareAssignment.objects.create(user=user, patient=mrs_hale, role=Role.CLINICIAN)
    return user


@pytest.fixture
def uma(db: None) -> User:
    """A nurse who cares for somebody else, and carries Django's superuser flag."""
    with directing():
        user = person("uma", Role.CLINICIAN)
        user.is_superuser = True
        user.save()
        other = Patient.objects.create(external_id="other-1", given_name="Olive", family_name="Quill")
        CareAssignment.objects.create(user=user, patient=other, role=Role.CLINICIAN)
    return user


@pytest.fixture
def penicillin(mrs_hale: Patient, nora: User) -> Memory:
    """An unconfirmed allergy of Mrs. Hale."""
    hear(mrs_hale, nora, "Patient: I'm allergic to penicillin.")
    with directing():
        return Memory.objects.get(patient=mrs_hale, category=Category.ALLERGY)


@pytest.fixture
def lisinopril(mrs_hale: Patient, nora: User) -> Memory:
    """An unconfirmed medication of Mrs. Hale."""
    hear(mrs_hale, nora, "Patient: I take lisinopril 10 mg every morning.")
    with directing():
        return Memory.objects.with_details().get(patient=mrs_hale, category=Category.MEDICATION)
