"""Decisions through the admin: by the one rule, whole or not at all, and never past another's."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.admin.decisions import fingerprint
from memories.choices import VerificationStatus
from memories.models import Memory, ReviewTask, TaskKind, TaskState
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import hear


def task_of(memory: Memory, kind: TaskKind = TaskKind.VERIFY) -> ReviewTask:
    with directing():
        return ReviewTask.objects.select_related("memory", "decided_by", "ask_again_by").get(memory=memory, kind=kind)


def address_of(task: ReviewTask) -> str:
    return reverse("admin:memories_reviewtask_change", args=[task.pk])


def seen(memory: Memory, task: ReviewTask | None = None) -> str:
    """What a page about this memory, or about a question, has shown."""
    with directing():
        current = ReviewTask.objects.select_related("related").get(pk=task.pk) if task else None
        return fingerprint(Memory.objects.with_details().get(pk=memory.pk), current)


def status_of(memory: Memory) -> str:
    with directing():
        return Memory.objects.get(pk=memory.pk).verification_status


def decide(client: Client, memory: Memory, decision: str, **fields: str) -> Any:
    task = task_of(memory)
    said = {"decision": decision, "seen": seen(memory, task), "reason": "Asked her.", **fields}
    return client.post(address_of(task), said)


def test_confirm_goes_on_to_the_next_question(
    browse: Callable, penicillin: Memory, lisinopril: Memory, nora: User
) -> None:
    response = decide(browse(nora), penicillin, "confirm")
    assert response.url == address_of(task_of(lisinopril))
    assert status_of(penicillin) == VerificationStatus.CONFIRMED
    assert task_of(penicillin).state == TaskState.DECIDED


def test_refuted_allergy_stays_on_the_patients_page_struck_through_with_its_reason(
    browse: Callable, penicillin: Memory, nora: User
) -> None:
    client = browse(nora)
    decide(client, penicillin, "refute", reason_refute="The patient denies it")
    page = client.get(reverse("admin:patients_patient_overview", args=[penicillin.patient_id])).content.decode()
    assert "<s>" in page
    assert "The patient denies it. Asked her." in page
    assert "Nobody has asserted that there are none" in page


def test_correction_changes_typed_fields_and_keeps_the_original(
    browse: Callable, lisinopril: Memory, nora: User
) -> None:
    client = browse(nora)
    fields = {"drug": "lisinopril", "dose": "20 mg", "route": "", "frequency": "every morning", "status": "active"}
    assert decide(client, lisinopril, "correct", **fields).status_code == 302
    with directing():
        corrected = Memory.objects.live().with_details().get(patient=lisinopril.patient_id)
        assert (corrected.medication.dose, corrected.verified_by) == ("20 mg", nora)
        original = Memory.objects.get(pk=lisinopril.pk)
        assert (original.superseded_by, original.medication.dose) == (corrected, "10 mg")
    page = client.get(reverse("admin:memories_memory_history", args=[corrected.pk])).content.decode()
    assert "20 mg" in page
    assert "10 mg" in page
    assert "Reason: Asked her." in page


@pytest.mark.parametrize("fields", [{"reason": ""}, {"reason": "  "}, {"decision": "delete"}, {"decision": "keep"}])
def test_decision_that_is_not_complete_stores_nothing(
    browse: Callable, penicillin: Memory, nora: User, fields: dict[str, str]
) -> None:
    response = decide(browse(nora), penicillin, **{"decision": "confirm", **fields})
    assert response.status_code == 200
    assert status_of(penicillin) == VerificationStatus.UNCONFIRMED


def test_refusal_of_the_domain_is_shown_and_nothing_is_half_stored(
    browse: Callable, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient: I take lisinopril 20 mg every evening.")
    fields = {"drug": "lisinopril", "dose": "20 mg", "route": "", "frequency": "every evening", "status": "active"}
    response = decide(browse(nora), lisinopril, "correct", **fields)
    assert b"Another memory says this already" in response.content
    with directing():
        assert Memory.objects.get(pk=lisinopril.pk).is_live


def test_second_reviewer_does_not_overwrite_the_first(browse: Callable, penicillin: Memory, nora: User) -> None:
    client, before = browse(nora), seen(penicillin)
    with acting_as(actor_for(nora)):
        actions.confirm(penicillin, by=nora, reason="Seen on her bracelet.")
    address = reverse("admin:memories_memory_change", args=[penicillin.pk])
    response = client.post(address, {"decision": "refute", "reason": "She denies it.", "seen": before})
    assert b"This has changed since you opened it" in response.content
    assert b"Seen on her bracelet." in response.content
    assert status_of(penicillin) == VerificationStatus.CONFIRMED


def test_caregiver_decides_nothing_and_the_attempt_is_on_record(
    browse: Callable, penicillin: Memory, carl: User
) -> None:
    client = browse(carl)
    said = {"decision": "confirm", "seen": seen(penicillin), "reason": "I am sure."}
    memory_page = reverse("admin:memories_memory_change", args=[penicillin.pk])
    assert b"What do you decide?" not in client.get(memory_page).content
    for address in (memory_page, address_of(task_of(penicillin)), reverse("admin:memories_reviewtask_changelist")):
        assert client.post(address, said).status_code == 403
    assert status_of(penicillin) == VerificationStatus.UNCONFIRMED
    with directing():
        assert AccessLog.objects.refusals().filter(actor_label="carl").count() == 3


# --- asked again -----------------------------------------------------------------------------------------------------


def test_question_to_be_asked_again_stays_open_and_the_next_one_follows(
    browse: Callable, penicillin: Memory, lisinopril: Memory, nora: User
) -> None:
    client = browse(nora)
    assert decide(client, penicillin, "ask-again", reason="Which penicillin?").url == address_of(task_of(lisinopril))
    task = task_of(penicillin)
    assert (task.state, task.ask_again_note, task.ask_again_by) == (TaskState.OPEN, "Which penicillin?", nora)
    assert status_of(penicillin) == VerificationStatus.UNCONFIRMED
    page = client.get(address_of(task)).content.decode()
    assert "Which penicillin?" in page
    assert "Nothing has been said about it since." in page
    assert b"To be asked again" in client.get(reverse("admin:memories_memory_history", args=[penicillin.pk])).content


def test_question_asked_again_comes_after_those_that_nobody_has_seen(
    browse: Callable, penicillin: Memory, lisinopril: Memory, nora: User
) -> None:
    client = browse(nora)
    decide(client, penicillin, "ask-again")
    assert decide(client, lisinopril, "ask-again").url == reverse("admin:memories_reviewtask_changelist")
    assert decide(client, lisinopril, "confirm").url == address_of(task_of(penicillin))


def test_words_said_since_a_question_was_asked_again_are_announced(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    client = browse(nora)
    decide(client, penicillin, "ask-again")
    hear(mrs_hale, nora, "Patient: Yes, I'm allergic to penicillin, as I said.")
    assert b"Something has been said about it since" in client.get(address_of(task_of(penicillin))).content


@pytest.mark.parametrize("reason", ["", "  "])
def test_question_is_not_asked_again_without_saying_what(
    browse: Callable, penicillin: Memory, nora: User, reason: str
) -> None:
    assert decide(browse(nora), penicillin, "ask-again", reason=reason).status_code == 200
    assert task_of(penicillin).ask_again_at is None


# --- two people, one question ----------------------------------------------------------------------------------------


def test_answer_to_a_question_is_not_overwritten_by_somebody_who_saw_it_open(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User, nina: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.confirm(penicillin, by=nora, reason="Seen on her bracelet.")
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    task = task_of(penicillin, TaskKind.CONFLICT)
    both_saw = seen(penicillin, task)
    kept = {"decision": "keep", "seen": both_saw, "reason": "She mixed it up."}
    assert browse(nora).post(address_of(task), kept).status_code == 302
    refuted = {"decision": "refute", "seen": both_saw, "reason": "She denies it."}
    answer = browse(nina).post(address_of(task), refuted)
    assert b"This has changed since you opened it." in answer.content
    assert b"She mixed it up." in answer.content
    assert status_of(penicillin) == VerificationStatus.CONFIRMED


def test_words_that_came_in_under_a_reviewers_hands_are_read_before_anything_is_decided(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    task = task_of(penicillin)
    before = seen(penicillin, task)
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    said = {"decision": "confirm", "seen": before, "reason": "Asked her."}
    assert b"This has changed since you opened it." in browse(nora).post(address_of(task), said).content
    assert status_of(penicillin) == VerificationStatus.UNCONFIRMED


# --- what a reviewer is shown ----------------------------------------------------------------------------------------


def test_review_shows_what_speaks_for_and_against(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient: As I said, I'm allergic to penicillin.")
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.")
    page = browse(nora).get(address_of(task_of(penicillin))).content.decode()
    against = page.partition("Speaks against it")[2].partition("Other allergies and medications")[0]
    assert "Said 2 times" in page.partition("Speaks for it")[2].partition("Speaks against it")[0]
    assert "Takes amoxicillin 500 mg" in against
    assert "Allergy to penicillin (unconfirmed, reaction not said) and amoxicillin." in against


def test_alert_names_its_evidence_and_its_source(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.")
    with directing():
        task = ReviewTask.objects.open().get(kind=TaskKind.ALLERGY_DRUG)
    page = browse(nora).get(address_of(task)).content.decode()
    assert "Evidence A: the same drug or the same group." in page
    assert f"Source: {task.evidence['source']}." in page
    assert "Not reviewed by a pharmacist" in page


def test_what_was_refuted_of_the_same_thing_is_shown_with_its_reason(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="Only a stomach ache.")
    hear(mrs_hale, nora, "Patient: I'm allergic to penicillin.")
    page = browse(nora).get(address_of(task_of(penicillin, TaskKind.SAID_AGAIN))).content.decode()
    assert "Only a stomach ache." in page


def test_review_costs_the_same_number_of_queries_however_much_is_known(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    client, address = browse(nora), address_of(task_of(penicillin))
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        assert client.get(address).status_code == 200
    drugs = ("warfarin", "omeprazole", "furosemide", "sertraline", "ampicillin", "cephalexin", "digoxin", "losartan")
    hear(mrs_hale, nora, *(f"Patient: I take {drug} 10 mg every morning." for drug in drugs))
    hear(mrs_hale, nora, "Patient: I'm allergic to codeine.", "Patient: I told you I'm allergic to penicillin.")
    with CaptureQueriesContext(connection) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few)


# --- many at once ----------------------------------------------------------------------------------------------------


def bulk(client: Client, *memories: Memory, **fields: str) -> Any:
    tasks = [task_of(memory) for memory in memories]
    chosen = {"action": "confirm_selected", "_selected_action": [str(task.pk) for task in tasks], **fields}
    chosen |= {f"seen_{task.pk}": seen(task.memory) for task in tasks if "confirmed" in fields}
    return client.post(reverse("admin:memories_reviewtask_changelist"), chosen)


def test_bulk_confirm_shows_the_words_first_and_asks_why(
    browse: Callable, penicillin: Memory, lisinopril: Memory, nora: User
) -> None:
    client = browse(nora)
    assert b"<mark>" in bulk(client, penicillin, lisinopril).content
    assert b"Say why" in bulk(client, penicillin, lisinopril, confirmed="yes", reason=" ").content
    assert status_of(penicillin) == status_of(lisinopril) == VerificationStatus.UNCONFIRMED


def test_bulk_confirm_confirms_each_with_its_record(
    browse: Callable, penicillin: Memory, lisinopril: Memory, nora: User
) -> None:
    bulk(browse(nora), penicillin, lisinopril, confirmed="yes", reason="Read on the list")
    assert status_of(penicillin) == status_of(lisinopril) == VerificationStatus.CONFIRMED
    with directing():
        assert AccessLog.objects.filter(event=Event.CONFIRM, reason="Read on the list").count() == 2


def test_bulk_confirm_leaves_out_what_was_contradicted(
    browse: Callable, penicillin: Memory, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    with directing():
        assert ReviewTask.objects.open().filter(memory=penicillin, kind=TaskKind.CONFLICT).exists()
    response = bulk(browse(nora), penicillin, lisinopril, confirmed="yes", reason="Read on the list")
    assert response.status_code == 302
    assert status_of(penicillin) == VerificationStatus.UNCONFIRMED
    assert status_of(lisinopril) == VerificationStatus.CONFIRMED


def test_bulk_confirm_is_not_for_caregivers(browse: Callable, penicillin: Memory, carl: User) -> None:
    assert bulk(browse(carl), penicillin, confirmed="yes", reason="Sure").status_code == 403
    assert status_of(penicillin) == VerificationStatus.UNCONFIRMED


# --- questions about what is decided already -------------------------------------------------------------------------


def test_denied_after_it_was_confirmed_it_can_stay_as_it_is_with_a_reason(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    with acting_as(actor_for(nora)):
        actions.confirm(penicillin, by=nora, reason="Seen on her bracelet.")
    hear(mrs_hale, nora, "Nurse: Are you allergic to penicillin?", "Patient: No, I'm not allergic to penicillin.")
    task = task_of(penicillin, TaskKind.CONFLICT)
    client = browse(nora)
    assert b"It stays as decided" in client.get(address_of(task)).content
    said = {"decision": "keep", "seen": seen(penicillin, task), "reason": "She mixed it up."}
    assert client.post(address_of(task), said).status_code == 302
    task = task_of(penicillin, TaskKind.CONFLICT)
    assert (task.state, task.reason, task.decided_by) == (TaskState.DECIDED, "She mixed it up.", nora)
    assert status_of(penicillin) == VerificationStatus.CONFIRMED
