"""Requests that nobody would send: each is answered in JSON, and none of them is a failure of ours."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memories.api.mem0.filters import FIELDS
from memories.models import Memory
from patients.models import Patient, User
from tests.conftest import directing, token_for
from tests.memories.talk import hear

#: Each route with the fields of its body.
ROUTES = {
    "POST v3/memories/add/": "messages user_id agent_id run_id app_id filters metadata infer timestamp expiration_date",
    "POST v3/memories/search/": "query filters top_k threshold categories metadata fields",
    "POST v3/memories/": "filters categories metadata fields start_date end_date show_expired",
    "PUT v1/memories/{memory}/": "text metadata timestamp expiration_date",
    "PUT v1/batch/": "memories",
    "DELETE v1/batch/": "memories",
    "POST v1/exports/": "schema filters user_id",
    "POST v1/exports/get/": "memory_export_id filters user_id",
    "POST v1/summary/": "filters",
    "POST v1/feedback/": "memory_id feedback feedback_reason",
    "POST v2/profiles/jobs/": "operation entity_type entity_id limit",
    "POST v2/profiles/settings/": "enabled",
}
WORDS = [
    "patient_123",
    "stone-1",
    "*",
    "eq",
    "2026-01-01",
    "allergy",
    "trigger",
    "POSITIVE",
    "\x00",
    "\ud800",
    "",
    "9" * 30,
]
NAMES = [*FIELDS, "AND", "NOT", "in", "gte", "contains", "memory_id", "text", "role", "content", "properties", "type"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
    max_leaves=5,
)


@pytest.mark.parametrize("route", ROUTES)
def test_whatever_is_sent_is_answered_in_json(route: str, mrs_hale: Patient, mr_stone: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I like my tea black.")
    with directing():
        memory = str(Memory.objects.get().pk)
    client = Client(headers={"Authorization": f"Token {token_for(nora)}"}, raise_request_exception=False)
    method, path = route.split()
    likely = {
        "filters": st.just({"user_id": "patient_123"}), "user_id": st.just("patient_123"), "query": st.just("tea"),
        "messages": st.just([{"role": "user", "content": "I like tea."}]), "memory_id": st.just(memory),
        "memories": st.lists(st.fixed_dictionaries({"memory_id": st.just(memory)}, optional={"text": JSON})),
    }  # fmt: skip
    fields = {name: likely.get(name, JSON) | JSON for name in ROUTES[route].split()}

    @settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=st.fixed_dictionaries({}, optional=fields) | JSON)
    def send(body: Any) -> None:
        sent = json.dumps(body)
        response = client.generic(method, f"/mem0/{path.format(memory=memory)}", sent, content_type="application/json")
        assert response.status_code < 500 or response.status_code == 501, (response.status_code, body)
        assert response.headers["content-type"] == "application/json"
        assert response.json() or response.status_code == 200

    send()
