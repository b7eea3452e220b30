"""A wrong setting ends a command and the site at once, in one sentence that says what to set."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
MANAGE = [sys.executable, "manage.py", "check"]
RUN = [sys.executable, "-m", "homecare.run"]
PREPARE = [sys.executable, "-m", "homecare.prepare"]


def told(command: list[str], environment: dict[str, str]) -> tuple[int, str]:
    """The exit status and what a command of the product says in this environment."""
    ended = subprocess.run(
        command, cwd=PROJECT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    return ended.returncode, ended.stdout + ended.stderr


WRONG = {
    "PRODUCTION=enabled": "true or false",
    "DEBUG=maybe": "true or false",
    "DEFAULT_SEARCH_LIMIT=101": "a whole number from 1 to 100",
    "DEFAULT_SEARCH_LIMIT=three": "a whole number from 1 to 100",
    "ACCESS_KEY_DAYS=0": "a whole number from 1 to 3650",
    "EMBEDDING_DIMENSION=1536": "a whole number from 1 to 1300",
    "OPENAI_TIMEOUT=nan": "a number of 0.1 or more",
    "GROUPING_COSINE=1.5": "a number from 0 to 1",
    "TIME_ZONE=Mars/Olympus": "a time zone such as UTC or America/New_York",
    "LOG_LEVEL=LOUD": "DEBUG, INFO, WARNING, ERROR or CRITICAL",
    "EXTRACTOR=magic": "local or llm",
    "EMBEDDING_PROVIDER=word2vec": "local or openai",
    "OPENAI_BASE_URL=localhost:11434": "an address such as http://127.0.0.1:11434/v1",
    "EMBEDDING_BASE_URL=ftp://models": "an address such as http://127.0.0.1:11434/v1",
    "DATABASE_URL=mysql://localhost/homecare": "postgresql://role:password@host/name",
    "CORS_ALLOWED_ORIGINS=https://app.example.org,app.example.org/path": (
        "scheme and host without a path, such as https://app.example.org, with commas between them"
    ),
    "SENSITIVE_TOPICS=religion,gout": (
        "some of these, with commas between them: criminal record, ethnicity, finances, hiv, immigration, "
        "mental health, politics, religion, sexuality, substance use"
    ),
}


@pytest.mark.parametrize("assignment", WRONG)
def test_a_wrong_setting_is_one_sentence(assignment: str) -> None:
    name, _, value = assignment.partition("=")
    status, said = told(MANAGE, {name: value})
    assert (status, said) == (1, f"{name} is not what it should be: set it to {WRONG[assignment]}.\n")


@pytest.mark.parametrize(
    ("name", "value"), [("DATABASE_POOL_MIN", "9"), ("DATABASE_POOL_MAX", "-1"), ("SESSION_SECONDS", "0")]
)
def test_a_number_out_of_its_bounds_is_refused(name: str, value: str) -> None:
    status, said = told(MANAGE, {name: value})
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith(f"{name} is not what it should be: set it to a whole number")


def test_the_value_of_a_wrong_setting_is_not_printed() -> None:
    """It might be a password."""
    assert "hunter2" not in told(MANAGE, {"DATABASE_URL": "homecare:hunter2@db"})[1]


def test_production_makes_no_key_by_itself() -> None:
    status, said = told(MANAGE, {"PRODUCTION": "yes", "SECRET_KEY": ""})
    assert (status, said) == (1, "Set SECRET_KEY to a long random string: production makes none by itself.\n")


def test_the_database_of_one_role_alone_is_refused() -> None:
    status, said = told(MANAGE, {"DATABASE_URL": "postgresql://app:x@db/homecare", "DATABASE_OWNER_URL": ""})
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("Set both DATABASE_URL and DATABASE_OWNER_URL")


def test_an_empty_value_is_none() -> None:
    assert told(MANAGE, {"OPENAI_BASE_URL": "", "DEFAULT_SEARCH_LIMIT": " ", "TIME_ZONE": ""})[0] == 0


def test_preparing_says_it_too() -> None:
    assert told(PREPARE, {"DEBUG": "maybe"}) == (1, "DEBUG is not what it should be: set it to true or false.\n")


@pytest.fixture
def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.mark.parametrize("assignment", ["PORT=web", "DEBUG=maybe"])
def test_the_site_says_it_too(assignment: str, free_port: str) -> None:
    name, _, value = assignment.partition("=")
    status, said = told(RUN, {"PORT": free_port, name: value})
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith(f"{name} is not what it should be: set it to ")
