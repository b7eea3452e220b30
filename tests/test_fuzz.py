"""Requests made up from the OpenAPI schema: no answer is a failure, and each has the shape that is promised.

`make fuzz` sends many more of them, each time others.
"""

import os
from collections.abc import Iterator
from threading import BoundedSemaphore
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from audit.actors import acting_as
from homecare.wsgi import application
from memories import replying
from memories.chats import begin_chat
from memories.models import Memory, MemoryLink
from patients.models import Patient, User
from tests.conftest import actor_for, directing, token_for
from tests.memories.talk import hear

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
#: Requests for each operation, each time others; without it a few that are always the same.
LONG = int(os.environ.get("FUZZ", "0"))
SAID = (
    "Patient: I am allergic to penicillin, it gave me hives.",
    "Patient: I take lisinopril 10 mg every morning.",
    "Patient: I like my tea black.",
    "Nurse: Blood pressure 142/88 this morning.",
)


def operations() -> list[APIOperation]:
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True))
    schema.app = application
    return [found.ok() for found in schema.get_all_operations()]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The application is called in this thread, in the test's transaction: no request may end its connection."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def own_seats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Schemathesis closes no stream, as a server does: the places of its answers are not those of other tests."""
    monkeypatch.setattr(replying, "_seats", BoundedSemaphore(1000))


@pytest.fixture
def known(mrs_hale: Patient, nora: User) -> dict[str, list[Any]]:
    """What a parameter of a path may name so that it is found."""
    run = hear(mrs_hale, nora, *SAID)
    with directing():
        memories = list(Memory.objects.values_list("pk", flat=True))
        links = list(MemoryLink.objects.values_list("pk", flat=True))
    assert len(memories) == 4
    with acting_as(actor_for(nora)) as actor:
        chat = begin_chat(mrs_hale, by=actor)
    return {
        "external_id": ["patient_123"],
        "memory_id": [str(key) for key in memories],
        "link_id": [str(key) for key in links],
        "run_id": [str(run.pk)],
        "chat_id": [str(chat.pk)],
    }


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_whatever_is_sent_is_answered_in_the_promised_shape(
    operation: APIOperation, known: dict[str, list[Any]], nora: User
) -> None:
    token = token_for(nora)
    made_up = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @settings(
        max_examples=LONG or 12, derandomize=not LONG, database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=made_up, guesses=st.integers(1, 6), data=st.data())
    def send(case: Case, guesses: int, data: st.DataObject) -> None:
        if guesses > 1:
            _name_what_is_known(case, known, data)
        case.call_and_validate(headers={"Authorization": f"Token {token}"}, checks=CHECKS)

    send()


def _name_what_is_known(case: Case, known: dict[str, list[Any]], data: st.DataObject) -> None:
    case.headers.pop("Authorization", None)
    for name in set(case.path_parameters or {}) & {name for name, keys in known.items() if keys}:
        case.path_parameters[name] = data.draw(st.sampled_from(known[name]))
    for sent in (case.body, case.query):
        if isinstance(sent, dict) and "patient_id" in sent:
            sent["patient_id"] = "patient_123"
        if isinstance(sent, dict) and "target_id" in sent:
            sent["target_id"] = data.draw(st.sampled_from(known["memory_id"]))
