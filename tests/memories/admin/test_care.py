"""Who sees what in the admin: nobody sees a patient outside their care, whichever address they try."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry as DjangoLogEntry
from django.contrib.auth.models import Group
from django.urls import reverse

from audit.models import AccessLog, Event, Outcome
from memories.ingestion import give_up, take_in
from memories.models import Conversation, ExtractionRun, Memory, ReviewTask
from patients.models import AccessKey, CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import ApiClient, actor_for, directing, person
from tests.memories.talk import hear, said

PATIENT_MODELS = (Patient, Conversation, Memory, ReviewTask, ExtractionRun)


@pytest.fixture
def failed_run(mrs_hale: Patient, carl: User) -> ExtractionRun:
    actor = actor_for(carl)
    intake = take_in(patient=mrs_hale, utterances=said("She likes the window open."), by=actor, title="Hale at noon")
    give_up(run_id=intake.run.pk, patient_id=mrs_hale.pk, by=actor, reason="the model did not answer")
    return intake.run


def addresses_of(row: Any) -> list[str]:
    """Every page of the admin about one row."""
    opts = row._meta
    pages = ["change", "history", "delete"]
    found = [reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=[row.pk]) for page in pages]
    if isinstance(row, Patient):
        found.append(reverse("admin:patients_patient_overview", args=[row.pk]))
    return found


def test_unassigned_nurse_is_refused_every_page_of_a_patient_and_the_refusal_is_on_record(
    browse: Callable, penicillin: Memory, failed_run: ExtractionRun, uma: User
) -> None:
    client = browse(uma)
    with directing():
        rows: list[Any] = [model.objects.first() for model in PATIENT_MODELS[1:]]
        rows.append(penicillin.patient)
        assert {type(row) for row in rows} == set(PATIENT_MODELS)
    tried = [address for row in rows for address in addresses_of(row)]
    # Nobody deletes anything or edits a run: this is said before it is asked whose they are.
    forbidden = {address for address in tried if address.endswith("/delete/") or "/extractionrun/" in address}
    forbidden -= {address for address in tried if address.endswith("/history/")}
    for address in tried:
        response = client.get(address)
        assert response.status_code == (403 if address.endswith("/delete/") else 404), address
        assert b"Hale" not in response.content
        assert client.post(address, {"post": "yes"}).status_code == (403 if address in forbidden else 404), address
    with directing():
        refusals = AccessLog.objects.refusals().filter(actor_label="uma")
        assert refusals.count() == 2 * len(tried)
        assert all(str(row.pk) in " ".join(refusals.values_list("reason", flat=True)) for row in rows)


def test_unassigned_nurse_finds_nothing_in_lists_filters_forms_and_autocomplete(
    browse: Callable, penicillin: Memory, failed_run: ExtractionRun, uma: User
) -> None:
    client = browse(uma)
    lists = [reverse(f"admin:{m._meta.app_label}_{m._meta.model_name}_changelist") for m in PATIENT_MODELS]
    pages = [reverse("admin:index"), *lists, reverse("admin:memories_conversation_add")]
    pages += [f"{address}?patient={penicillin.patient_id}" for address in lists[1:]]
    pages += [reverse("admin:patients_careassignment_changelist"), reverse("admin:audit_accesslog_changelist")]
    for address in pages:
        response = client.get(address)
        assert response.status_code == 200, address
        for word in (b"Hale", b"patient_123", b"penicillin", str(penicillin.pk).encode()):
            assert word not in response.content, (address, word)
    for model, field in (("memory", "patient"), ("reviewtask", "memory"), ("conversation", "patient")):
        query = {"app_label": "memories", "model_name": model, "field_name": field, "term": "a"}
        assert client.get(reverse("admin:autocomplete"), query).status_code == 404


@pytest.mark.parametrize("who", ["paula", "adam"])
def test_privacy_officer_and_administrator_open_no_patient_pages(
    who: str, browse: Callable, penicillin: Memory, request: pytest.FixtureRequest
) -> None:
    client = browse(request.getfixturevalue(who))
    for model in PATIENT_MODELS:
        assert (
            client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")).status_code == 403
        )
    assert b"Hale" not in client.get(reverse("admin:index")).content


def test_administrator_assigns_by_id_and_sees_no_name(
    browse: Callable, adam: User, nora: User, mr_stone: Patient
) -> None:
    client = browse(adam)
    form = {"patient_id_typed": "stone-1", "user": nora.pk, "role": Role.CLINICIAN}
    form |= {"starts_at_0": "2026-01-05", "starts_at_1": "08:00:00", "ends_at_0": "", "ends_at_1": ""}
    assert client.post(reverse("admin:patients_careassignment_add"), form).status_code == 302
    again = client.post(reverse("admin:patients_careassignment_add"), form)
    assert b"This person is assigned to this patient already." in again.content
    listed = client.get(reverse("admin:patients_careassignment_changelist")).content
    assert b"stone-1" in listed
    assert b"Stone" not in listed
    assert b"Walter" not in listed
    with directing():
        assert AccessLog.objects.get(event=Event.CREATE, actor_label="adam").patient_id == mr_stone.pk
        assert mr_stone in Patient.objects.visible_to(actor_for(nora))


def test_new_access_key_is_shown_once_and_opens_the_api(browse: Callable, nora: User) -> None:
    client = browse(nora)
    form = {"user": nora.pk, "label": "Tablet", "scopes": ["read"], "expires_at_0": "2099-01-01"}
    response = client.post(reverse("admin:patients_accesskey_add"), {**form, "expires_at_1": "00:00:00"})
    token = response.context_data["token"]
    assert token in response.content.decode()
    assert not any(token in cookie.value for cookie in response.cookies.values())
    assert client.get("/api/v1/patients", headers={"Authorization": f"Token {token}"}).status_code == 200
    assert token not in client.get(reverse("admin:patients_accesskey_changelist")).content.decode()


def key_form(user: User, **more: Any) -> dict[str, Any]:
    expiry = {"expires_at_0": "2099-01-01", "expires_at_1": "00:00:00"}
    return {"user": user.pk, "label": "Tablet", "scopes": ["read"], **expiry, **more}


def test_key_for_named_patients_opens_those_alone(
    browse: Callable, nora: User, mrs_hale: Patient, mr_stone: Patient
) -> None:
    with directing():
        CareAssignment.objects.create(user=nora, patient=mr_stone, role=Role.CLINICIAN)
    client = browse(nora)
    added = client.post(reverse("admin:patients_accesskey_add"), key_form(nora, patient_ids=" stone-1, "))
    program = ApiClient(added.context_data["token"])

    def seen() -> list[str]:
        return [patient["patient_id"] for patient in program.call("GET", "patients")[1]["results"]]

    assert seen() == ["stone-1"]
    assert program.call("GET", "patients/patient_123/summary")[0] == 404
    with directing():
        key = AccessKey.objects.get(label="Tablet")
        assert AccessLog.objects.filter(resource="patients.accesskey", patient_id=mr_stone.pk).count() == 1
    page = reverse("admin:patients_accesskey_change", args=[key.pk])
    assert b'value="stone-1"' in client.get(page).content
    assert client.post(page, key_form(nora, patient_ids="stone-1, patient_123")).status_code == 302
    assert set(seen()) == {"stone-1", "patient_123"}
    assert client.post(page, key_form(nora, patient_ids="patient_123")).status_code == 302
    assert seen() == ["patient_123"]


def test_key_for_a_patient_outside_its_users_care_opens_nothing(
    browse: Callable, adam: User, mrs_hale: Patient, mr_stone: Patient
) -> None:
    with directing():
        agent = person("scheduler", Role.AGENT)
        CareAssignment.objects.create(user=agent, patient=mrs_hale, role=Role.AGENT)
    added = browse(adam).post(reverse("admin:patients_accesskey_add"), key_form(agent, patient_ids="stone-1"))
    assert ApiClient(added.context_data["token"]).call("GET", "patients")[1]["results"] == []


def test_key_for_an_unknown_patient_is_not_made(browse: Callable, nora: User, mrs_hale: Patient) -> None:
    form = key_form(nora, patient_ids="patient_123, nobody-1")
    page = browse(nora).post(reverse("admin:patients_accesskey_add"), form)
    assert b"At least one id is no patient" in page.content
    with directing():
        assert not AccessKey.objects.exists()


def test_nothing_is_deleted_by_anybody(browse: Callable, penicillin: Memory, nora: User, adam: User) -> None:
    for user in (nora, adam):
        client = browse(user)
        for model in admin.site._registry:
            name = f"{model._meta.app_label}_{model._meta.model_name}"
            with directing():
                row = model._default_manager.first()
            if row is not None:
                deleting = client.post(reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"})
                assert deleting.status_code == 403, name
            client.post(
                reverse(f"admin:{name}_changelist"),
                {"action": "delete_selected", "_selected_action": [str(row.pk) if row else ""], "post": "yes"},
            )
    with directing():
        assert Memory.objects.filter(pk=penicillin.pk).exists()
        assert Patient.objects.filter(pk=penicillin.patient_id).exists()


def test_reading_is_on_record_for_each_patient_shown(
    browse: Callable, penicillin: Memory, mr_stone: Patient, nora: User
) -> None:
    with directing():
        CareAssignment.objects.create(user=nora, patient=mr_stone, role=Role.CLINICIAN)
    client = browse(nora)
    client.get(reverse("admin:patients_patient_changelist"))
    client.get(reverse("admin:memories_memory_change", args=[penicillin.pk]))
    client.get(reverse("admin:memories_memory_history", args=[penicillin.pk]))
    with directing():
        listed = AccessLog.objects.filter(event=Event.LIST, resource="patients.patient", actor_label="nora")
        assert {(entry.patient_id, *entry.object_ids) for entry in listed} == {
            (patient.pk, str(patient.pk)) for patient in (penicillin.patient, mr_stone)
        }
        for event in (Event.READ, Event.HISTORY):
            entry = AccessLog.objects.get(event=event, resource="memories.memory", actor_label="nora")
            assert (entry.patient_id, entry.object_ids) == (penicillin.patient_id, [str(penicillin.pk)])
            assert entry.outcome == Outcome.SUCCESS


def test_names_reach_no_title_no_message_and_not_djangos_own_log(
    browse: Callable, mrs_hale: Patient, nora: User
) -> None:
    client = browse(nora)
    address = reverse("admin:patients_patient_change", args=[mrs_hale.pk])
    page = client.get(address).content.decode()
    assert "Hale" not in page.partition("<title>")[2].partition("</title>")[0]
    form = {"given_name": "Edith", "family_name": "Hale-Moore", "is_active": "on"}
    response = client.post(address, {**form, "birth_date": "", "consent_given_by": ""})
    assert response.status_code == 302
    assert not any("Hale" in cookie.value for cookie in response.cookies.values())
    with directing():
        mrs_hale.refresh_from_db()
        assert mrs_hale.family_name == "Hale-Moore"
        assert not DjangoLogEntry.objects.exists()
        assert AccessLog.objects.filter(event=Event.UPDATE, patient_id=mrs_hale.pk).count() == 1


def test_a_patient_who_opts_out_on_the_page_leaves_every_recall(
    browse: Callable, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient prefers tea in the morning.")
    address = reverse("admin:patients_patient_change", args=[mrs_hale.pk])
    form = {"given_name": "Edith", "family_name": "Hale", "is_active": "on", "birth_date": "", "consent_given_by": ""}
    response = browse(nora).post(address, {**form, "opted_out_at_0": "2026-01-02", "opted_out_at_1": "08:00:00"})
    assert response.status_code == 302
    with directing():
        assert [memory.category for memory in Memory.objects.for_patient(mrs_hale).live()] == ["allergy"]


def test_clinician_registers_a_patient_who_is_then_in_her_care(browse: Callable, nora: User) -> None:
    client = browse(nora)
    form = {"external_id": "new-1", "given_name": "Ada", "family_name": "Finch", "is_active": "on"}
    response = client.post(reverse("admin:patients_patient_add"), form)
    assert response.status_code == 302
    assert b"Finch" in client.get(response.url).content


def test_administrator_who_is_a_clinician_too_sees_the_patients_in_her_care_alone(
    browse: Callable, mrs_hale: Patient, mr_stone: Patient, nora: User
) -> None:
    """The database shows an administrator every patient, to assign people to; the pages do not."""
    with directing():
        nora.groups.add(Group.objects.get(name=Role.ADMINISTRATOR))
    client = browse(nora)
    for page in ("admin:patients_patient_changelist", "admin:memories_conversation_add"):
        content = client.get(reverse(page)).content
        assert b"Hale" in content
        assert b"Stone" not in content
    assert client.get(reverse("admin:patients_patient_overview", args=[mr_stone.pk])).status_code == 404
