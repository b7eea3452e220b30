"""How the API presents itself: its schema, its pages, and addresses that lead nowhere."""

import io
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from audit.models import AccessLog
from memories.choices import Category
from patients.models import Patient, User
from tests.conftest import ApiClient, directing

pytestmark = pytest.mark.django_db

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def schema() -> dict[str, Any]:
    return Client().get("/api/schema/").json()


def test_the_schema_is_generated_without_a_warning() -> None:
    errors = io.StringIO()
    call_command("spectacular", "--fail-on-warn", stdout=io.StringIO(), stderr=errors)
    assert errors.getvalue() == ""


@pytest.mark.parametrize("path", ["/api/v1/patients", "/api/v1/memories"])
def test_lists_are_declared_as_the_pages_that_they_answer(
    path: str, schema: dict[str, Any], mrs_hale: Patient, nora_api: ApiClient
) -> None:
    answer = schema["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    declared = schema["components"]["schemas"][answer["$ref"].rpartition("/")[2]]
    page = nora_api.get(f"{path}?patient_id=patient_123").json()
    assert set(declared["properties"]) == set(page) == {"next", "previous", "results"}
    assert declared["properties"]["results"]["type"] == "array"


def test_filters_are_declared_with_their_values(schema: dict[str, Any]) -> None:
    declared = {parameter["name"]: parameter for parameter in schema["paths"]["/api/v1/memories"]["get"]["parameters"]}
    category = declared["category"]["schema"]
    assert (category["type"], set(category["items"]["enum"])) == ("array", set(Category.values))
    assert declared["said_after"]["schema"] == {"type": "string", "format": "date-time"}
    assert declared["patient_id"]["required"] is True
    assert {"cursor", "page_size"} <= set(declared)


@pytest.mark.parametrize("path", ["/api/schema/", "/api/schema"])
def test_the_schema_can_be_read_in_a_browser(path: str) -> None:
    response = Client(headers=BROWSER).get(path)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert Client(headers={"Accept": "application/vnd.oai.openapi"}).get(path).content.startswith(b"openapi:")


@pytest.mark.parametrize("path", ["/api/v1", "/api/v1/", "/api/docs", "/api/docs/"])
def test_an_address_answers_with_and_without_its_last_slash(path: str) -> None:
    assert Client().get(path).status_code == 200


# --- signing in in a browser ---------------------------------------------------------------------------------------


def test_a_browser_is_led_to_the_sign_in_and_back(nora: User, mrs_hale: Patient) -> None:
    browser = Client(headers=BROWSER)
    assert b"href='/api/session/login/?next=/api/v1/'" in browser.get("/api/v1/").content
    sign_in = browser.get("/api/session/login/?next=/api/v1/")
    assert sign_in.headers["Location"] == "/admin/login/?next=/api/v1/"
    form = {"username": "nora", "password": "correct-horse-battery", "next": "/api/v1/"}
    assert browser.post(sign_in.headers["Location"], form).headers["Location"] == "/api/v1/"
    assert b"patient_123" in browser.get("/api/v1/patients").content
    assert browser.post("/api/session/logout/").status_code == 302
    assert browser.get("/api/v1/patients").status_code == 401


def test_a_key_opens_the_api_alone(nora_api: ApiClient, mrs_hale: Patient) -> None:
    assert nora_api.get("/api/v1/patients").status_code == 200
    answer = nora_api.get("/admin/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/")


def test_a_key_in_a_browser_that_is_signed_in_changes_nothing(carl: User, nora_api: ApiClient) -> None:
    with directing():
        nora_api.login(username="carl", password="correct-horse-battery")
    page = nora_api.get("/admin/")
    assert page.status_code == 200
    assert page.wsgi_request.user == carl
    nora_api.defaults["HTTP_AUTHORIZATION"] = "Token wrong"
    assert nora_api.get("/admin/").status_code == 200


# --- nothing there -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_an_unknown_route_of_the_api_answers_in_its_shape(accept: str) -> None:
    response = Client(headers={"Accept": accept} if accept else None).get("/api/v1/memory")
    assert response.status_code == 404
    assert response.json() == {"detail": "There is nothing at this address: /api/docs/ has every route."}


def test_an_unknown_route_is_a_page_for_a_browser_and_claims_no_record() -> None:
    response = Client(headers=BROWSER).get("/api/v1/memory")
    assert response.status_code == 404
    assert b"<h1" in response.content
    assert b"on record" not in response.content
    with directing():
        assert not AccessLog.objects.exists()


def test_a_refused_page_says_that_it_is_on_record_when_it_is(nora: User, mr_stone: Patient) -> None:
    browser = Client(headers=BROWSER)
    with directing():
        browser.login(username="nora", password="correct-horse-battery")
    response = browser.get(f"/admin/patients/patient/{mr_stone.pk}/overview/")
    assert response.status_code == 404
    assert b"on record" in response.content
    with directing():
        assert AccessLog.objects.refusals().filter(actor_label="nora").count() == 1
