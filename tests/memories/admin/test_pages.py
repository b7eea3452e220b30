"""What the pages say, and what they cost."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit.models import AccessLog, Event
from memories.admin.summaries import summary_panel
from memories.ingestion import give_up, take_in
from memories.models import Conversation, ExtractionRun, Memory, RunState
from memories.narrative import Narrative, Sentence
from memories.summary import Summary
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import actor_for, directing
from tests.memories.talk import hear, said

DRUGS = (
    *("lisinopril", "metformin", "warfarin", "atorvastatin", "omeprazole", "furosemide", "sertraline", "gabapentin"),
    *("prednisone", "levothyroxine", "amlodipine", "losartan", "tramadol", "citalopram", "digoxin"),
)

LISTS = [
    "admin:index",
    "admin:patients_patient_changelist",
    "admin:memories_reviewtask_changelist",
    "admin:memories_memory_changelist",
    "admin:memories_conversation_changelist",
    "admin:memories_extractionrun_changelist",
    "admin:audit_accesslog_changelist",
    "admin:patients_careassignment_changelist",
]


def fill(nora: User, drugs: tuple[str, ...], name: str) -> None:
    """A patient for each drug, in Nora's care."""
    for drug in drugs:
        with directing():
            patient = Patient.objects.create(external_id=f"{name}-{drug}", given_name=drug.title(), family_name=name)
            CareAssignment.objects.create(user=nora, patient=patient, role=Role.CLINICIAN)
        hear(patient, nora, f"Patient: I take {drug} 10 mg every morning.")


@pytest.mark.parametrize("page", LISTS)
def test_lists_cost_the_same_number_of_queries_for_3_patients_and_for_15(
    page: str, browse: Callable, nora: User
) -> None:
    client = browse(nora)
    fill(nora, DRUGS[:3], "Few")
    client.get(reverse(page))
    with CaptureQueriesContext(connection) as few:
        assert client.get(reverse(page)).status_code == 200
    fill(nora, DRUGS[3:15], "Many")
    with CaptureQueriesContext(connection) as many:
        assert client.get(reverse(page)).status_code == 200
    assert len(many) == len(few)


def test_patient_without_a_word_reads_unknown_and_never_none(browse: Callable, mrs_hale: Patient, nora: User) -> None:
    page = browse(nora).get(reverse("admin:patients_patient_overview", args=[mrs_hale.pk])).content.decode()
    assert "Unknown. Nobody has asserted that there are none" in page
    assert "No known allergies" not in page
    assert "That is not to say that there is none." in page
    assert "No question is open." in page
    assert "Nothing has been said yet." in page


def test_list_of_patients_calls_nobody_unknown_who_has_an_unconfirmed_allergy(
    browse: Callable, penicillin: Memory, nora: User
) -> None:
    page = browse(nora).get(reverse("admin:patients_patient_changelist")).content.decode()
    assert "1 recorded" in page
    assert "Unknown" not in page


def test_failed_reading_says_why_and_is_started_again_once(browse: Callable, mrs_hale: Patient, nora: User) -> None:
    actor = actor_for(nora)
    intake = take_in(patient=mrs_hale, utterances=said("Patient: I'm allergic to latex."), by=actor)
    give_up(run_id=intake.run.pk, patient_id=mrs_hale.pk, by=actor, reason="the model did not answer")
    client = browse(nora)
    assert b"1 conversation could not be read." in client.get(reverse("admin:index")).content
    runs = reverse("admin:memories_extractionrun_changelist")
    assert b"Could not be read: the model did not answer" in client.get(runs).content
    chosen = {"action": "start_selected_again", "_selected_action": [str(intake.run.pk)]}
    for _ in range(2):
        assert client.post(runs, chosen).status_code == 302
    with directing():
        assert ExtractionRun.objects.filter(conversation=intake.conversation, state=RunState.PENDING).count() == 1
    assert b"could not be read." not in client.get(reverse("admin:index")).content


def test_caregiver_adds_a_note_that_is_kept_word_by_word_and_queued(
    browse: Callable, mrs_hale: Patient, mr_stone: Patient, carl: User
) -> None:
    client, address = browse(carl), reverse("admin:memories_conversation_add")
    note = {"patient": mrs_hale.pk, "said_at": "2026-03-02T09:30", "title": "Morning"}
    said_there = "Mrs. Hale: I'm allergic to latex.\nCarl: I'll write that down."
    response = client.post(address, {**note, "text": said_there})
    with directing():
        conversation = Conversation.objects.get()
        assert (conversation.recorded_by, conversation.source) == (carl, "admin")
        turns = list(conversation.turns.values_list("speaker", "text"))
        assert turns == [("Mrs. Hale", "I'm allergic to latex."), ("Carl", "I'll write that down.")]
        assert conversation.runs.get().state == RunState.PENDING
        assert not Memory.objects.exists()
    assert response.url == reverse("admin:memories_conversation_change", args=[conversation.pk])
    assert b"Being read" in client.get(response.url).content
    refused = client.post(address, {**note, "patient": mr_stone.pk, "text": said_there})
    assert refused.status_code == 200
    with directing():
        assert Conversation.objects.count() == 1


def test_words_of_a_turn_are_escaped(browse: Callable, mrs_hale: Patient, nora: User) -> None:
    run = hear(mrs_hale, nora, "Patient: <script>alert(1)</script> I'm allergic to latex.")
    page = browse(nora).get(reverse("admin:memories_conversation_change", args=[run.conversation_id])).content
    assert b"<script>alert(1)" not in page
    assert b"&lt;script&gt;alert(1)" in page
    assert b"<mark>" in page


def test_patient_page_sums_up_with_each_sentence_linked_to_its_memory(
    browse: Callable, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "She prefers her tea without sugar.")
    response = browse(nora).get(reverse("admin:patients_patient_overview", args=[mrs_hale.pk]))
    page, panel = response.content.decode(), response.context["panel"]
    assert [sentence.text.partition(" (")[0] for sentence in panel.critical] == ["Allergic to penicillin"]
    assert "unconfirmed, said" in panel.critical[0].text
    assert "2 memories · allergy 1 · preference 1 · 1 open question" in " ".join(page.split())
    with directing():
        for memory in Memory.objects.all():
            assert reverse("admin:memories_memory_change", args=[memory.pk]) in page
        row = AccessLog.objects.get(event=Event.SUMMARY)
        assert set(row.object_ids) == {str(memory.pk) for memory in Memory.objects.all()}


def test_sentence_of_several_memories_has_a_number_for_each_and_names_the_model() -> None:
    said = [Sentence("Allergic to latex (unconfirmed).", ["a"]), Sentence("Well.", ["b", "c"]), Sentence("So.", ["b"])]
    narrative = Narrative(said, "tiny", timezone.now(), is_stale=False)
    panel = summary_panel(summary_with(narrative))
    assert [sentence.sources for sentence in (*panel.critical, *panel.told)] == [
        ((1, "a"),),
        ((2, "b"), (3, "c")),
        ((2, "b"),),
    ]
    assert panel.worded_by == "tiny"


def summary_with(narrative: Narrative) -> Summary:
    """A summary of one critical item with this text."""
    empty: list = []
    return Summary(Patient(), 3, 1, {"allergy": 1}, [Memory()], empty, empty, empty, empty, narrative)


@pytest.mark.parametrize("page", sorted(settings.BASE_DIR.glob("*/templates/**/*.html")), ids=lambda page: page.name)
def test_templates_hold_no_script_no_handler_and_no_style_of_their_own(page: Path) -> None:
    """So that a Content-Security-Policy that forbids these breaks no page of ours."""
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", page.read_text())
