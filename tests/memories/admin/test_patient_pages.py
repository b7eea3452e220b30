"""The pages about one patient: what they say, for whom, and what stays on record of it."""

import json
from collections.abc import Callable

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.ingestion import carry_out
from memories.models import Conversation, ExtractionRun, Memory, ReviewTask
from memories.questions import ask_again
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import actor_for, directing
from tests.memories.talk import hear

PAGES = ("overview", "visit", "timeline", "reconciliation", "print")


def page_of(browse: Callable, user: User, patient: Patient, name: str = "overview") -> str:
    return browse(user).get(reverse(f"admin:patients_patient_{name}", args=[patient.pk])).content.decode()


def part(page: str, heading: str) -> str:
    """What stands in the section with this id of its heading, without line breaks."""
    return " ".join(page.partition(f'id="{heading}"')[2].partition("</section>")[0].split())


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_a_patient_is_on_record_with_what_it_showed_and_closed_to_others(
    name: str, browse: Callable, penicillin: Memory, nora: User, uma: User
) -> None:
    address = reverse(f"admin:patients_patient_{name}", args=[penicillin.patient_id])
    assert "penicillin" in browse(nora).get(address).content.decode()
    refused = browse(uma).get(address)
    assert refused.status_code == 404
    assert b"penicillin" not in refused.content
    with directing():
        shown = AccessLog.objects.for_patient(penicillin.patient_id).filter(actor_label="nora")
        seen = shown.filter(event__in=(Event.SUMMARY, Event.LIST), resource="memories.memory").latest("recorded_at")
        assert str(penicillin.pk) in seen.object_ids
        assert AccessLog.objects.refusals().filter(actor_label="uma").count() == 1


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_a_patient_cost_the_same_number_of_queries_for_2_memories_and_for_20(
    name: str, browse: Callable, mrs_hale: Patient, nora: User
) -> None:
    client, address = browse(nora), reverse(f"admin:patients_patient_{name}", args=[mrs_hale.pk])
    drugs = ("warfarin", "omeprazole", "furosemide", "sertraline", "gabapentin", "prednisone", "digoxin", "losartan")
    hear(mrs_hale, nora, "Patient: I take lisinopril 10 mg every morning.", "Patient: I'm allergic to latex.")
    with directing():
        actions_on = Memory.objects.get(about__iexact="lisinopril")
    with acting_as(actor_for(nora)):
        actions.confirm(actions_on, by=nora, reason="Asked her.")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        assert client.get(address).status_code == 200
    said = [f"Patient: I take {drug} 10 mg every morning." for drug in drugs]
    seen = [f"Her blood pressure was 1{n}0/80." for n in range(1, 9)]
    hear(mrs_hale, nora, *said, *seen, "Patient: I'm allergic to codeine.", "Patient: I'm allergic to peanuts.")
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few)


def test_patient_page_shows_conflicts_team_consent_and_who_looked(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User, carl: User
) -> None:
    page_of(browse, carl, mrs_hale)
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    page = page_of(browse, nora, mrs_hale)
    assert "This was denied in a later conversation." in part(page, "conflicts")
    assert "carl" in part(page, "team")
    assert "Sensitive matters are left out" in part(page, "consent")
    assert "carl" in part(page, "looked")
    assert page.index('id="allergies"') < page.index('id="conflicts"') < page.index('id="medications"')
    assert 'id="looked"' not in page_of(browse, carl, mrs_hale)


def test_timeline_shows_what_was_refuted_struck_through_with_its_reason(
    browse: Callable, penicillin: Memory, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="Only a stomach ache.")
    page = page_of(browse, nora, mrs_hale, "timeline")
    assert f"<s>{penicillin.content}</s>" in page
    assert "Only a stomach ache." in page
    assert lisinopril.content in page


def test_reconciliation_sets_what_was_said_beside_what_is_confirmed(
    browse: Callable, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.confirm(lisinopril, by=nora, reason="Read it on the package.")
    assert "Nothing beside what is confirmed." in page_of(browse, nora, mrs_hale, "reconciliation")
    hear(mrs_hale, nora, "Patient: I take lisinopril 20 mg every morning.")
    page = page_of(browse, nora, mrs_hale, "reconciliation")
    assert "dose said otherwise" in page
    assert page.index("20 mg") < page.index("Read it on the package.")
    assert "Unknown. Nobody has asserted that there are none" in page


def test_visit_page_tells_the_caregiver_what_to_ask_and_what_is_in_question(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User, carl: User
) -> None:
    with acting_as(actor_for(nora)):
        ask_again(ReviewTask.objects.get(memory=penicillin), by=nora, reason="What happened when she took it?")
    page = page_of(browse, carl, mrs_hale, "visit")
    assert "What happened when she took it?" in part(page, "ask")
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    assert "This was denied" in part(page_of(browse, carl, mrs_hale, "visit"), "conflicts")


def test_note_in_two_taps_is_kept_and_told_what_became_of_it(
    browse: Callable, mrs_hale: Patient, nora: User, carl: User
) -> None:
    client, address = browse(carl), reverse("admin:patients_patient_visit", args=[mrs_hale.pk])
    assert b"You have not added a note" in client.get(address).content
    note = {"seen": ["Slept badly.", "Was dizzy."], "text": "She said she takes lisinopril 10 mg every morning."}
    assert client.post(address, note).url == address + "#mine"
    with directing():
        conversation = Conversation.objects.get(recorded_by=carl)
        assert [turn.text for turn in conversation.turns.all()] == [*note["seen"], note["text"]]
        run = ExtractionRun.objects.get(conversation=conversation)
    assert "Being read" in part(client.get(address).content.decode(), "mine")
    carry_out(run_id=run.pk, patient_id=mrs_hale.pk, by=actor_for(carl))
    with directing():
        memory = Memory.objects.get(category="medication")
    with acting_as(actor_for(nora)):
        actions.confirm(memory, by=nora, reason="Read it on the package.")
    mine = part(client.get(address).content.decode(), "mine")
    assert memory.content in mine
    assert "Confirmed" in mine
    assert "Read it on the package." in mine


def test_empty_note_is_asked_for_and_nothing_is_stored(browse: Callable, mrs_hale: Patient, carl: User) -> None:
    address = reverse("admin:patients_patient_visit", args=[mrs_hale.pk])
    assert b"say what you saw" in browse(carl).post(address, {"text": "  "}).content
    with directing():
        assert not Conversation.objects.exists()


def test_caregiver_finds_the_visit_of_each_patient_on_the_first_page(
    browse: Callable, mrs_hale: Patient, mr_stone: Patient, carl: User
) -> None:
    page = browse(carl).get(reverse("admin:index")).content.decode()
    assert reverse("admin:patients_patient_visit", args=[mrs_hale.pk]) in page
    assert "Stone" not in page
    with directing():
        CareAssignment.objects.create(user=carl, patient=mr_stone, role=Role.CAREGIVER)
    assert "Walter Stone" in browse(carl).get(reverse("admin:index")).content.decode()


def test_printed_summary_tells_each_items_status_and_nothing_refuted(
    browse: Callable, penicillin: Memory, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="Only a stomach ache.")
        actions.confirm(lisinopril, by=nora, reason="Read it on the package.")
    page = page_of(browse, nora, mrs_hale, "print")
    assert "penicillin" not in page
    assert "Confirmed, said" in page
    assert "Unknown. Nobody has asserted that there are none" in page
    assert "Hale" not in page.partition("<title>")[2].partition("</title>")[0]


# --- handed out ------------------------------------------------------------------------------------------------------

PURPOSE = {"purpose": "The patient asked for it", "recipient": "Her daughter"}


def export(browse: Callable, user: User, patient: Patient, **fields: str) -> HttpResponse:
    return browse(user).post(reverse("admin:patients_patient_export", args=[patient.pk]), fields)


def test_export_hands_out_everything_with_its_status_and_is_on_record_with_its_purpose(
    browse: Callable, penicillin: Memory, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="Only a stomach ache.")
    answer = export(browse, nora, mrs_hale, form="jsonl", **PURPOSE)
    told = {row["id"]: row for row in map(json.loads, answer.content.decode().splitlines())}
    assert told[str(penicillin.pk)]["verification_status"] == "refuted"
    assert told[str(lisinopril.pk)]["verification_status"] == "unconfirmed"
    assert "Hale" not in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    with directing():
        entry = AccessLog.objects.for_patient(mrs_hale.pk).get(event=Event.EXPORT)
        assert set(entry.object_ids) == set(told)
        assert entry.reason == "The patient asked for it. To: Her daughter"


@pytest.mark.parametrize(("form", "content_type"), [("csv", "text/csv"), ("fhir", "application/fhir+json")])
def test_export_comes_in_the_form_that_was_chosen(
    form: str, content_type: str, browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    answer = export(browse, nora, mrs_hale, form=form, **PURPOSE)
    assert answer["Content-Type"].startswith(content_type)
    assert b"enicillin" in answer.content


@pytest.mark.parametrize("missing", ["purpose", "recipient"])
def test_nothing_is_handed_out_without_a_purpose_and_a_recipient(
    missing: str, browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    answer = export(browse, nora, mrs_hale, form="jsonl", **{**PURPOSE, missing: ""})
    assert answer["Content-Type"].startswith("text/html")
    assert b"penicillin" not in answer.content
    with directing():
        assert not AccessLog.objects.filter(event=Event.EXPORT).exists()


def test_caregiver_hands_out_nothing(browse: Callable, penicillin: Memory, mrs_hale: Patient, carl: User) -> None:
    assert export(browse, carl, mrs_hale, form="jsonl", **PURPOSE).status_code == 403
