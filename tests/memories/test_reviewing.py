"""Questions that must not be lost, and decisions that must not be undone, whatever happens around them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.actors import acting_as
from memories import actions, ingestion
from memories.choices import MedicationStatus, VerificationStatus
from memories.models import Conversation, ExtractionRun, Memory, MemoryIndex, ReviewTask, TaskKind
from memories.questions import keep_as_it_is
from patients.models import KnownAllergies, Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import MONDAY, hear

TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


@pytest.fixture
def as_nora(nora: User, mrs_hale: Patient) -> Iterator[User]:
    with acting_as(actor_for(nora)):
        yield nora


def open_questions(kind: TaskKind) -> list[ReviewTask]:
    return list(ReviewTask.objects.open().filter(kind=kind).select_related("memory"))


def test_statement_that_a_drug_was_stopped_is_not_swallowed_by_a_later_dose(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient takes warfarin.")
    hear(mrs_hale, nora, "Patient: I stopped taking the warfarin.", said_at=TUESDAY)
    hear(mrs_hale, nora, "Patient takes warfarin 5 mg every day.", said_at=WEDNESDAY)
    with directing():
        statuses = set(Memory.objects.live().values_list("medication__status", flat=True))
        assert statuses == {MedicationStatus.ACTIVE, MedicationStatus.STOPPED}
        assert open_questions(TaskKind.STOPPED)


def test_alert_moves_to_the_other_strength_when_one_is_refuted(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to amoxicillin.")
    hear(mrs_hale, nora, "Patient takes amoxicillin 250 mg in the morning.", said_at=TUESDAY)
    hear(mrs_hale, nora, "Patient takes amoxicillin 500 mg in the evening.", said_at=WEDNESDAY)
    with acting_as(actor_for(nora)):
        actions.refute(Memory.objects.get(medication__dose="250 mg"), by=nora, reason="An old package.")
        [alert] = open_questions(TaskKind.ALLERGY_DRUG)
        assert alert.memory.medication.dose == "500 mg"


def test_correcting_a_detail_keeps_the_question_of_the_dose(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient takes lisinopril 10 mg every morning.")
    hear(mrs_hale, nora, "Patient takes lisinopril 20 mg every morning.", said_at=TUESDAY)
    with acting_as(actor_for(nora)):
        newer = Memory.objects.get(medication__dose="20 mg")
        corrected = actions.correct(newer, by=nora, reason="At night, she says.", frequency="every night")
        [question] = open_questions(TaskKind.DOSE_CHANGE)
        assert question.memory == corrected
        keep_as_it_is(question, by=nora, reason="Both on her list.")
        actions.correct(corrected, by=nora, reason="At noon.", frequency="at noon")
        assert not open_questions(TaskKind.DOSE_CHANGE), "the same situation was answered"


def test_overridden_alert_is_asked_again_for_a_new_reaction(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient takes amoxicillin 250 mg daily.")
    with acting_as(actor_for(nora)):
        for memory in Memory.objects.live():
            if memory.category == "medication":
                actions.confirm(memory, by=nora, reason="On her list.")
        [alert] = open_questions(TaskKind.ALLERGY_DRUG)
        keep_as_it_is(alert, by=nora, reason="Only a rash, the doctor knows.")
    hear(mrs_hale, nora, "Patient: I'm allergic to penicillin, it gave me anaphylaxis.", said_at=TUESDAY)
    with directing():
        [again] = open_questions(TaskKind.ALLERGY_DRUG)
        assert "anaphyla" in again.explanation


def test_words_read_again_after_a_decision_make_no_new_memory(mrs_hale: Patient, nora: User) -> None:
    """As when an LLM failed, the local extractor's findings were kept and decided, and the run is tried again."""
    run = hear(mrs_hale, nora, "Patient takes warfarin 5 mg daily.", "Patient is allergic to latex.")
    with acting_as(actor_for(nora)):
        actions.correct(Memory.objects.get(category="medication"), by=nora, reason="On the label.", dose="2.5 mg")
        actions.enter_in_error(Memory.objects.get(category="allergy"), by=nora, reason="Her sister's.")
    with directing():
        again = ingestion.start_again(run=ExtractionRun.objects.get(pk=run.pk))
    ingestion.carry_out(run_id=again.pk, patient_id=mrs_hale.pk, by=actor_for(nora))
    with directing():
        assert [memory.medication.dose for memory in Memory.objects.live()] == ["2.5 mg"]


def test_what_expired_counts_again_when_it_is_said_again(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She likes classical music.")
    with acting_as(actor_for(nora)):
        actions.edit(Memory.objects.get(), by=nora, expires_at=timezone.now() - timedelta(days=1))
        assert not Memory.objects.live().exists()
    run = hear(mrs_hale, nora, "She likes classical music.", "Patient is allergic to latex.", said_at=TUESDAY)
    with directing():
        assert run.state == "done"
        assert Memory.objects.live().filter(category="preference").get().times_said == 2
        assert MemoryIndex.objects.count() == 2


def test_vectors_of_another_embedder_stand_in_nobodys_way(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She likes classical music.")
    with directing():
        memory = Memory.objects.get()
        MemoryIndex.objects.create(
            patient=mrs_hale, memory=memory, embedding_model="other/8", category="preference", embedding=[0.1] * 8
        )
    run = hear(mrs_hale, nora, "She enjoys classical music.", said_at=TUESDAY)
    assert run.state == "done"


def test_opting_out_while_a_conversation_is_read_is_heeded(
    mrs_hale: Patient, nora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ingestion.read

    def read_slowly(*args: object) -> ingestion.Reading:
        with directing():
            patient = Patient.objects.get(pk=mrs_hale.pk)
            patient.opted_out_at = timezone.now()
            patient.save()
        return read(*args)  # type: ignore[arg-type] # because it passes on what it is given

    monkeypatch.setattr(ingestion, "read", read_slowly)
    hear(mrs_hale, nora, "Patient is allergic to latex.")
    with directing():
        assert not Memory.objects.exists()


def test_source_id_with_other_words_is_refused_and_nothing_is_lost(mrs_hale: Patient, nora: User, carl: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", source_id="1")
    with pytest.raises(ingestion.ConversationConflict, match="id of their own"):
        hear(mrs_hale, carl, "Patient is allergic to latex.", source_id="1")
    with directing():
        assert Conversation.objects.count() == 1


def test_sentence_of_a_critical_item_comes_from_its_details(mrs_hale: Patient, as_nora: User) -> None:
    hear(mrs_hale, as_nora, "Patient takes warfarin 5 mg daily.", "Nurse: Any allergies at all?", "Patient: No, none.")
    medication, none_known = Memory.objects.get(category="medication"), Memory.objects.get(category="allergy")
    with pytest.raises(actions.DecisionRefused, match="made from them"):
        actions.correct(medication, by=as_nora, reason="x", content="Takes warfarin 50 mg daily.")
    with pytest.raises(actions.DecisionRefused):
        actions.correct(none_known, by=as_nora, reason="x", content="Allergic to penicillin.")


def test_correction_to_a_high_alert_drug_is_critical(mrs_hale: Patient, as_nora: User) -> None:
    hear(mrs_hale, as_nora, "Patient takes lisinopril 5 mg daily.")
    corrected = actions.correct(Memory.objects.get(), by=as_nora, reason="Misheard.", drug="warfarin")
    assert corrected.priority == "critical"


def test_no_known_allergies_can_be_confirmed_again_after_it_was_revoked(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Nurse: Any allergies at all?", "Patient: No, none.")
    with acting_as(actor_for(nora)):
        actions.confirm(Memory.objects.get(), by=nora, reason="She told me.")
    hear(mrs_hale, nora, "Patient is allergic to latex.", said_at=TUESDAY)
    with acting_as(actor_for(nora)):
        actions.enter_in_error(Memory.objects.get(about="latex"), by=nora, reason="Another patient's.")
        none_known = Memory.objects.get(allergy__assertion="no-known-allergies")
        actions.confirm(none_known, by=nora, reason="Asked again.")
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.NONE_KNOWN


def test_confirmed_preference_is_not_rewritten_in_the_clinicians_name(mrs_hale: Patient, as_nora: User) -> None:
    hear(mrs_hale, as_nora, "She likes classical music.")
    confirmed = actions.confirm(Memory.objects.get(), by=as_nora, reason="She told me.")
    assert confirmed.verification_status == VerificationStatus.CONFIRMED
    with pytest.raises(actions.DecisionRefused, match="let one correct it"):
        actions.edit(confirmed, by=as_nora, content="Wants no music at all.")
