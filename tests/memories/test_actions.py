"""What a clinician decides, and what nobody else can."""

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, IntegrityError

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.choices import VerificationStatus
from memories.history import history_of
from memories.models import Memory, MemoryIndex, ReviewTask
from memories.models.review import TaskState
from patients.models import KnownAllergies, Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import hear


@pytest.fixture
def penicillin(mrs_hale: Patient, carl: User) -> Memory:
    hear(mrs_hale, carl, "Patient is allergic to penicillin.")
    with directing():
        return Memory.objects.get()


def test_confirm_names_the_clinician_the_time_and_the_reason(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        confirmed = actions.confirm(penicillin, by=nora, reason="Seen on her bracelet.")
        assert confirmed.verification_status == VerificationStatus.CONFIRMED
        assert (confirmed.verified_by, confirmed.verification_reason) == (nora, "Seen on her bracelet.")
        assert confirmed.verified_at is not None
        task = ReviewTask.objects.get()
        assert (task.state, task.decision, task.decided_by) == (TaskState.DECIDED, Event.CONFIRM, nora)
        penicillin.patient.refresh_from_db()
        assert penicillin.patient.known_allergies_status == KnownAllergies.LISTED
    with directing():
        assert AccessLog.objects.get(event=Event.CONFIRM).object_ids == [str(penicillin.pk)]


def test_confirm_needs_a_reason(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)), pytest.raises(actions.DecisionRefused, match="Say why"):
        actions.confirm(penicillin, by=nora, reason="  ")


def test_caregiver_decides_nothing(penicillin: Memory, carl: User) -> None:
    with acting_as(actor_for(carl)):
        for decide in (actions.confirm, actions.refute, actions.enter_in_error, actions.correct):
            with pytest.raises(actions.ReviewRefused):
                decide(penicillin, by=carl, reason="I am sure.")


def test_second_decision_is_refused_and_says_what_became_of_it(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        actions.confirm(penicillin, by=nora, reason="Seen on her bracelet.")
        with pytest.raises(actions.DecisionRefused, match="confirmed already"):
            actions.confirm(penicillin, by=nora, reason="Again.")


def test_refuted_memory_stays_to_be_seen_and_leaves_search(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="It was her sister.")
        assert Memory.objects.get().verification_status == VerificationStatus.REFUTED
        assert not Memory.objects.live().exists()
        assert not MemoryIndex.objects.exists()


def test_reinstate_confirms_anew_and_leaves_the_refuted_one(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="It was her sister.")
        again = actions.reinstate(penicillin, by=nora, reason="Her chart says so too.")
        penicillin.refresh_from_db()
        assert penicillin.verification_status == VerificationStatus.REFUTED
        assert (again.verification_status, again.is_live) == (VerificationStatus.CONFIRMED, True)
        assert again.mentions.get().quote == penicillin.mentions.get().quote
        assert MemoryIndex.objects.get().memory == again
        with pytest.raises(actions.DecisionRefused, match="says this already"):
            actions.reinstate(penicillin, by=nora, reason="Once more.")
        with pytest.raises(actions.DecisionRefused, match="Only what was refuted"):
            actions.reinstate(again, by=nora, reason="It is live.")


def test_correct_keeps_the_original_and_its_words(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        corrected = actions.correct(
            penicillin, by=nora, reason="She means amoxicillin.", substance="amoxicillin", reaction="hives"
        )
        penicillin.refresh_from_db()
        assert (penicillin.superseded_by, penicillin.allergy.substance) == (corrected, "penicillin")
        assert corrected.content == "Allergic to amoxicillin (hives)."
        assert corrected.verification_status == VerificationStatus.CONFIRMED
        assert [m.quote for m in corrected.mentions.all()] == [m.quote for m in penicillin.mentions.all()]
        assert list(Memory.objects.live()) == [corrected]


def test_correct_of_a_detail_alone_keeps_one_live_fact(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        corrected = actions.correct(penicillin, by=nora, reason="She told me.", reaction="hives")
        assert Memory.objects.live().get() == corrected
        assert corrected.fact_key == penicillin.fact_key


def test_correct_refuses_what_changes_nothing_or_is_no_detail(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        with pytest.raises(actions.DecisionRefused, match="Nothing is changed"):
            actions.correct(penicillin, by=nora, reason="So.", substance="penicillin")
        with pytest.raises(actions.DecisionRefused, match="dose"):
            actions.correct(penicillin, by=nora, reason="So.", dose="10 mg")
        penicillin.refresh_from_db()
        assert penicillin.is_live


def test_history_tells_who_changed_what_and_why(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        actions.confirm(penicillin, by=nora, reason="Seen on her bracelet.")
        changes = history_of(Memory.objects.get())
    said = [change.event for change in changes]
    assert "said" in said
    confirmed = next(change for change in changes if "verification_status" in change.changes and change.actor == "nora")
    assert confirmed.changes["verification_status"] == ["unconfirmed", "confirmed"]
    assert confirmed.changes["verification_reason"][1] == "Seen on her bracelet."


@pytest.mark.parametrize(
    "change",
    [
        "verification_status = 'confirmed'",
        "verification_status = 'confirmed', verified_by_id = {carl}, verified_at = now(), verification_reason = 'x'",
    ],
)
def test_database_itself_refuses_a_confirmation_that_nobody_may_make(
    change: str, penicillin: Memory, carl: User
) -> None:
    with acting_as(actor_for(carl)), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE memories_memory SET {change.format(carl=carl.pk)}")


@pytest.mark.parametrize("way", ["unconfirmed", "confirmed"])
def test_no_way_leads_back_from_refuted(way: str, penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)):
        actions.refute(penicillin, by=nora, reason="It was her sister.")
        with pytest.raises(IntegrityError, match="no way leads"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE memories_memory SET verification_status = %s", [way])


def test_nothing_but_a_person_retires_an_allergy(penicillin: Memory) -> None:
    with pytest.raises(DatabaseError, match="only a person"), directing(), connection.cursor() as cursor:
        cursor.execute("UPDATE memories_memory SET clinical_status = 'inactive'")


def test_delete_of_a_critical_memory_is_refused(penicillin: Memory, nora: User) -> None:
    with acting_as(actor_for(nora)), pytest.raises(actions.ReviewRefused, match="entered-in-error"):
        actions.delete(penicillin, by=nora, reason="Not needed.")


def test_deleted_preference_leaves_every_recall_and_keeps_its_reason(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She prefers her tea without sugar.")
    with acting_as(actor_for(nora)):
        memory = Memory.objects.get()
        actions.delete(memory, by=nora, reason="No longer so.")
        assert not Memory.objects.live().exists()
        assert not MemoryIndex.objects.exists()
        assert Memory.objects.get().deletion_reason == "No longer so."
