"""A care team: whoever belongs to it sees its patients, while both do. And keys that are limited to one."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.utils import IntegrityError, ProgrammingError
from django.urls import reverse
from django.utils import timezone

from audit.actors import acting_as
from audit.models import AccessLog, Event
from patients.models import AccessKey, CareAssignment, CareTeam, Patient, TeamMember, TeamPatient, User
from patients.roles import Role
from tests.conftest import ApiClient, actor_for, change, directing, person, token_for
from tests.patients.test_doors import signed_in

NOW, DAY = timezone.now, timedelta(days=1)


@pytest.fixture
def night_team(nora: User, mr_stone: Patient) -> CareTeam:
    """Nora belongs to it, and it cares for Mr. Stone."""
    with directing():
        team = CareTeam.objects.create(name="Night")
        TeamMember.objects.create(team=team, user=nora)
        TeamPatient.objects.create(team=team, patient=mr_stone)
    return team


@pytest.fixture
def scheduler(night_team: CareTeam, mrs_hale: Patient) -> User:
    """A program in the night team, which is assigned to Mrs. Hale as well."""
    with directing():
        agent = person("scheduler", Role.AGENT)
        TeamMember.objects.create(team=night_team, user=agent)
        CareAssignment.objects.create(user=agent, patient=mrs_hale, role=Role.AGENT)
    return agent


def seen_by(client: ApiClient) -> list[str]:
    return [patient["patient_id"] for patient in client.call("GET", "patients")[1]["results"]]


def test_member_sees_the_patients_of_the_team(night_team: CareTeam, nora_api: ApiClient) -> None:
    assert seen_by(nora_api) == ["stone-1"]
    assert nora_api.call("GET", "patients/stone-1/summary")[0] == 200


@pytest.mark.parametrize("of", ["members", "cared_for"])
@pytest.mark.parametrize(
    ("starts", "ends", "sees"),
    [(-2 * DAY, None, True), (-2 * DAY, DAY, True), (-2 * DAY, -DAY, False), (DAY, None, False)],
)
def test_a_team_is_seen_through_only_while_both_belong_to_it(
    of: str, starts: timedelta, ends: timedelta | None, sees: bool, night_team: CareTeam, nora_api: ApiClient
) -> None:
    with directing():
        change(getattr(night_team, of).all(), starts_at=NOW() + starts, ends_at=NOW() + ends if ends else None)
    assert seen_by(nora_api) == (["stone-1"] if sees else [])
    assert nora_api.call("GET", "patients/stone-1")[0] == (200 if sees else 404)


def test_a_period_ends_after_it_starts_and_nobody_belongs_twice(night_team: CareTeam, nora: User) -> None:
    with directing():
        for wrong in ({"starts_at": NOW(), "ends_at": NOW() - DAY}, {}):
            with pytest.raises(IntegrityError), transaction.atomic():
                TeamMember.objects.create(team=night_team, user=nora, **wrong)


def test_key_for_a_team_opens_its_patients_alone(scheduler: User, night_team: CareTeam, mr_stone: Patient) -> None:
    program = ApiClient(token_for(scheduler, all_patients=False))
    assert seen_by(program) == []
    with directing():
        AccessKey.objects.get().teams.add(night_team)
    assert seen_by(program) == ["stone-1"]
    assert program.call("GET", "patients/patient_123")[0] == 404
    with directing():
        change(night_team.cared_for.all(), starts_at=NOW() - 2 * DAY, ends_at=NOW() - DAY)
    assert seen_by(program) == []


def test_administrator_sets_up_a_team_by_ids_without_a_name(
    adam: User, nora: User, mr_stone: Patient, nora_api: ApiClient
) -> None:
    client = signed_in(adam)
    form: dict[str, Any] = {"name": "Night"}
    for prefix in ("members", "cared_for"):
        form |= {f"{prefix}-TOTAL_FORMS": 1, f"{prefix}-INITIAL_FORMS": 0}
        form |= {f"{prefix}-0-starts_at_0": "2026-01-05", f"{prefix}-0-starts_at_1": "08:00:00"}
    form |= {"members-0-user": nora.pk, "cared_for-0-patient_id_typed": "stone-1"}
    response = client.post(reverse("admin:patients_careteam_add"), form)
    assert response.status_code == 302, response.context_data["errors"]
    assert seen_by(nora_api) == ["stone-1"]
    with directing():
        team = CareTeam.objects.get()
        entry = AccessLog.objects.get(event=Event.CREATE, resource="patients.teampatient")
        assert (entry.actor_label, entry.patient_id) == ("adam", mr_stone.pk)
    pages = [reverse("admin:patients_careteam_change", args=[team.pk]), reverse("admin:patients_careteam_changelist")]
    for page in map(client.get, pages):
        assert page.status_code == 200
        assert b"Stone" not in page.content
    assert b"stone-1" in client.get(pages[0]).content


def test_team_of_an_unknown_patient_is_not_saved(adam: User) -> None:
    form = {"name": "Night", "members-TOTAL_FORMS": 0, "members-INITIAL_FORMS": 0}
    form |= {"cared_for-TOTAL_FORMS": 1, "cared_for-INITIAL_FORMS": 0, "cared_for-0-patient_id_typed": "nobody"}
    form |= {"cared_for-0-starts_at_0": "2026-01-05", "cared_for-0-starts_at_1": "08:00:00"}
    page = signed_in(adam).post(reverse("admin:patients_careteam_add"), form)
    assert b"No patient has this id" in page.content
    with directing():
        assert not CareTeam.objects.exists()


def test_the_database_lets_nobody_but_an_administrator_change_a_team(night_team: CareTeam, carl: User) -> None:
    for table in (TeamMember, TeamPatient, CareTeam):
        fields = {"team": night_team, "user": carl} if table is TeamMember else {"name": "Carl's"}
        with directing():
            fields = fields if table is not TeamPatient else {"team": night_team, "patient": Patient.objects.get()}
        with acting_as(actor_for(carl)), pytest.raises(ProgrammingError, match="row-level security"):
            table.objects.create(**fields)
    with acting_as(actor_for(carl)):
        assert not CareTeam.objects.exists()
        assert not TeamPatient.objects.exists()


# --- whose key it is -------------------------------------------------------------------------------------------------


def key_for(user: User, **more: Any) -> dict[str, Any]:
    expiry = {"expires_at_0": "2099-01-01", "expires_at_1": "00:00:00"}
    return {"user": user.pk, "label": "Tablet", "scopes": ["read"], **expiry, **more}


def test_administrator_makes_keys_for_agents_alone(
    adam: User, nora: User, scheduler: User, night_team: CareTeam
) -> None:
    client, page = signed_in(adam), reverse("admin:patients_accesskey_add")
    refused = client.post(page, key_for(nora))
    assert b"Select a valid choice" in refused.content
    made = client.post(page, key_for(scheduler, key_teams=[night_team.pk]))
    assert seen_by(ApiClient(made.context_data["token"])) == ["stone-1"]


def test_the_database_makes_no_key_in_anothers_name(adam: User, nora: User, scheduler: User) -> None:
    with directing():
        scheduler.groups.add(Group.objects.get(name=Role.CLINICIAN))
    for other in (nora, scheduler):  # an agent who is a clinician too is a clinician
        key = AccessKey(user=other, label="quiet")
        key.renew_token()
        with acting_as(actor_for(adam)), pytest.raises(ProgrammingError, match="row-level security"):
            key.save()


def test_administrator_revokes_anothers_key_and_changes_nothing_else_of_it(
    adam: User, nora: User, nora_api: ApiClient, mrs_hale: Patient
) -> None:
    with directing():
        key = AccessKey.objects.get(user=nora)
    key.renew_token()
    with acting_as(actor_for(adam)), pytest.raises(ProgrammingError, match="row-level security"):
        key.save()
    client = signed_in(adam)
    changed = client.post(reverse("admin:patients_accesskey_change", args=[key.pk]), key_for(nora, label="mine"))
    assert changed.status_code == 403
    assert nora_api.call("GET", "patients")[0] == 200
    chosen = {"action": "revoke", "_selected_action": [str(key.pk)]}
    assert client.post(reverse("admin:patients_accesskey_changelist"), chosen).status_code == 302
    assert nora_api.call("GET", "patients")[0] == 401


def test_whoever_is_no_administrator_sees_their_own_keys_alone(nora: User, carl: User, mrs_hale: Patient) -> None:
    with directing():
        key = AccessKey.objects.get(pk=AccessKey.objects.usable().for_token(token_for(carl)).get().pk)
    client = signed_in(nora)
    listed = client.get(reverse("admin:patients_accesskey_changelist"))
    assert list(listed.context_data["cl"].result_list) == []
    assert client.get(reverse("admin:patients_accesskey_change", args=[key.pk])).status_code == 404


def test_a_key_stays_with_its_user(nora: User, carl: User, mrs_hale: Patient) -> None:
    client = signed_in(nora)
    client.post(reverse("admin:patients_accesskey_add"), key_for(nora))
    with directing():
        key = AccessKey.objects.get()
    page = reverse("admin:patients_accesskey_change", args=[key.pk])
    assert client.post(page, key_for(carl, label="Other")).status_code == 302
    with directing():
        key.refresh_from_db()
        assert (key.user, key.label) == (nora, "Other")
