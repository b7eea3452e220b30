"""Settings that do not go together, and a wrong database, are said at the start, with what to set."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from audit import checks as database_checks
from memories.embedding import get_embedder
from memories.models import Memory, MemoryIndex
from patients.models import Patient
from tests.conftest import directing


def ids(found: list[CheckMessage]) -> list[str]:
    return [message.id for message in found if message.id and message.id.startswith("homecare.")]


# --- settings ------------------------------------------------------------------------------------------------------

WRONG: dict[str, dict[str, Any]] = {
    "homecare.E102": {"EXTRACTOR": "llm", "OPENAI_API_KEY": "", "OPENAI_BASE_URL": ""},
    "homecare.E104": {"EMBEDDING_PROVIDER": "local", "EMBEDDING_DIMENSION": 768},
    "homecare.E106": {"EMBEDDING_PROVIDER": "openai", "EMBEDDING_API_KEY": "", "EMBEDDING_BASE_URL": ""},
}


@pytest.mark.parametrize("expected", WRONG)
def test_a_wrong_setting_is_said_with_a_hint(settings: Any, expected: str) -> None:
    for name, value in WRONG[expected].items():
        setattr(settings, name, value)
    (message,) = [found for found in run_checks() if found.id and found.id.startswith("homecare.")]
    assert message.id == expected
    assert message.hint


@pytest.mark.parametrize(
    "right",
    [
        {},
        {"EXTRACTOR": "llm", "OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"},
        {"EMBEDDING_PROVIDER": "openai", "EMBEDDING_API_KEY": "k", "EMBEDDING_DIMENSION": 768},
    ],
)
def test_right_settings_say_nothing(settings: Any, right: dict[str, Any]) -> None:
    for name, value in right.items():
        setattr(settings, name, value)
    assert ids(run_checks()) == []


# --- the database --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_this_database_is_as_it_should_be() -> None:
    assert ids(run_checks(databases=["default"])) == []


@pytest.mark.django_db(databases=["default", "owner"])
def test_a_role_that_owns_the_tables_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_checks, "DEFAULT_DB_ALIAS", "owner")
    assert ids(database_checks.check_database(["owner"])) == ["homecare.E015"]


@pytest.fixture
def empty_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The owner's connection, to a database in which nothing was installed or migrated."""
    owner = connections["owner"]
    with django_db_blocker.unblock():
        name, empty = owner.settings_dict["NAME"], f"{owner.settings_dict['NAME']}_empty"
        with owner._nodb_cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{empty}" TEMPLATE template0')
        owner.close()
        owner.settings_dict["NAME"] = empty
        yield
        owner.close()
        owner.settings_dict["NAME"] = name
        with owner._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{empty}"')


def test_an_empty_database_says_what_to_install_and_run(monkeypatch: pytest.MonkeyPatch, empty_database: None) -> None:
    monkeypatch.setattr(database_checks, "DEFAULT_DB_ALIAS", "owner")
    assert ids(database_checks.check_database(["owner"])) == ["homecare.E012", "homecare.W010"]


@pytest.mark.django_db
def test_pending_migrations_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a database that an older version of the product migrated."""
    applied = MigrationRecorder.applied_migrations
    [latest] = MigrationLoader(None).graph.leaf_nodes("memories")

    def without_the_latest(recorder: MigrationRecorder) -> dict[tuple[str, str], Any]:
        found = applied(recorder)
        found.pop(latest)
        return found

    monkeypatch.setattr(MigrationRecorder, "applied_migrations", without_the_latest)
    assert ids(run_checks(databases=["default"])) == ["homecare.W010"]


@pytest.fixture
def indexed(mrs_hale: Patient) -> MemoryIndex:
    """A memory with a vector of this embedder."""
    with directing():
        memory = Memory.objects.create(patient=mrs_hale, category="preference", about="tea", content="Likes tea.")
        model, dimension = get_embedder().name, get_embedder().dimension
        return MemoryIndex.objects.create(
            patient=mrs_hale, memory=memory, embedding_model=model, category="preference", embedding=[1.0] * dimension
        )


def test_vectors_of_this_embedder_are_fine(indexed: MemoryIndex) -> None:
    assert ids(run_checks(databases=["default"])) == []


def test_vectors_of_another_dimension_are_refused(indexed: MemoryIndex) -> None:
    with directing():
        MemoryIndex.objects.update(embedding=[1.0] * 8)
    assert ids(run_checks(databases=["default"])) == ["homecare.E107"]


def test_vectors_of_another_model_alone_are_said(indexed: MemoryIndex) -> None:
    with directing():
        MemoryIndex.objects.update(embedding_model="another")
    assert ids(run_checks(databases=["default"])) == ["homecare.W101"]


@pytest.mark.django_db
def test_a_database_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_checks, "DATABASE_CHECKS", (lambda: database_checks._ask("SELECT 1/0"),))
    assert ids(database_checks.check_database(["default"])) == ["homecare.E010"]
