"""What a new statement does to what is remembered."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from audit.actors import acting_as
from memories import actions
from memories.choices import Category, MedicationStatus
from memories.consolidation import consolidate
from memories.extraction.candidates import Candidate, MedicationFacts, Quote
from memories.models import Memory, MemoryIndex, ReviewTask, TaskKind
from memories.models.memory import Stance
from memories.models.review import TaskState
from patients.models import KnownAllergies, Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import MONDAY, hear

TUESDAY = MONDAY + timedelta(days=1)


def live(category: str) -> list[str]:
    return sorted(Memory.objects.live().filter(category=category).values_list("content", flat=True))


def questions() -> list[tuple[str, str]]:
    """Open questions beside the plain "is this true?", by kind and what they are about."""
    tasks = ReviewTask.objects.open().exclude(kind=TaskKind.VERIFY).select_related("memory")
    return sorted((task.kind, task.memory.about) for task in tasks)


def test_allergy_said_three_times_in_three_ways_is_one_memory(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    hear(mrs_hale, nora, "Nurse: Any allergies?", "Patient: Penicillin.")
    hear(mrs_hale, nora, "Patient: Penicillin gives me hives, I'm allergic to it.")
    with directing():
        memory = Memory.objects.get(category="allergy")
        assert memory.times_said == 3
        assert memory.mentions.count() == 3
        assert memory.allergy.reaction == "hives"


def test_changed_dose_is_a_question_and_both_stay(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take lisinopril 5 mg every morning.")
    hear(mrs_hale, nora, "Patient: I take lisinopril 10 mg every morning.", said_at=TUESDAY)
    with directing():
        assert len(live("medication")) == 2
        assert questions() == [(TaskKind.DOSE_CHANGE, "lisinopril")]


def test_medication_said_again_without_its_dose_is_the_same(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take lisinopril 5 mg every morning.")
    hear(mrs_hale, nora, "Patient: I take lisinopril.", said_at=TUESDAY)
    with directing():
        assert Memory.objects.live().get().times_said == 2


def test_dose_said_later_takes_the_place_of_no_dose(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take lisinopril.")
    hear(mrs_hale, nora, "Patient: I take lisinopril 5 mg every morning.", said_at=TUESDAY)
    with directing():
        assert Memory.objects.live().get().medication.dose == "5 mg"
        assert Memory.objects.get(medication__dose="").mentions.exists()
        assert questions() == []


def test_stopped_medication_is_a_question_and_both_stay(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take warfarin 5 mg at night.")
    hear(mrs_hale, nora, "Patient: I stopped taking the warfarin last week.", said_at=TUESDAY)
    with directing():
        statuses = set(Memory.objects.live().values_list("medication__status", flat=True))
        assert statuses == {MedicationStatus.ACTIVE, MedicationStatus.STOPPED}
        assert questions() == [(TaskKind.STOPPED, "warfarin")]


def test_denied_allergy_is_a_conflict_and_both_stay(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    hear(mrs_hale, nora, "Patient: I am not allergic to penicillin.", said_at=TUESDAY)
    with directing():
        memory = Memory.objects.live().get(category="allergy")
        assert list(memory.mentions.values_list("stance", flat=True)) == [Stance.STATES, Stance.DENIES]
        assert questions() == [(TaskKind.CONFLICT, "penicillin")]


def test_no_allergies_against_a_live_allergy_is_a_conflict(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    hear(mrs_hale, nora, "Nurse: Do you have any allergies?", "Patient: No, none.", said_at=TUESDAY)
    with directing():
        assert len(live("allergy")) == 2
        assert questions() == [(TaskKind.CONFLICT, "no known allergies")]


def test_new_allergy_revokes_no_known_allergies(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Nurse: Do you have any allergies?", "Patient: No, none.")
    with acting_as(actor_for(nora)):
        actions.confirm(Memory.objects.get(), by=nora, reason="She told me.")
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.NONE_KNOWN
    hear(mrs_hale, nora, "Patient is allergic to latex.", said_at=TUESDAY)
    with directing():
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.UNKNOWN


def test_refuted_fact_said_again_is_asked_again_and_stays_refuted(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with acting_as(actor_for(nora)):
        actions.refute(Memory.objects.get(), by=nora, reason="It was her sister.")
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", said_at=TUESDAY)
    with directing():
        memory = Memory.objects.get()
        assert (memory.is_live, memory.mentions.count()) == (False, 2)
        task = ReviewTask.objects.open().get()
        assert task.kind == TaskKind.SAID_AGAIN
        assert "Refuted on" in task.explanation


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("Patient prefers her visits in the morning.", "Patient prefers her visits in the afternoon."),
        ("She prefers her tea with sugar.", "She prefers her tea without sugar."),
    ],
)
def test_changed_preference_supersedes_and_is_kept(first: str, later: str, mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, first)
    hear(mrs_hale, nora, later, said_at=TUESDAY)
    with directing():
        now, before = Memory.objects.live().get(), Memory.objects.get(superseded_by__isnull=False)
        assert before.superseded_by == now
        assert now.mentions.get().quote in later


def test_late_news_of_an_earlier_preference_does_not_win(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient prefers her visits in the afternoon.", said_at=TUESDAY)
    hear(mrs_hale, nora, "Patient prefers her visits in the morning.", said_at=MONDAY)
    with directing():
        assert "afternoon" in Memory.objects.live().get().content


def test_preference_in_other_words_is_the_same(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She likes classical music.")
    hear(mrs_hale, nora, "She enjoys classical music.", said_at=TUESDAY)
    with directing():
        assert Memory.objects.live().get().times_said == 2


def test_allergy_against_a_medication_is_asked_once_whichever_came_first(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.")
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", said_at=TUESDAY)
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.", said_at=TUESDAY)
    with directing():
        task = ReviewTask.objects.open().get(kind=TaskKind.ALLERGY_DRUG)
        assert task.evidence["level"] == "A"
        assert task.evidence["source"]
        assert "reaction not said" in task.explanation


def test_confirming_a_medication_does_not_clear_its_alert(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient takes amoxicillin 500 mg three times a day.")
    with acting_as(actor_for(nora)):
        actions.confirm(Memory.objects.get(category="medication"), by=nora, reason="On her list.")
        assert ReviewTask.objects.open().filter(kind=TaskKind.ALLERGY_DRUG).exists()
        actions.refute(Memory.objects.get(category="allergy"), by=nora, reason="Her sister's.")
        assert ReviewTask.objects.get(kind=TaskKind.ALLERGY_DRUG).state == TaskState.OBSOLETE


def test_two_drugs_of_one_group_are_asked_about(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient takes atorvastatin 20 mg at night.", "Patient takes simvastatin 40 mg at night.")
    with directing():
        assert ReviewTask.objects.open().get(kind=TaskKind.DUPLICATE).evidence["group"] == "statins"


def test_sensitive_matters_need_the_patients_consent(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She likes to pray with her church group.")
    with directing():
        assert live("preference") == []
        mrs_hale.consent_given_at, mrs_hale.consent_given_by = MONDAY, "Mrs Hale"
        mrs_hale.save()
    hear(mrs_hale, nora, "She likes to pray with her church group.", said_at=TUESDAY)
    with directing():
        assert len(live("preference")) == 1


def test_three_statements_of_one_drug_in_one_breath(mrs_hale: Patient, nora: User) -> None:
    """The first gives way to the second, and the third is the second said again."""
    run = hear(mrs_hale, nora, "Nothing to report.")
    with directing():
        turn = run.conversation.turns.get()
        said = [MedicationFacts("lisinopril", "lisinopril", dose=dose) for dose in ("", "5 mg", "")]
        candidates = [
            Candidate(
                Category.MEDICATION,
                "lisinopril",
                "Takes it.",
                Quote(0, at, at + 4, turn.text[at : at + 4]),
                medication=m,
            )
            for at, m in zip((0, 5, 10), said, strict=True)
        ]
        result = consolidate(run, candidates, turns=[turn], vectors=[None] * 3)
        live = Memory.objects.live().get()
        assert (live.medication.dose, live.times_said) == ("5 mg", 2)
        assert len(result.added) == 2
        assert MemoryIndex.objects.get().memory == live


@pytest.mark.parametrize("decide", [actions.refute, actions.enter_in_error])
def test_status_of_known_allergies_falls_with_what_it_rested_on(
    decide: Callable[..., Memory], mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient is allergic to penicillin.")
    with acting_as(actor_for(nora)):
        confirmed = actions.confirm(Memory.objects.get(), by=nora, reason="She told me.")
        decide(confirmed, by=nora, reason="It was her sister.")
        mrs_hale.refresh_from_db()
        assert mrs_hale.known_allergies_status == KnownAllergies.UNKNOWN


def test_question_about_a_memory_that_gave_way_is_closed_on_either_side(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "Patient: I take amoxicillin.", "Patient is allergic to penicillin.")
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.", said_at=TUESDAY)
    with directing():
        alert = ReviewTask.objects.open().get(kind=TaskKind.ALLERGY_DRUG)
        assert alert.memory.medication.dose == "500 mg"
