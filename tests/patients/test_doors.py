"""Who is let in by which door, what is told of a refusal, and what is on record of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import AccessLog, Event
from memories.api.urls import urlpatterns
from patients.api import PatientSerializer
from patients.models import AccessKey, Patient, User
from tests.conftest import ApiClient, directing, token_for

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "correct-horse-battery"


def signed_in(user: User, *, enforce_csrf_checks: bool = False) -> Client:
    client = Client()
    client.post("/admin/login/", {"username": user.username, "password": PASSWORD})
    client.handler.enforce_csrf_checks = enforce_csrf_checks
    return client


def refusals() -> list[tuple[str, str, str]]:
    with directing():
        return list(AccessLog.objects.refusals().values_list("actor_label", "door", "route"))


# --- methods and permissions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "route", ["patients", "patients/patient_123", "patients/patient_123/summary", "memories?patient_id=patient_123"]
)
def test_head_needs_what_get_needs(route: str, mrs_hale: Patient, nora_api: ApiClient, adam: User) -> None:
    # An administrator sees no patients.
    stranger = ApiClient(token_for(adam))
    assert [stranger.get(f"/api/v1/{route}").status_code, stranger.head(f"/api/v1/{route}").status_code] == [403, 403]
    assert [nora_api.get(f"/api/v1/{route}").status_code, nora_api.head(f"/api/v1/{route}").status_code] == [200, 200]


def test_every_view_names_a_permission_for_each_of_its_methods() -> None:
    views = {pattern.callback.view_class for pattern in urlpatterns if pattern.name != "api-root"}
    for view in views:
        methods = {method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if hasattr(view, method.lower())}
        assert methods == set(view.permissions_required), view


class ForgetfulView(APIView):
    def get(self, request: Request) -> Response:
        return Response("open")


class Forgetful:
    urlpatterns = [path("api/v1/forgetful", ForgetfulView.as_view())]


def test_a_method_without_a_named_permission_is_refused(settings: object, nora_api: ApiClient) -> None:
    settings.ROOT_URLCONF = Forgetful
    assert [nora_api.call(method, "forgetful")[0] for method in ("GET", "HEAD", "POST")] == [403, 403, 405]


def test_what_there_is_is_told_without_a_key_and_what_is_not_is_a_405(nora_api: ApiClient) -> None:
    assert ApiClient().call("GET", "")[0] == 200
    assert [nora_api.call("PUT", "memories")[0], nora_api.call("OPTIONS", "memories")[0]] == [405, 200]
    assert ApiClient().call("OPTIONS", "memories")[0] == 401


# --- refusals on record ----------------------------------------------------------------------------------------------


def test_a_form_without_its_csrf_token_is_a_refusal_on_record(nora: User) -> None:
    client = signed_in(nora, enforce_csrf_checks=True)
    assert client.post("/admin/patients/patient/add/", {}).status_code == 403
    assert refusals() == [("nora", "admin", "admin/patients/patient/add/")]


def test_a_session_without_its_csrf_token_is_a_refusal_on_record_at_the_api(mrs_hale: Patient, nora: User) -> None:
    client = signed_in(nora, enforce_csrf_checks=True)
    response = client.patch("/api/v1/patients/patient_123", "{}", content_type="application/json")
    assert response.status_code == 403
    assert refusals() == [("nora", "api", "api/v1/patients/<str:external_id>")]


def test_whoever_is_sent_to_the_login_page_is_on_record_once(db: None) -> None:
    client = Client()
    assert client.get("/admin/patients/patient/").status_code == 302
    assert refusals() == [("anonymous", "admin", "admin/patients/patient/")]
    assert client.get("/admin/login/").status_code == 200
    assert len(refusals()) == 1


def test_a_user_who_is_no_staff_is_refused_by_name(carl: User) -> None:
    client = signed_in(carl)
    with directing():
        carl.is_staff = False
        carl.save()
    assert client.get("/admin/memories/memory/").status_code == 302
    assert refusals() == [("carl", "admin", "admin/memories/memory/")]


def test_staff_who_go_in_and_out_are_refused_nothing(nora: User) -> None:
    client = signed_in(nora)
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/login/").status_code == 302
    client.post("/admin/logout/")
    assert refusals() == []


def test_a_refusal_of_any_length_is_on_record(nora_api: ApiClient) -> None:
    assert nora_api.call("GET", f"patients/{'x' * 900}")[0] == 404
    with directing():
        reason = AccessLog.objects.refusals().get().reason
    assert (len(reason), reason[-2:]) == (500, "x…")


@pytest.mark.parametrize(
    "address",
    [
        "/admin/memories/memory/?verification_status__exact=%00",
        "/admin/memories/memory/%00/change/",
        "/admin/memories/memory/_00/change/",
        "/admin/audit/accesslog/?q=%00",
        "/admin/patients/patient/?q=a%00b",
        "/api/v1/patients/%00",
    ],
)
def test_no_address_holds_a_nul(address: str, paula: User) -> None:
    client = signed_in(paula)
    client.raise_request_exception = False
    assert client.get(address).status_code in (400, 403, 404)


# --- patients --------------------------------------------------------------------------------------------------------


def test_each_patient_of_a_list_is_on_record_of_their_own(
    mrs_hale: Patient, mr_stone: Patient, nora_api: ApiClient
) -> None:
    nora_api.call("POST", "patients", {"patient_id": "new-1"})
    assert nora_api.call("GET", "patients")[0] == 200
    with directing():
        rows = AccessLog.objects.filter(event=Event.LIST)
        shown = {str(row.patient_id): row.object_ids for row in rows}
        seen = Patient.objects.exclude(pk=mr_stone.pk)
        assert shown == {str(patient.pk): [str(patient.pk)] for patient in seen}
        assert len(shown) == len(rows) == 2


def test_a_list_of_nobody_is_on_record(nora_api: ApiClient) -> None:
    assert nora_api.call("GET", "patients")[0] == 200
    with directing():
        assert AccessLog.objects.get(event=Event.LIST).patient_id is None


@pytest.mark.parametrize("external_id", ["a b", "-a", "ä", "a/b", "a\n", ".", "x" * 65, None])
def test_an_id_that_is_not_plain_is_not_called_taken(external_id: object, nora_api: ApiClient) -> None:
    status, answer = nora_api.call("POST", "patients", {"patient_id": external_id})
    if external_id == "a\n":  # the ends are trimmed
        assert (status, answer["patient_id"]) == (201, "a")
    else:
        assert (status, list(answer)) == (400, ["patient_id"])
        assert "taken" not in str(answer)


def test_an_id_that_is_taken_is_called_so(mr_stone: Patient, nora_api: ApiClient) -> None:
    status, answer = nora_api.call("POST", "patients", {"patient_id": "stone-1"})
    assert (status, answer) == (400, {"patient_id": ["This id is taken: choose another."]})


def test_a_key_for_named_patients_registers_none(mrs_hale: Patient, nora: User) -> None:
    token = token_for(nora, all_patients=False)
    with directing():
        AccessKey.objects.get().patients.add(mrs_hale)
    status, answer = ApiClient(token).call("POST", "patients", {"patient_id": "new-1"})
    assert status == 403
    assert "named patients" in answer["detail"]
    with directing():
        assert not Patient.objects.filter(external_id="new-1").exists()


def test_a_change_writes_only_what_was_sent(mrs_hale: Patient) -> None:
    with directing():
        early = Patient.objects.get(pk=mrs_hale.pk)
        mrs_hale.family_name = "Hale-North"
        mrs_hale.save(update_fields=["family_name"])
        serializer = PatientSerializer(early, data={"given_name": "Edie"}, partial=True)
        assert serializer.is_valid()
        serializer.save()
        now = Patient.objects.get(pk=mrs_hale.pk)
    assert (now.given_name, now.family_name) == ("Edie", "Hale-North")
    assert now.updated_at > mrs_hale.updated_at


# --- behind a proxy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("203.0.113.9:4711", None),
        ("[2001:db8::1]:4711", None),
        ("unknown", None),
        ("203.0.113.9,", None),
        ("'; DROP TABLE", None),
    ],
)
def test_a_trusted_proxys_word_is_an_address_or_nothing(
    forwarded: str, address: str | None, settings: object, mrs_hale: Patient, nora_api: ApiClient
) -> None:
    settings.TRUST_PROXY_HEADERS = True
    response = nora_api.get("/api/v1/patients/patient_123", headers={"X-Forwarded-For": forwarded})
    assert response.status_code == 200
    with directing():
        assert AccessLog.objects.get(event=Event.READ).remote_addr == address


def test_the_clients_own_word_counts_for_nothing(mrs_hale: Patient, nora_api: ApiClient) -> None:
    nora_api.get("/api/v1/patients/patient_123", headers={"X-Forwarded-For": "203.0.113.9"})
    with directing():
        assert AccessLog.objects.get(event=Event.READ).remote_addr == "127.0.0.1"


@pytest.mark.parametrize(("trusted", "is_secure"), [("true", "True"), ("false", "False")])
def test_the_scheme_is_the_word_of_a_trusted_proxy_alone(trusted: str, is_secure: str) -> None:
    asked = (
        "import django; django.setup()\n"
        "from django.test import RequestFactory\n"
        "print(RequestFactory().get('/', headers={'X-Forwarded-Proto': 'https'}).is_secure())"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "homecare.settings", "TRUST_PROXY_HEADERS": trusted}
    told = subprocess.check_output([sys.executable, "-c", asked], cwd=PROJECT, env=environment, text=True)
    assert told.strip() == is_secure
