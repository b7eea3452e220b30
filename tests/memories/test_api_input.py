"""What a caller may send, well meant or not: every route answers it, and none falls over."""

import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import transaction
from django.http import HttpResponse

from audit.models import AccessLog, Event
from memories.api.parsing import MAX_DEPTH
from memories.api.urls import urlpatterns
from memories.models import Conversation, Memory
from patients.models import Patient, User
from tests.conftest import ApiClient, directing
from tests.memories.talk import hear

# --- any body at any route -------------------------------------------------------------------------------------------

#: The chat that bodies speak of.
CHAT = str(uuid4())
#: A body that each route takes, with every field that it knows.
GOOD = {
    "POST patients": {
        "patient_id": "new-1",
        "given_name": "Ada",
        "family_name": "North",
        "birth_date": "1940-02-03",
        "is_active": True,
        "consent_given_at": "2026-01-01T00:00:00Z",
        "consent_given_by": "The patient",
        "opted_out_at": None,
    },
    "PATCH patient": {"given_name": "Ada", "birth_date": "1940-02-03", "consent_given_at": None, "opted_out_at": None},
    "POST patient-context": {"query": "pain", "conversation": ["Hello"], "passages": ["Text"], "token_budget": 500},
    "POST memories": {
        "patient_id": "patient_123",
        "conversation": [
            {"role": "nurse", "speaker": "Nora", "content": "She fell 2 days ago. Sees Dr. Lee in 3 weeks."}
        ],
        "said_at": "2026-01-01T00:00:00Z",
        "title": "Visit",
        "source_id": "s-1",
        "scope": "agent",
        "agent_id": "diet-bot",
        "kind": "procedural",
        "background": False,
    },
    "POST memory-search": {
        "patient_id": "patient_123",
        "query": "tea",
        "limit": 3,
        "filters": {"category": ["preference"], "said_after": "2026-01-01T00:00:00Z"},
    },
    "PATCH memory": {"content": "Prefers coffee.", "priority": "high", "metadata": {"a": 1}, "expires_at": None},
    "DELETE memory": {"reason": "A slip."},
    "POST memory-links": {"target_id": str(uuid4()), "kind": "treats", "reason": "Says the chart."},
    "DELETE memory-link": {"reason": "A slip."},
    "POST memory-correct": {"reason": "She says.", "content": "Prefers coffee.", "details": {"dose": "10 mg"}},
    "POST memories-batch": {"patient_id": "patient_123", "conversation": ["She prefers tea."], "scope": "patient"},
    "POST chats": {"patient_id": "patient_123", "title": "Talk", "scope": "agent", "agent_id": "diet-bot"},
    "POST chat-message": {
        "patient_id": "patient_123",
        "chat_id": CHAT,
        "message": "She prefers tea.",
        "role": "daughter",
        "extract_memory": True,
        "background": True,
    },
    "POST chat-reply": {"message": "Hello", "role": "daughter", "extract_memory": True, "stream": False},
    "POST chat-response": {"patient_id": "patient_123", "chat_id": CHAT, "response": "Noted.", "memory_ids": []},
    "DELETE patient-memories": {"reason": "She asked."},
    "DELETE chat": {},
    "POST emergency-access": {"reason": "Found on the kitchen floor."},
    "POST emergency-review": {"finding": "The ambulance asked."},
    **{
        f"POST memory-{verb}": {"reason": "She says."}
        for verb in ("confirm", "refute", "entered-in-error", "reinstate")
    },
}
#: Routes whose body is a list of such objects.
LISTS = {"POST memories-batch"}
#: Routes that ask for no body, and read none.
WITHOUT_BODY = {"DELETE chat"}
#: Routes that are a privacy officer's: nobody else's body is read.
OF_PRIVACY_OFFICERS = {"POST emergency-review"}
#: Routes that take files, not JSON.
OF_FILES = {"POST files"}
ODD_VALUES = [
    None,
    True,
    -1,
    1e308,
    10**400,
    " ",
    "x" * 10_000,
    "%s %(x)s {} \\ ' & | ! :* <-> é 😀 \u202e",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    [],
    {},
    [[]],
    [None],
    {"a": {"b": 1}},
]
NO_JSON = ["{", "[" * 100_000, '{"a":' * 50_000, "1" * 5000, b"\xff\xfe{}", '{"a": NaN}', '{"a": -Infinity}', "'a'"]
NO_OBJECT = ["null", "[]", "[1]", '"x"', "5", "true"]
UNSTORABLE = ['"\\u0000"', '"a\\ud800b"', "1e999", '{"\\u0000": 1}', "[" * 60 + "]" * 60]


def writing_routes() -> Iterator[tuple[str, str, str]]:
    for pattern in urlpatterns:
        for method in ("POST", "PATCH", "DELETE"):
            takes_json = f"{method} {pattern.name}" not in OF_FILES
            if pattern.name and takes_json and hasattr(pattern.callback.view_class, method.lower()):
                yield method, pattern.name, str(pattern.pattern)


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def memories(mrs_hale: Patient, nora: User) -> dict[str, Memory]:
    """An allergy, a medication and a preference of Mrs Hale's, by their category."""
    hear(
        mrs_hale,
        nora,
        "Patient is allergic to penicillin.",
        "Patient takes lisinopril 10 mg daily.",
        "She prefers tea.",
    )
    with directing():
        Conversation.objects.create(pk=CHAT, patient=mrs_hale, source="chat", recorded_by=nora)
        found = {memory.category: memory for memory in Memory.objects.all()}
    assert set(found) == {"allergy", "medication", "preference"}
    return found


@pytest.fixture
def send(nora_api: ApiClient) -> Callable[..., HttpResponse]:
    nora_api.raise_request_exception = False

    def send(method: str, path: str, body: Any = "") -> HttpResponse:
        raw = body if isinstance(body, str | bytes) else json.dumps(body)
        return nora_api.generic(method, f"/api/v1/{path}", raw, content_type="application/json")

    return send


def test_every_writing_route_has_a_good_body() -> None:
    assert {f"{method} {name}" for method, name, _ in writing_routes()} == set(GOOD)


@pytest.mark.parametrize(("method", "name", "route"), list(writing_routes()))
def test_no_body_makes_a_route_fall_over(
    method: str, name: str, route: str, memories: dict[str, Memory], send: Callable[..., HttpResponse]
) -> None:
    path = re.sub(r"<str:external_id>", "patient_123", route)
    path = re.sub(r"<uuid:memory_id>", str(memories["preference"].pk), path)
    path = re.sub(r"<uuid:chat_id>", CHAT, path)
    path = re.sub(r"<uuid:\w+>", str(uuid4()), path)
    good = GOOD[f"{method} {name}"]
    listed = f"{method} {name}" in LISTS
    bodies: list[tuple[Any, set[int]]] = [(body, {400}) for body in NO_JSON]
    bodies += [(body, {200, 204, 400, 404, 409}) for body in ["", *NO_OBJECT]]
    for field in good:
        rest = json.dumps({**good, field: "@@"})
        bodies += [(_in_list(rest.replace('"@@"', odd), listed), {400}) for odd in UNSTORABLE]
        bodies += [
            (_in_list(json.dumps({**good, field: odd}), listed), {200, 201, 202, 204, 400, 403, 404, 409})
            for odd in ODD_VALUES
        ]
    for body, expected in bodies:
        with undone():
            status = send(method, path, body).status_code
        told = body if isinstance(body, str | bytes) else json.dumps(body)
        # A link that is not there is not looked at any closer than that.
        unread = {204} if f"{method} {name}" in WITHOUT_BODY else set()
        unread |= {403} if f"{method} {name}" in OF_PRIVACY_OFFICERS else set()
        assert status in expected | unread | ({404} if "link" in name else set()), (status, told[:200])


def _in_list(body: str, listed: bool) -> str:
    return f"[{body}]" if listed else body


def test_refused_body_is_told_why_in_a_sentence(memories: dict[str, Memory], send: Callable[..., HttpResponse]) -> None:
    path = f"memories/{memories['preference'].pk}"
    sentences = {
        '{"metadata": {"a": "\\u0000"}}': "NUL",
        '{"metadata": {"a": "\\ud800"}}': "surrogate",
        '{"metadata": {"a": 1e999}}': "too large",
        '{"metadata": {"a": NaN}}': "JSON parse error",
        '{"metadata": ' + '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 2): "nested",
        "[" * 100_000: "nested",
    }
    for body, word in sentences.items():
        response = send("PATCH", path, body)
        assert response.status_code == 400
        assert word in response.json()["detail"]


def test_body_of_common_depth_and_any_script_is_kept(
    memories: dict[str, Memory], send: Callable[..., HttpResponse]
) -> None:
    metadata: Any = {"größe": "😀 漢字"}
    for _ in range(MAX_DEPTH - 5):
        metadata = {"a": metadata}
    response = send("PATCH", f"memories/{memories['preference'].pk}", {"metadata": metadata})
    assert (response.status_code, response.json()["metadata"]) == (200, metadata)


@pytest.mark.parametrize(
    "turn", [{"role": 5}, {"role": ["x"]}, {"speaker": {}}, {"role": False}, {"role": 5, "speaker": "N"}]
)
def test_a_turn_by_no_name_is_refused(turn: dict, mrs_hale: Patient, send: Callable[..., HttpResponse]) -> None:
    body = {"patient_id": "patient_123", "conversation": [{"content": "She prefers tea.", **turn}]}
    response = send("POST", "memories", body)
    assert response.status_code == 400
    assert "both texts" in str(response.json())


# --- any address -----------------------------------------------------------------------------------------------------


def cursor(text: str) -> str:
    return quote(b64encode(text.encode()).decode())


@pytest.mark.parametrize(
    "path",
    [
        "patients/%00",
        "patients/%00/summary",
        "patients/%ED%A0%80",
        "patients/a%0Ab",
        f"patients/{'x' * 600}",
        "memories/%00",
        "memories?patient_id=%00",
        "memories?patient_id=%ff",
        "memories?patient_id=patient_123&said_after=%00",
        "memories?patient_id=patient_123&said_after=0001-01-01T00:00:00x",
        *(
            f"{listed}cursor={cursor(text)}"
            for listed in ("patients?", "memories?patient_id=patient_123&")
            for text in ("p=abc", "p=0001-01-01", "r=1&p=\x00", "p=9999-99-99T00:00:00Z", "p=2026-01-01T00:00:00")
        ),
        "patients?cursor=xx",
    ],
)
def test_no_address_makes_a_route_fall_over(path: str, mrs_hale: Patient, send: Callable[..., HttpResponse]) -> None:
    assert send("GET", path).status_code in (400, 404)


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"])
def test_a_filter_at_the_end_of_time_is_answered(
    instant: str, mrs_hale: Patient, send: Callable[..., HttpResponse]
) -> None:
    assert send("GET", f"memories?patient_id=patient_123&said_after={instant}").status_code in (200, 400)


def test_an_id_of_a_conversation_stands_for_its_words_alone(
    mrs_hale: Patient, send: Callable[..., HttpResponse]
) -> None:
    said = {"patient_id": "patient_123", "conversation": ["She prefers tea."], "source_id": "visit-7"}
    first, again = send("POST", "memories", said), send("POST", "memories", said)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["conversation_id"] == again.json()["conversation_id"]
    other = send("POST", "memories", {**said, "conversation": ["She prefers coffee."]})
    assert other.status_code == 409
    assert "of their own" in other.json()["detail"]


# --- corrections -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "correction"),
    [
        ("allergy", {}),
        ("allergy", {"content": "Allergic to nothing."}),
        ("allergy", {"content": "Allergic to nothing.", "details": {"reaction": "hives"}}),
        ("allergy", {"details": {}}),
        ("allergy", {"details": {"substance": ""}}),
        ("allergy", {"details": {"substance": "x" * 201}}),
        ("allergy", {"details": {"reaction": None}}),
        ("allergy", {"details": {"severity": "banana"}}),
        ("allergy", {"details": {"drug": "aspirin"}}),
        ("allergy", {"details": {"assertion": "no-known-allergies"}}),
        ("medication", {"details": {"drug": ""}}),
        ("medication", {"details": {"drug": ["x"]}}),
        ("medication", {"details": {"dose": "x" * 101}}),
        ("medication", {"details": {"as_needed": "perhaps"}}),
        ("medication", {"details": {"status": "banana"}}),
        ("medication", {"details": {"status": None}}),
        ("medication", {"details": {"by": "x"}}),
        ("medication", {"details": "10 mg"}),
        ("preference", {}),
        ("preference", {"content": ""}),
        ("preference", {"content": "Prefers coffee.", "details": {"drug": "x"}}),
    ],
)
def test_correction_that_does_not_fit_its_category_is_refused(
    category: str, correction: dict, memories: dict[str, Memory], send: Callable[..., HttpResponse]
) -> None:
    response = send("POST", f"memories/{memories[category].pk}/correct", {"reason": "She says.", **correction})
    assert response.status_code == 400, response.json()
    with directing():
        assert not Memory.objects.filter(superseded_by__isnull=False).exists()


@pytest.mark.parametrize(
    ("category", "correction", "content"),
    [
        ("allergy", {"details": {"reaction": "hives", "severity": "severe"}}, "Allergic to penicillin (hives)."),
        ("medication", {"details": {"dose": "20 mg", "as_needed": True}}, "20 mg"),
        ("preference", {"content": "Prefers coffee."}, "Prefers coffee."),
    ],
)
def test_correction_makes_its_own_sentence(
    category: str, correction: dict, content: str, memories: dict[str, Memory], send: Callable[..., HttpResponse]
) -> None:
    response = send("POST", f"memories/{memories[category].pk}/correct", {"reason": "She says.", **correction})
    assert response.status_code == 200, response.json()
    assert content in response.json()["content"]


@pytest.mark.parametrize("reason", ["", None, "x" * 501, {"a": 1}, ["x"]])
def test_removal_is_refused_for_what_is_no_reason(
    reason: object, memories: dict[str, Memory], send: Callable[..., HttpResponse]
) -> None:
    path = f"memories/{memories['preference'].pk}"
    assert send("DELETE", path, {"reason": reason}).status_code == 400
    assert send("DELETE", path, {"because": "x"}).status_code == 400
    assert send("GET", path).status_code == 200


def test_removal_needs_no_reason(memories: dict[str, Memory], send: Callable[..., HttpResponse]) -> None:
    assert send("DELETE", f"memories/{memories['preference'].pk}").status_code == 204
    with directing():
        assert Memory.objects.get(category="preference").deletion_reason == "Deleted through the API."


def test_the_longest_reason_is_on_record_whole(memories: dict[str, Memory], send: Callable[..., HttpResponse]) -> None:
    reason = "Because. " * 55 + "Done."
    assert len(reason) == 500
    assert send("POST", f"memories/{memories['allergy'].pk}/confirm", {"reason": reason}).status_code == 200
    with directing():
        assert AccessLog.objects.get(event=Event.CONFIRM).reason == reason
