"""The first page: what needs a person now, and how it says that there is nothing, or that it does not know."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.urls import reverse
from django.utils import timezone

from audit.actors import acting_as
from audit.models import AccessLog, Event
from memories import actions
from memories.admin.figures import DAYS, queue_over_time
from memories.models import Memory, ReviewTask
from patients.models import Patient, User
from tests.conftest import actor_for, directing
from tests.memories.talk import hear


def home(browse: Callable, user: User) -> str:
    return browse(user).get(reverse("admin:index")).content.decode()


@contextmanager
def failing(*words: str) -> Iterator[None]:
    """Let the database fail at each statement that has all these words."""

    def fail(execute: Any, sql: str, *arguments: Any) -> Any:
        if all(word in sql for word in words):
            raise DatabaseError("canceling statement due to lock timeout")
        return execute(sql, *arguments)

    with connection.execute_wrapper(fail):
        yield


def age(task: ReviewTask, **by: int) -> None:
    with directing():
        task.created_at -= timedelta(**by)
        task.save()


def test_home_says_how_much_waits_how_long_and_what_is_overdue(
    browse: Callable, penicillin: Memory, lisinopril: Memory, nora: User
) -> None:
    with directing():
        task = ReviewTask.objects.get(memory=penicillin)
    age(task, hours=5)
    page = home(browse, nora)
    assert "<strong>1</strong> high" in page
    assert "oldest asked 5\xa0hours ago" in page
    assert "<strong>1</strong> medium" in page
    assert "<strong>1</strong> overdue" in page
    overdue = browse(nora).get(reverse("admin:memories_reviewtask_changelist"), {"overdue": "yes"}).content.decode()
    assert penicillin.content in overdue
    assert lisinopril.content not in overdue


def test_home_puts_an_allergy_against_a_medication_apart(
    browse: Callable, penicillin: Memory, mrs_hale: Patient, nora: User
) -> None:
    assert "No alert is open." in home(browse, nora)
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.")
    page = home(browse, nora)
    assert "Allergy to penicillin (unconfirmed, reaction not said) and amoxicillin." in page
    assert "evidence A" in page


def test_home_names_the_patients_visited_today_once_each(browse: Callable, mrs_hale: Patient, nora: User) -> None:
    assert "Nothing has been told of a visit today." in home(browse, nora)
    for minutes in (3, 2):
        hear(mrs_hale, nora, "She slept well.", said_at=timezone.now() - timedelta(minutes=minutes))
    visited = home(browse, nora).partition("Visited today")[2]
    assert "2 conversations, last at" in visited
    assert visited.count("Edith Hale") == 1


@pytest.mark.parametrize(
    ("panel", "table", "clause", "gone"),
    [
        ("needs", "memories_reviewtask", "ORDER BY", "No question waits for you"),
        ("latest", "memories_extractionrun", "COUNT", "Nothing has been said yet"),
        ("visited", "memories_conversation", "ORDER BY", "Nothing has been told of a visit"),
    ],
)
def test_what_could_not_be_loaded_never_reads_as_nothing(
    panel: str, table: str, clause: str, gone: str, browse: Callable, mrs_hale: Patient, nora: User
) -> None:
    client = browse(nora)
    assert gone in client.get(reverse("admin:index")).content.decode()
    with failing(f'"{table}"', clause):
        page = client.get(reverse("admin:index")).content.decode()
    told = page.partition(f'id="{panel}"')[2].partition("</section>")[0]
    assert "Could not load." in told
    assert gone not in page
    assert "Edith" not in told


def test_chart_that_could_not_be_loaded_says_so_and_the_others_stand(
    browse: Callable, penicillin: Memory, nora: User
) -> None:
    client = browse(nora)
    with failing('"audit_accesslog"', "COUNT"):
        page = client.get(reverse("admin:index")).content.decode()
    assert page.count("Could not load.") == 1
    assert "Open questions: 0 on" in page
    assert "What is remembered: Allergy 1" in page


def test_queue_chart_goes_down_when_questions_are_decided_or_fall_away(
    penicillin: Memory, lisinopril: Memory, mrs_hale: Patient, nora: User
) -> None:
    hear(mrs_hale, nora, "Patient: I take amoxicillin 500 mg three times a day.")
    with directing():
        tasks = list(ReviewTask.objects.open())
    assert len(tasks) == 4
    for task in tasks:
        age(task, days=3)
    with acting_as(actor_for(nora)) as actor:
        assert [open_then for _, open_then in queue_over_time(actor).rows] == [0] * (DAYS - 4) + [4] * 4
        # Refuted, the allergy's own question is decided, and the alert about it falls away.
        actions.refute(penicillin, by=nora, reason="Only a stomach ache.")
        assert [open_then for _, open_then in queue_over_time(actor).rows] == [0] * (DAYS - 4) + [4] * 3 + [2]


def test_charts_count_the_patients_of_the_asker_alone(
    browse: Callable, penicillin: Memory, mr_stone: Patient, nora: User, uma: User
) -> None:
    assert "What is remembered: Allergy 1" in home(browse, nora)
    page = home(browse, uma)
    assert "What is remembered: " not in page
    assert "Nothing is remembered yet of the patients in your care." in page
    assert "No question was open in the last two weeks." in page


def test_accesses_are_told_apart_by_who_looked(browse: Callable, penicillin: Memory, nora: User, nina: User) -> None:
    browse(nina).get(reverse("admin:memories_memory_change", args=[penicillin.pk]))
    with directing():
        others = AccessLog.objects.for_patient(penicillin.patient_id).exclude(actor_id=str(nora.pk)).count()
    page = home(browse, nora)
    rows = page.partition("Accesses to your patients")[2].partition("</table>")[0]
    assert f"<td>{others}</td>" in rows


def test_privacy_officer_sees_how_much_was_refused(
    browse: Callable, penicillin: Memory, carl: User, paula: User
) -> None:
    assert browse(carl).get(reverse("admin:memories_reviewtask_changelist")).status_code == 403
    page = home(browse, paula)
    assert "refused" in page.partition("wp-legend")[2]
    with directing():
        assert AccessLog.objects.filter(event=Event.ACCESS, actor_label="carl").exists()
