"""What could not be read is listed without a patient's words, and read after all."""

import io

import pytest
from django.core.management import CommandError, call_command

from audit.models import AccessLog, Event
from memories.ingestion import carry_out, give_up, take_in
from memories.models import ExtractionRun, Memory, RunState
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import said


@pytest.fixture
def failed(mrs_hale: Patient, carl: User) -> ExtractionRun:
    return failed_run(mrs_hale, carl, "I'm allergic to penicillin.")


def failed_run(patient: Patient, by: User, words: str) -> ExtractionRun:
    actor = actor_for(by)
    run = take_in(patient=patient, utterances=said(words), by=actor).run
    give_up(run_id=run.pk, patient_id=patient.pk, by=actor, reason="the model did not answer")
    return run


def retry(*arguments: str) -> str:
    out = io.StringIO()
    call_command("retry_runs", *arguments, stdout=out)
    return out.getvalue()


def pending() -> list[ExtractionRun]:
    with directing():
        return list(ExtractionRun.objects.filter(state=RunState.PENDING))


def test_failed_runs_are_listed_with_their_reason_alone(failed: ExtractionRun) -> None:
    listed = retry()
    assert f"{failed.pk}" in listed
    assert "the model did not answer" in listed
    assert "penicillin" not in listed
    assert "1 failed." in listed
    assert pending() == []


def test_all_are_started_again_and_read(failed: ExtractionRun, mrs_hale: Patient, carl: User) -> None:
    failed_run(mrs_hale, carl, "She takes lisinopril 10 mg every morning.")
    assert "2 started again" in retry("--all")
    for run in pending():
        carry_out(run_id=run.pk, patient_id=mrs_hale.pk, by=actor_for(carl))
    with directing():
        assert set(Memory.objects.values_list("about", flat=True)) == {"penicillin", "lisinopril"}
        assert AccessLog.objects.filter(event=Event.EXTRACT, actor_label="retry_runs").count() == 2
    assert "0 failed." in retry()


def test_one_is_started_again_by_its_id_and_only_once(failed: ExtractionRun, mrs_hale: Patient, carl: User) -> None:
    other = failed_run(mrs_hale, carl, "She likes the window open.")
    assert "1 started again" in retry(str(failed.pk))
    assert [run.conversation_id for run in pending()] == [failed.conversation_id]
    with pytest.raises(CommandError, match="No failed run waits"):
        retry(str(failed.pk), str(other.pk))
    assert len(pending()) == 1


@pytest.mark.django_db
def test_what_is_no_id_is_said() -> None:
    with pytest.raises(CommandError, match="latest is no id of a run"):
        retry("latest")
