import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from patients.credentials import read_credentials
from patients.models import AccessKey, User
from patients.roles import Role
from tests.conftest import ApiClient, directing

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "credentials"


def bootstrap(path: Path, *options: str) -> str:
    out = io.StringIO()
    call_command("bootstrap", "--credentials", str(path), *options, stdout=out)
    return out.getvalue()


def test_both_can_sign_in_with_what_is_printed(path: Path) -> None:
    printed = bootstrap(path)
    kept = read_credentials(path)
    for username in ("nurse", "administrator"):
        password = kept[f"{username.upper()}_PASSWORD"]
        assert password in printed
        answer = Client().post("/admin/login/", {"username": username, "password": password, "next": "/admin/"})
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_each_has_one_role_and_no_power_beyond_it(path: Path) -> None:
    bootstrap(path)
    with directing():
        found = {
            user.username: ([group.name for group in user.groups.all()], user.is_superuser)
            for user in User.objects.all()
        }
    assert found == {"nurse": ([Role.CLINICIAN], False), "administrator": ([Role.ADMINISTRATOR], False)}


def test_the_token_opens_the_api(path: Path) -> None:
    bootstrap(path)
    assert ApiClient(read_credentials(path)["TOKEN"]).get("/api/v1/patients").status_code == 200


def test_only_the_owner_reads_the_file(path: Path) -> None:
    bootstrap(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_second_run_prints_the_same(path: Path) -> None:
    assert bootstrap(path) == bootstrap(path)


def test_a_password_that_was_changed_is_not_printed(path: Path) -> None:
    bootstrap(path)
    old = read_credentials(path)["NURSE_PASSWORD"]
    with directing():
        nurse = User.objects.get(username="nurse")
        nurse.set_password("another-long-password")
        nurse.save()
    assert old not in bootstrap(path)


def test_an_expired_key_is_followed_by_a_new_one(path: Path) -> None:
    bootstrap(path)
    expired = read_credentials(path)["TOKEN"]
    with directing():
        key = AccessKey.objects.for_token(expired).get()
        key.expires_at = timezone.now() - timedelta(days=1)
        key.save()
    bootstrap(path)
    fresh = read_credentials(path)["TOKEN"]
    assert fresh != expired
    assert ApiClient(fresh).get("/api/v1/patients").status_code == 200


def test_renew_changes_everything(path: Path) -> None:
    bootstrap(path)
    before = read_credentials(path)
    bootstrap(path, "--renew")
    after = read_credentials(path)
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())


def test_a_lost_file_is_said_and_not_guessed(path: Path) -> None:
    bootstrap(path)
    path.unlink()
    assert "bootstrap --renew" in bootstrap(path)
