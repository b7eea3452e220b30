"""Every request that mem0's client was once seen to send, sent to this server."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mem0 import MemoryClient

from patients.models import Patient, User
from tests.conftest import directing

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "mem0" / "client_requests.json"
ITS_MEMORY = "0a1b2c3d-0000-4000-8000-000000000001"
#: What could mean everybody, and what has no meaning here.
REFUSED = {
    "DELETE /v1/memories/": 400,
    "DELETE /v1/memories/?filters=": 400,
    "DELETE /v1/memories/?user_id=pat-001&agent_id=a&run_id=r&app_id=p&metadata=": 400,
    "DELETE /v2/entities/user/": 403,
    "GET /v1/memories/a%2Fb%20c/": 404,
}
UNSUPPORTED = re.compile(r"\w+ /api/v1/(orgs|webhooks)/|POST /v2/profiles/settings/")


def recorded() -> list[dict[str, Any]]:
    calls = json.loads(RECORDED.read_text())["calls"] if RECORDED.exists() else []
    return [call for call in calls if call["requests"] and not call["call"].startswith("INIT")]


@pytest.mark.skipif(not RECORDED.exists(), reason="The recorded calls are not part of the project.")
def test_each_recorded_call_is_answered_or_refused_in_a_sentence(
    client: MemoryClient, register: Callable[..., Patient], nurse: User
) -> None:
    with directing():
        for external_id in ("pat-001", "u"):
            Patient.objects.filter(external_id=external_id).exists() or _rename(register(nurse), external_id)
    asked, wrong = 0, []
    for call in recorded():
        ours = _ours(client)
        for request in call["requests"]:
            target = request["raw_target"].replace(ITS_MEMORY, ours["memory"])
            body = json.loads(json.dumps(request["body"]).replace(ITS_MEMORY, ours["memory"]))
            if isinstance(body, dict) and "memory_export_id" in body:
                body["memory_export_id"] = ours["export"]
            if target.startswith("/v2/profiles/jobs/job-1"):
                target = ours["job"]
            response = client.client.request(request["method"], target, json=body)
            asked += 1
            if request["method"] == "DELETE":
                ours = _ours(client)
            answer = response.json()
            expected = _expected(request["method"], request["raw_target"], body)
            if response.status_code not in expected or (expected[0] >= 400 and set(answer) != {"detail"}):
                wrong.append((call["call"], response.status_code, answer))
    assert wrong == []
    assert asked > 60


def _rename(patient: Patient, external_id: str) -> None:
    patient.external_id = external_id
    patient.save()


def _ours(client: MemoryClient) -> dict[str, str]:
    """A memory, an export and a job for the calls that name one."""
    added = client.add("Likes the window open.", user_id="pat-001", infer=False)
    export = client.create_memory_export({"properties": {}}, filters={"user_id": "pat-001"})
    job = client.generate_profile("pat-001")
    return {"memory": added["results"][0]["id"], "export": export["id"], "job": job["status_url"]}


def _expected(method: str, target: str, body: Any) -> tuple[int, ...]:
    line = f"{method} {target}"
    if UNSUPPORTED.match(line) or (isinstance(body, dict) and body.get("operation") == "sample"):
        return (501,)
    if line == "POST /v3/memories/" and body == {}:
        return (400,)
    for start, status in REFUSED.items():
        if line == start or (start[-1] in "=/" and start != "DELETE /v1/memories/" and line.startswith(start)):
            return (status,)
    return (200, 201, 202)
