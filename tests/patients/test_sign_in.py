"""The doors of people: second factor, lockout, idle sessions and keys, and what ends with a person's account."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from audit.models import AccessLog, Event, Outcome
from patients import keyholder
from patients.models import AccessKey, KeyUse, Patient, User
from tests.conftest import ApiClient, change, directing, token_for
from tests.patients.test_doors import PASSWORD, refusals, signed_in

SECOND_FACTOR, SET_UP = "/admin/second-factor/", "/admin/second-factor/set-up/"


@pytest.fixture
def demanded(settings: Any) -> Any:
    settings.SECOND_FACTOR = True
    return settings


def code_of(user: User) -> str:
    """What the person's phone shows."""
    with directing():
        device = TOTPDevice.objects.get(user=user)
        TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0)  # as if the last code were of long ago
    return f"{totp(device.bin_key):06d}"


def enrolled(user: User) -> tuple[Client, list[str]]:
    """A browser in which this person has just set up the second factor, and the recovery codes."""
    client = signed_in(user)
    client.get(SET_UP)
    shown = client.post(SET_UP, {"code": code_of(user)})
    return client, shown.context_data["codes"]


def logged(event: Event) -> list[tuple[str, str, str]]:
    with directing():
        rows = AccessLog.objects.filter(event=event).order_by("recorded_at")
        return [(row.actor_label, row.outcome, row.reason) for row in rows]


# --- second factor (rows 18 and 19) ----------------------------------------------------------------------------------


def test_hipaa_18_a_password_alone_opens_no_page(demanded: Any, nora: User, mrs_hale: Patient) -> None:
    client = Client()
    answer = client.post("/admin/login/", {"username": "nora", "password": PASSWORD, "next": "/admin/"})
    assert answer.url == "/admin/second-factor/?next=%2Fadmin%2F"
    assert refusals() == []
    for page in ("/admin/", "/admin/patients/patient/", reverse("admin:patients_accesskey_add")):
        assert client.get(page).url.startswith(SECOND_FACTOR)
    assert client.post(reverse("admin:patients_accesskey_add"), {"label": "quiet"}).url.startswith(SECOND_FACTOR)
    asked = client.get("/api/v1/patients")
    assert (asked.status_code, asked.json()["detail"]) == (403, "Give your second factor first: sign in at /admin/.")
    assert len(refusals()) == 5
    with directing():
        assert not AccessKey.objects.exists()


def test_it_is_set_up_with_a_first_code_and_opens_everything(demanded: Any, nora: User) -> None:
    client = signed_in(nora)
    assert client.get(SECOND_FACTOR).url.startswith(SET_UP)
    page = client.get(SET_UP)
    assert b"<svg" in page.content
    assert client.get(SET_UP).context_data["secret"] == page.context_data["secret"]
    assert b"This code is wrong" in client.post(SET_UP, {"code": "000000"}).content
    shown = client.post(SET_UP, {"code": code_of(nora)})
    assert len(set(shown.context_data["codes"])) == 10
    assert shown["Cache-Control"].startswith("max-age=0")
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/v1/patients").status_code == 200
    with directing():
        entry = AccessLog.objects.get(reason="Second factor set up")
    assert entry.actor_label == "nora"


def test_it_is_asked_for_at_the_next_sign_in_and_nobody_sets_up_another_one_instead(demanded: Any, nora: User) -> None:
    enrolled(nora)
    client = signed_in(nora)
    assert client.get(SET_UP).url.startswith(SECOND_FACTOR)
    assert b"This code is wrong or was used" in client.post(SECOND_FACTOR, {"code": "000000"}).content
    assert client.get("/admin/").status_code == 302
    answer = client.post(f"{SECOND_FACTOR}?next=/admin/memories/memory/", {"code": code_of(nora)})
    assert answer.url == "/admin/memories/memory/"
    assert client.get("/admin/").status_code == 200
    assert ("nora", Outcome.REFUSED, "Second factor") in logged(Event.LOGIN)
    assert ("nora", Outcome.SUCCESS, "Second factor: Authenticator app") in logged(Event.LOGIN)


def test_it_leads_nowhere_but_this_site(demanded: Any, nora: User) -> None:
    enrolled(nora)
    client = signed_in(nora)
    answer = client.post(f"{SECOND_FACTOR}?next=https://evil.example/", {"code": code_of(nora)})
    assert answer.url == "/admin/"


def test_a_recovery_code_opens_once(demanded: Any, nora: User) -> None:
    _, codes = enrolled(nora)
    client = signed_in(nora)
    assert client.post(SECOND_FACTOR, {"code": codes[0]}).url == "/admin/"
    again = signed_in(nora)
    assert b"This code is wrong or was used" in again.post(SECOND_FACTOR, {"code": codes[0]}).content


def test_an_administrator_removes_it_on_record_and_sessions_are_asked_anew(
    demanded: Any, nora: User, adam: User, paula: User
) -> None:
    hers, _ = enrolled(nora)
    his, _ = enrolled(adam)
    assert hers.get("/admin/").status_code == 200
    chosen = {"action": "remove_second_factor", "_selected_action": [str(nora.pk)]}
    assert his.post(reverse("admin:patients_user_changelist"), chosen).status_code == 302
    assert hers.get("/admin/").url.startswith(SECOND_FACTOR)
    assert ("adam", Outcome.SUCCESS, "Second factor removed") in logged(Event.UPDATE)


def test_hipaa_19_production_takes_no_no(settings: Any) -> None:
    settings.PRODUCTION, settings.SECOND_FACTOR = True, False
    assert "homecare.E201" in [message.id for message in run_checks()]
    settings.SECOND_FACTOR = True
    assert "homecare.E201" not in [message.id for message in run_checks()]


def test_where_it_is_off_a_password_opens_and_the_pages_say_so(nora: User) -> None:
    page = signed_in(nora).get("/admin/").content.decode()
    assert "No second factor" in page


# --- nobody sets a password for somebody else ------------------------------------------------------------------------


def test_an_administrator_makes_a_person_who_chooses_a_password_by_a_link(adam: User, paula: User) -> None:
    client = signed_in(adam)
    form = {"username": "vera", "first_name": "Vera", "last_name": "Lind", "email": "", "is_staff": "on"}
    answer = client.post(reverse("admin:patients_user_add"), form)
    with directing():
        vera = User.objects.get(username="vera")
        assert not vera.has_usable_password()
    assert answer.url == reverse("admin:auth_user_password_change", args=[vera.pk])
    assert "link" not in client.get(answer.url).context_data
    link = client.post(answer.url).context_data["link"]
    assert ("adam", Outcome.SUCCESS, "Link to choose a password") in logged(Event.UPDATE)

    browser = Client()
    page = browser.get(link.removeprefix("http://testserver"))
    assert link.rpartition("/set-password/")[2].split("/")[1] not in page.url
    chosen = {"new_password1": "morning-tea-and-toast", "new_password2": "morning-tea-and-toast"}
    assert browser.post(page.url, chosen).url == reverse("admin:login")
    assert ("set password", Outcome.SUCCESS, "Password chosen by link") in logged(Event.UPDATE)
    assert browser.post("/admin/login/", {"username": "vera", "password": chosen["new_password1"]}).status_code == 302
    assert b"This link is used up" in Client().get(link.removeprefix("http://testserver")).content


def test_a_link_ends_after_a_day_and_her_sessions_with_a_new_password(adam: User, nora: User) -> None:
    hers = signed_in(nora)
    link = signed_in(adam).post(reverse("admin:auth_user_password_change", args=[nora.pk])).context_data["link"]
    path = link.removeprefix("http://testserver")
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert b"This link is used up" in Client().get(path).content
    browser = Client()
    chosen = {"new_password1": "morning-tea-and-toast", "new_password2": "morning-tea-and-toast"}
    browser.post(browser.get(path).url, chosen)
    assert hers.get("/admin/").status_code == 302


def test_with_a_mail_server_the_link_goes_to_the_person_alone(settings: Any, adam: User, nora: User) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    with directing():
        nora.email = "nora@example.org"
        nora.save()
    shown = signed_in(adam).post(reverse("admin:auth_user_password_change", args=[nora.pk]))
    (message,) = mail.outbox
    assert message.to == ["nora@example.org"]
    link = re.search(r"/admin/set-password/\S+", message.body)
    assert link
    assert link[0] not in shown.content.decode()


# --- lockout (row 20) ------------------------------------------------------------------------------------------------


def sign_in_at(address: str, username: str, password: str, **headers: str) -> Any:
    client = Client(REMOTE_ADDR=address, headers=headers)
    return client.post("/admin/login/", {"username": username, "password": password})


def test_hipaa_20_a_name_is_locked_at_one_address_and_nobody_else(nora: User, carl: User) -> None:
    for _ in range(5):
        answer = sign_in_at("203.0.113.9", "nora", "wrong")
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert b"Too many wrong passwords: try again in 15 minutes" in answer.content
    assert sign_in_at("203.0.113.9", "nora", PASSWORD).status_code == 429
    assert (
        sign_in_at("203.0.113.9", "nora", PASSWORD, Accept="application/json").json()["detail"].startswith("Too many")
    )
    assert sign_in_at("203.0.113.9", "carl", PASSWORD).status_code == 302
    assert sign_in_at("203.0.113.10", "nora", PASSWORD).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert sign_in_at("203.0.113.9", "nora", PASSWORD).status_code == 302
    refused = [row for row in logged(Event.LOGIN) if row[1] == Outcome.REFUSED]
    assert len(refused) == 7


def test_behind_a_proxy_the_address_is_the_word_of_a_trusted_one_alone(settings: Any, nora: User) -> None:
    def fails(forwarded: str) -> int:
        return sign_in_at("10.0.0.1", "nora", "wrong", **{"X-Forwarded-For": forwarded}).status_code

    assert [fails(f"203.0.113.{n}") for n in range(5)] == [200, 200, 200, 200, 429]
    settings.TRUST_PROXY_HEADERS = True
    assert [fails(f"203.0.113.{n}") for n in range(5)] == [200] * 5


# --- idle (row 7) ----------------------------------------------------------------------------------------------------


def test_hipaa_7_an_idle_session_ends_on_record(nora: User, mrs_hale: Patient) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in(nora)
        assert client.get("/admin/").status_code == 200
        clock.shift(timedelta(minutes=14))
        assert client.get("/admin/").status_code == 200
        clock.shift(timedelta(minutes=16))
        answer = client.get("/admin/patients/patient/")
        assert answer.url == "/admin/login/?next=/admin/patients/patient/"
        assert b"You were signed out" in client.get(answer.url).content
        assert client.get("/admin/").status_code == 302
    assert logged(Event.AUTO_LOGOFF) == [("nora", Outcome.SUCCESS, "Idle for 15 minutes")]


def test_an_idle_session_is_refused_by_the_api(nora: User, mrs_hale: Patient) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in(nora)
        assert client.get("/api/v1/patients").status_code == 200
        clock.shift(timedelta(minutes=16))
        assert client.get("/api/v1/patients").status_code == 401


def test_what_a_page_asks_by_itself_keeps_no_session_alive(nora: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = signed_in(nora)
        client.get("/admin/")
        for _ in range(3):
            clock.shift(timedelta(minutes=5))
            assert client.get("/admin/", headers={"X-Background": "1"}).status_code == 200
        clock.shift(timedelta(minutes=1))
        assert client.get("/admin/", headers={"X-Background": "1"}).status_code == 302


@pytest.fixture
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyholder, "_kept", {})


def test_hipaa_7_a_key_that_lay_unused_is_revoked_on_record_once(
    settings: Any, nora: User, mrs_hale: Patient, fresh_process: None
) -> None:
    program = ApiClient(token_for(nora))
    assert program.call("GET", "patients")[0] == 200
    long_ago = timezone.now() - timedelta(days=31)
    with directing():
        assert KeyUse.objects.update(last_used_at=long_ago) == 1
        assert not AccessKey.objects.usable().exists()
    assert [program.call("GET", "patients")[0] for _ in range(2)] == [401, 401]
    assert [row[2] for row in logged(Event.AUTO_LOGOFF)] == ["Unused for 30 days"]


def test_a_key_that_was_never_used_lies_idle_since_it_was_made(nora: User, mrs_hale: Patient) -> None:
    program = ApiClient(token_for(nora))
    with directing():
        change(AccessKey.objects.all(), created_at=timezone.now() - timedelta(days=31))
    assert program.call("GET", "patients")[0] == 401


def test_use_is_kept_once_an_hour(nora_api: ApiClient, mrs_hale: Patient, fresh_process: None) -> None:
    nora_api.call("GET", "patients")
    with directing():
        KeyUse.objects.update(last_used_at=timezone.now() - timedelta(days=3))
    nora_api.call("GET", "patients")
    with directing():
        assert KeyUse.objects.get().last_used_at < timezone.now() - timedelta(days=2)


# --- access ends (row 30) --------------------------------------------------------------------------------------------


def test_hipaa_30_sessions_and_keys_end_with_the_account(nora: User, mrs_hale: Patient, nora_api: ApiClient) -> None:
    client = signed_in(nora)
    assert client.get("/admin/").status_code == 200
    assert nora_api.call("GET", "patients")[0] == 200
    with directing():
        nora.is_active = False
        nora.save()
    assert client.get("/admin/").url.startswith("/admin/login/")
    assert client.get("/api/v1/patients").status_code == 401
    assert nora_api.call("GET", "patients")[0] == 401


def test_hipaa_30_a_role_that_is_taken_away_opens_nothing_more(
    nora: User, mrs_hale: Patient, nora_api: ApiClient
) -> None:
    client = signed_in(nora)
    with directing():
        nora.groups.clear()
    assert client.get("/admin/patients/patient/").status_code == 403
    assert nora_api.call("GET", "patients")[0] == 403
