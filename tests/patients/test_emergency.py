"""Emergency access: one patient, a reason, a time limit, an alert, and a review by somebody else."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.exceptions import ValidationError
from django.db.utils import IntegrityError, ProgrammingError
from django.urls import reverse
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from audit.actors import acting_as
from audit.models import AccessLog, Event, Outcome
from patients.emergency import review_emergency_access
from patients.models import EmergencyAccess, Patient, User
from patients.tasks import mail_each_officer
from tests.conftest import ApiClient, actor_for, change, directing, token_for
from tests.patients.test_doors import signed_in

TAKEN = "patients/stone-1/emergency-access"
REASON = {"reason": "Found unconscious on the stairs"}


@pytest.fixture
def other(db: None) -> Iterator[Patient]:
    with directing():
        yield Patient.objects.create(external_id="other-1", given_name="Olive", family_name="Quill")


def test_clinician_sees_that_patient_alone_and_it_is_on_record_with_its_reason(
    nora: User, mr_stone: Patient, other: Patient, nora_api: ApiClient
) -> None:
    assert nora_api.call("GET", "patients/stone-1")[0] == 404
    status, answer = nora_api.call("POST", TAKEN, REASON)
    assert (status, answer["patient_key"], answer["user"]) == (201, str(mr_stone.pk), "nora")
    assert nora_api.call("GET", "patients/stone-1/summary")[0] == 200
    assert [patient["patient_id"] for patient in nora_api.call("GET", "patients")[1]["results"]] == ["stone-1"]
    assert nora_api.call("GET", "patients/other-1")[0] == 404
    with directing():
        entry = AccessLog.objects.get(event=Event.EMERGENCY)
        assert (entry.actor_label, entry.patient_id, entry.reason) == ("nora", mr_stone.pk, REASON["reason"])


@pytest.mark.parametrize("said", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}])
def test_there_is_none_without_a_reason(said: dict[str, str], mr_stone: Patient, nora_api: ApiClient) -> None:
    status, answer = nora_api.call("POST", TAKEN, said)
    assert (status, list(answer)) == (400, ["reason"])
    assert nora_api.call("GET", "patients/stone-1")[0] == 404


def test_it_ends_by_the_clock(settings: Any, mr_stone: Patient, nora_api: ApiClient) -> None:
    settings.EMERGENCY_ACCESS_MINUTES = 30
    until = nora_api.call("POST", TAKEN, REASON)[1]["until"]
    assert nora_api.call("GET", "patients/stone-1")[0] == 200
    with directing():
        access = EmergencyAccess.objects.get()
        assert until == access.until.isoformat().replace("+00:00", "Z")
        assert access.until - access.granted_at == timedelta(minutes=30)
    with time_machine.travel(timezone.now() + timedelta(minutes=31)), directing():  # the clock of the queryset
        assert not EmergencyAccess.objects.current().exists()
    with directing():  # the clock of the database
        change([access], granted_at=access.granted_at - timedelta(minutes=31), until=timezone.now())
    assert nora_api.call("GET", "patients/stone-1")[0] == 404


def test_it_lasts_a_day_at_most(mr_stone: Patient, nora: User) -> None:
    too_long = timezone.now() + timedelta(days=1, minutes=1)
    with directing(), pytest.raises(IntegrityError, match="one_day_at_most"):
        EmergencyAccess.objects.create(user=nora, patient=mr_stone, reason="x", until=too_long)


def test_it_is_not_needed_in_ones_own_care_and_an_unknown_id_is_a_404(mrs_hale: Patient, nora_api: ApiClient) -> None:
    status, answer = nora_api.call("POST", "patients/patient_123/emergency-access", REASON)
    assert (status, answer) == (
        400,
        {"patient_id": ["This patient is in your care already: no emergency access is needed."]},
    )
    assert nora_api.call("POST", "patients/nobody-1/emergency-access", REASON)[0] == 404
    with directing():
        assert not EmergencyAccess.objects.exists()
        assert AccessLog.objects.refusals().get(reason="nobody-1")


@pytest.mark.parametrize("who", ["carl", "adam", "paula"])
def test_it_is_for_clinicians_alone(who: str, request: pytest.FixtureRequest, mr_stone: Patient) -> None:
    user = request.getfixturevalue(who)
    assert ApiClient(token_for(user)).call("POST", TAKEN, REASON)[0] == 403
    assert signed_in(user).get(reverse("admin:patients_emergencyaccess_add")).status_code == 403
    now = timezone.now()
    with acting_as(actor_for(user)), pytest.raises(ProgrammingError, match="row-level security"):
        EmergencyAccess.objects.create(user=user, patient_id=mr_stone.pk, reason="x", until=now + timedelta(hours=1))


def test_a_key_for_named_patients_takes_none(mr_stone: Patient, nora: User) -> None:
    assert ApiClient(token_for(nora, all_patients=False)).call("POST", TAKEN, REASON)[0] == 403


# --- the alert -------------------------------------------------------------------------------------------------------


def test_the_privacy_officer_is_told_at_once_and_nothing_of_the_patient(
    settings: Any, paula: User, mr_stone: Patient, nora_api: ApiClient
) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    with directing():
        paula.email = "paula@example.org"
        paula.save()
    nora_api.call("POST", TAKEN, REASON)
    with directing():
        job = ProcrastinateJob.objects.get(task_name="patients.mail_privacy_officers")
    mail_each_officer(**job.args)
    (message,) = mail.outbox
    assert message.to == ["paula@example.org"]
    assert "nora has taken emergency access" in message.body
    for secret in ("Stone", "Walter", "stone-1", str(mr_stone.pk), "unconscious", "stairs"):
        assert secret not in f"{message.subject} {message.body} {job.args}"


def test_without_a_mail_server_the_pages_alone_tell(paula: User, mr_stone: Patient, nora_api: ApiClient) -> None:
    nora_api.call("POST", TAKEN, REASON)
    with directing():
        assert not ProcrastinateJob.objects.filter(task_name="patients.mail_privacy_officers").exists()
    client = signed_in(paula)
    assert client.get(reverse("admin:index")).context_data["sidebar_navigation"]
    listed = client.get(reverse("admin:patients_emergencyaccess_changelist")).content
    assert b"Goes on" in listed or b"goes on" in listed


# --- the review ------------------------------------------------------------------------------------------------------


def test_a_privacy_officer_reviews_what_was_looked_at_without_a_name(
    paula: User, mr_stone: Patient, nora_api: ApiClient
) -> None:
    nora_api.call("POST", TAKEN, REASON)
    nora_api.call("GET", "patients/stone-1/summary")
    with directing():
        access = EmergencyAccess.objects.get()
    client, page = signed_in(paula), reverse("admin:patients_emergencyaccess_change", args=[access.pk])
    shown = client.get(page)
    assert [entry.event for entry in shown.context_data["looked_at"]] == [Event.EMERGENCY, Event.SUMMARY]
    assert b"Stone" not in shown.content
    assert client.post(page, {"finding": ""}).status_code == 200
    assert client.post(page, {"finding": "An emergency indeed."}).status_code == 302
    assert client.post(page, {"finding": "Again."}).status_code == 403
    with directing():
        access.refresh_from_db()
        assert (access.reviewed_by, access.finding) == (paula, "An emergency indeed.")
        entry = AccessLog.objects.get(event=Event.UPDATE, resource="patients.emergencyaccess")
        assert (entry.actor_label, entry.reason) == ("paula", "Reviewed: An emergency indeed.")


def test_it_is_reviewed_over_rest(paula: User, mr_stone: Patient, nora_api: ApiClient) -> None:
    nora_api.call("POST", TAKEN, REASON)
    officer = ApiClient(token_for(paula))
    (listed,) = officer.call("GET", "emergency-accesses")[1]["results"]
    assert listed["reviewed_at"] is None
    page = f"emergency-accesses/{listed['id']}/review"
    assert nora_api.call("POST", page, {"finding": "All fine."})[0] == 403
    assert officer.call("POST", page, {})[0] == 400
    assert officer.call("POST", page, {"finding": "All fine."})[1]["finding"] == "All fine."
    assert officer.call("POST", page, {"finding": "All fine."})[0] == 400


def test_nobody_reviews_their_own_and_nobody_sees_anothers(
    carl: User, paula: User, mr_stone: Patient, nora: User, nora_api: ApiClient
) -> None:
    nora_api.call("POST", TAKEN, REASON)
    with directing():
        access = EmergencyAccess.objects.get()
        with pytest.raises(ValidationError, match="Somebody else"):
            review_emergency_access(access, finding="Fine.", by=nora)
    with acting_as(actor_for(carl)):
        assert not EmergencyAccess.objects.exists()
    with acting_as(actor_for(paula)), pytest.raises(ProgrammingError, match="row-level security"):
        EmergencyAccess.objects.update(reviewed_by=carl, reviewed_at=timezone.now())


# --- the page --------------------------------------------------------------------------------------------------------


def test_clinician_breaks_the_glass_on_a_page(nora: User, mr_stone: Patient) -> None:
    client, page = signed_in(nora), reverse("admin:patients_emergencyaccess_add")
    assert b"For an emergency alone." in client.get(page).content
    unknown = client.post(page, {"patient_id": "nobody-1", **REASON})
    assert b"No patient has this id" in unknown.content
    answer = client.post(page, {"patient_id": "stone-1", **REASON})
    assert answer.url == reverse("admin:patients_patient_overview", args=[mr_stone.pk])
    assert b"Stone" in client.get(answer.url).content
    with directing():
        tried = AccessLog.objects.filter(event=Event.EMERGENCY).order_by("recorded_at")
        assert [(row.outcome, row.patient_id) for row in tried] == [
            (Outcome.REFUSED, None),
            (Outcome.SUCCESS, mr_stone.pk),
        ]
