"""By night: the expired leave the index, the unused step back, near-duplicates are grouped. Nothing is lost."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from audit.actors import acting_as, system_actor
from audit.models import AccessLog, Event
from audit.recording import record
from memories import actions
from memories.choices import ClinicalStatus
from memories.context import build_context
from memories.models import Memory, MemoryIndex, MemoryLink, MemoryWord
from memories.nightly import Tended, tend
from memories.search import search
from memories.tasks import nightly
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import hear

NIGHT = system_actor("nightly")
LONG_AGO = timezone.now() - timedelta(days=400)


def test_what_expired_leaves_the_index_and_stays_recorded(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She prefers her tea without sugar.")
    with acting_as(actor_for(nora)):
        actions.edit(Memory.objects.get(), by=nora, expires_at=timezone.now() - timedelta(minutes=1))
    assert tend(mrs_hale, by=NIGHT).expired == 1
    with directing():
        assert not MemoryIndex.objects.exists()
        assert not MemoryWord.objects.exists()
        assert Memory.objects.count() == 1
        row = AccessLog.objects.get(event=Event.UPDATE, actor_id="nightly")
        assert row.object_ids == [str(Memory.objects.get().pk)]


def test_unused_memories_step_back_and_critical_high_and_confirmed_ones_never(mrs_hale: Patient, nora: User) -> None:
    hear(
        mrs_hale,
        nora,
        "Patient is allergic to penicillin.",
        "She takes metformin 500 mg twice a day.",
        "Patient has type 2 diabetes.",
        "She prefers her tea without sugar.",
        "She likes crossword puzzles.",
        said_at=LONG_AGO,
    )
    with acting_as(actor_for(nora)):
        actions.confirm(Memory.objects.get(content__contains="puzzle"), by=nora, reason="Seen it.")
    assert tend(mrs_hale, by=NIGHT).aged == 1
    with directing():
        (aged,) = Memory.objects.filter(clinical_status=ClinicalStatus.INACTIVE)
        assert "tea" in aged.content
        assert aged.is_aged
        assert Memory.objects.live().count() == 5


def test_aged_memory_is_found_but_told_last_and_comes_back_when_it_is_said_again(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She prefers her tea without sugar.", said_at=LONG_AGO)
    tend(mrs_hale, by=NIGHT)
    hear(mrs_hale, nora, "She likes crossword puzzles.", said_at=timezone.now(), source_id="later")
    with acting_as(actor_for(nora)):
        assert "tea" in search(patient=mrs_hale, query="sugar in her tea", limit=1).hits[0].memory.content
        text = build_context(mrs_hale).text
        assert text.index("puzzles") < text.index("tea")
    hear(mrs_hale, nora, "She prefers her tea without sugar.", said_at=timezone.now(), source_id="again")
    assert tend(mrs_hale, by=NIGHT).aged == 1
    with directing():
        tea = Memory.objects.get(content__contains="tea")
        assert (tea.clinical_status, tea.metadata, tea.times_said) == (ClinicalStatus.ACTIVE, {}, 2)


def test_memory_that_was_recalled_of_late_does_not_age(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She prefers her tea without sugar.", said_at=LONG_AGO)
    with acting_as(actor_for(nora)):
        found = search(patient=mrs_hale, query="sugar in her tea", limit=1).hits[0].memory
        record(Event.SEARCH, patient_id=mrs_hale.pk, objects=[found.pk], resource=Memory)
    assert tend(mrs_hale, by=NIGHT).aged == 0


@pytest.fixture
def alike(mrs_hale: Patient, nora: User) -> list[Memory]:
    """Three that say nearly the same, the second of them most often; and two that merely look alike."""
    with directing():
        hear(mrs_hale, nora, "She likes crossword puzzles.")
        first = Memory.objects.get()
    contents = [
        "She prefers to drink her tea without any sugar.",
        "She prefers to drink tea without sugar.",
        "She prefers drinking tea without sugar.",
        "She prefers to drink tea with sugar.",
        "She prefers to drink 2 cups of tea without sugar.",
    ]
    made = [_like(first, content, times_said=1 + (at == 1)) for at, content in enumerate(contents)]
    return made


def _like(memory: Memory, content: str, *, times_said: int) -> Memory:
    with directing():
        copy = Memory.objects.create(
            patient=memory.patient,
            category="preference",
            content=content,
            fact_key=f"preference:{content}",
            times_said=times_said,
        )
        actions._index_anew(copy)
    return copy


def test_near_duplicates_are_grouped_about_the_most_said_and_told_once(
    alike: list[Memory], mrs_hale: Patient, nora: User
) -> None:
    assert tend(mrs_hale, by=NIGHT).linked == 2
    with directing():
        assert {(joined.source, joined.target) for joined in MemoryLink.objects.with_ends()} == {
            (alike[0], alike[1]),
            (alike[2], alike[1]),
        }
        assert Memory.objects.live().count() == 6
    with acting_as(actor_for(nora)):
        told = set(build_context(mrs_hale, query="tea and sugar").memory_ids.values())
    assert len(told & {memory.pk for memory in alike[:3]}) == 1
    assert {memory.pk for memory in alike[3:]} <= told


def test_critical_items_are_never_grouped(mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She takes metformin 500 mg twice a day.", "She takes metformin 500 mg once a day.")
    hear(mrs_hale, nora, "Patient is allergic to penicillin.", "Patient is allergic to penicillins.", source_id="2")
    assert tend(mrs_hale, by=NIGHT).linked == 0


def test_second_night_finds_nothing_left_to_do(alike: list[Memory], mrs_hale: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She likes crossword puzzles.", said_at=LONG_AGO, source_id="old")
    assert tend(mrs_hale, by=NIGHT).narrated
    assert tend(mrs_hale, by=NIGHT) == Tended(expired=0, aged=0, linked=0, narrated=False)


def test_command_tends_every_patient(mrs_hale: Patient, mr_stone: Patient, nora: User) -> None:
    hear(mrs_hale, nora, "She prefers her tea without sugar.", said_at=LONG_AGO)
    out = StringIO()
    call_command("nightly", stdout=out)
    assert out.getvalue().startswith("1 patients: 0 memories expired, 1 stepped back or came back, 0 linked")


def test_night_queues_a_job_for_each_patient_with_a_key_and_no_story(
    mrs_hale: Patient, nora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear(mrs_hale, nora, "She prefers her tea without sugar.")
    # A worker's job begins and ends without a connection; the test's own must stay.
    monkeypatch.setattr("memories.tasks.close_old_connections", lambda: None)
    nightly(0)
    with directing():
        jobs = ProcrastinateJob.objects.filter(task_name="memories.tend_patient")
        assert [job.args for job in jobs] == [{"patient_id": str(mrs_hale.pk)}]
