"""What the pages of staff cost: answered in this process, as a nurse who cares for every patient that is seeded."""

from collections.abc import Iterator

from django.test import Client
from django.urls import reverse

from audit.actors import acting_as
from memories.benchmark.measuring import Times
from memories.benchmark.report import Line, promised, spread
from memories.benchmark.seeding import SEEDING, Seeded
from memories.choices import Category
from memories.models import Memory, ReviewSeverity, ReviewTask, TaskKind
from patients.models import Patient, User

PAGE_P95 = 300
#: Questions of each patient, as a review queue that nobody has looked at has them.
QUESTIONS = 4


def page_lines(seeded: Seeded, *, rounds: int) -> Iterator[Line]:
    """A line for each page: how long it takes, promised to stay below 300 ms."""
    with acting_as(SEEDING):
        task = _ask(seeded)
        client = _signed_in()
    for what, address in _addresses(seeded.small, task).items():
        times = Times()
        client.get(address)
        for _ in range(rounds):
            times.take(lambda address=address: _open(client, address))  # type: ignore[misc] # because it is bound at once
        yield promised(f"page: {what}, p95", times.p95, below=PAGE_P95, unit="ms", ours=spread(times))


def _open(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise AssertionError(f"A page answered {answer.status_code}")


def _ask(seeded: Seeded) -> ReviewTask:
    """Open questions about the medications of every patient. One of them."""
    for patient in (seeded.small, *seeded.patients):
        medications = Memory.objects.for_patient(patient).filter(category=Category.MEDICATION).order_by("pk")
        for memory in medications[:QUESTIONS]:
            task = ReviewTask.objects.ask(TaskKind.VERIFY, memory, "", ReviewSeverity.MEDIUM)
    return task


def _signed_in() -> Client:
    user = User.objects.get(username="benchmark-nurse")
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def _addresses(patient: Patient, task: ReviewTask) -> dict[str, str]:
    about = {
        name: reverse(f"admin:patients_patient_{name}", args=[patient.pk])
        for name in ("overview", "visit", "timeline", "reconciliation", "print")
    }
    lists = {
        "home": reverse("admin:index"),
        "queue": reverse("admin:memories_reviewtask_changelist"),
        "question": reverse("admin:memories_reviewtask_change", args=[task.pk]),
        "patients": reverse("admin:patients_patient_changelist"),
        "memories": reverse("admin:memories_memory_changelist"),
        "conversations": reverse("admin:memories_conversation_changelist"),
        "access log": reverse("admin:audit_accesslog_changelist"),
    }
    return {**lists, **about}
