"""From words to memories: nothing lost, nothing twice, and each memory tied to its words."""

import pytest
from django.db import connection
from django.db.utils import ProgrammingError
from procrastinate.contrib.django.models import ProcrastinateJob

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories.choices import VerificationStatus
from memories.ingestion import ConversationRefused, carry_out, take_in
from memories.models import Conversation, ExtractionRun, Memory, Mention, ReviewTask, RunState, TaskKind, Turn
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import MONDAY, hear, said


def test_conversation_run_and_job_are_stored_together(mrs_hale: Patient, nora: User) -> None:
    intake = take_in(
        patient=mrs_hale, utterances=said("Nurse: Any allergies?", "Patient: Penicillin."), by=actor_for(nora)
    )
    with directing():
        assert [turn.text for turn in intake.conversation.turns.all()] == ["Any allergies?", "Penicillin."]
        assert ExtractionRun.objects.get().state == RunState.PENDING
        assert [job.args["run_id"] for job in ProcrastinateJob.objects.all()] == [str(intake.run.pk)]


def test_nothing_is_stored_when_the_job_cannot_be(
    mrs_hale: Patient, nora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("The queue is away.")

    monkeypatch.setattr("memories.receivers.enqueue_extraction", fail)
    with pytest.raises(OSError, match="queue is away"):
        take_in(patient=mrs_hale, utterances=said("Allergic to penicillin."), by=actor_for(nora))
    with directing():
        assert not Conversation.objects.exists()
        assert not Turn.objects.exists()


@pytest.mark.parametrize(
    ("lines", "advice"),
    [
        ([], "send at least one turn"),
        (["   ", "\n"], "send at least one turn"),
        (["with a \x00 in it"], "NUL"),
        (["x" * 20_001], "20000 characters"),
    ],
)
def test_what_cannot_be_taken_in_is_refused_whole(lines: list[str], advice: str, mrs_hale: Patient, nora: User) -> None:
    with pytest.raises(ConversationRefused, match=advice):
        take_in(patient=mrs_hale, utterances=said(*lines), by=actor_for(nora))
    with directing():
        assert not Conversation.objects.exists()


def test_fact_is_remembered_with_its_words_and_put_before_staff(mrs_hale: Patient, nora: User) -> None:
    run = hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with directing():
        memory = Memory.objects.get()
        assert memory.allergy.substance == "penicillin"
        assert memory.verification_status == VerificationStatus.UNCONFIRMED
        mention = memory.mentions.get()
        assert mention.turn.text[mention.start : mention.end] == mention.quote
        assert mention.run == run
        assert [task.kind for task in ReviewTask.objects.filter(memory=memory)] == [TaskKind.VERIFY]
        assert run.made == [memory.pk]


def test_run_carried_out_twice_changes_nothing(mrs_hale: Patient, nora: User) -> None:
    run = hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    carry_out(run_id=run.pk, patient_id=mrs_hale.pk, by=actor_for(nora))
    with directing():
        assert Memory.objects.get().times_said == 1
        assert Mention.objects.count() == 1


def test_same_source_id_is_taken_in_once(mrs_hale: Patient, nora: User) -> None:
    first = hear(mrs_hale, nora, "Patient is allergic to penicillin.", source_id="visit-7")
    again = hear(mrs_hale, nora, "Patient is allergic to penicillin.", source_id="visit-7")
    assert again.pk == first.pk
    with directing():
        assert Conversation.objects.count() == 1


def test_same_fact_said_again_is_one_memory_said_twice(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    run = hear(mrs_hale, nora, "She says she is allergic to penicillin.")
    with directing():
        memory = Memory.objects.get()
        assert memory.times_said == 2
        assert memory.mentions.count() == 2
        assert run.made == []
        assert run.reinforced == [memory.pk]


def test_empty_talk_makes_a_finished_run_and_no_memory(mrs_hale: Patient, nora: User) -> None:
    run = hear(mrs_hale, nora, "Nurse: Good morning!", "Patient: Morning. Lovely weather.")
    assert (run.state, run.made) == (RunState.DONE, [])


def test_nothing_is_remembered_of_a_patient_who_opted_out(mrs_hale: Patient, nora: User) -> None:
    with directing():
        mrs_hale.opted_out_at = MONDAY
        mrs_hale.save()
    run = hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    assert run.state == RunState.DONE
    with directing():
        assert not Memory.objects.exists()
        assert Turn.objects.exists()


def test_extraction_is_on_record_as_a_system_actor(mrs_hale: Patient, nora: User) -> None:
    run = hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with directing():
        row = AccessLog.objects.get(event=Event.EXTRACT)
        assert (row.actor_kind, row.actor_label) == ("system", "extraction for nora")
        assert row.object_ids == [str(pk) for pk in run.made]


def test_memories_are_closed_to_writes_past_the_record(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with acting_as(actor_for(nora)):
        memories = Memory.objects.all()
        for write in (lambda: memories.update(content="x"), memories.delete, lambda: Memory.objects.bulk_create([])):
            with pytest.raises(TypeError):
                write()
        with pytest.raises(TypeError):
            memories.get().delete()


@pytest.mark.parametrize("table", ["memories_memory", "memories_mention", "memories_turn", "memories_conversation"])
def test_application_role_deletes_nothing_that_was_said_or_remembered(
    table: str, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with pytest.raises(ProgrammingError, match="permission denied"), directing(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")
