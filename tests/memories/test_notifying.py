"""Reviewers are told of what is urgent: once, those alone who may see it, and without a word about a patient."""

import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from audit.actors import Door, system_actor
from audit.models import AccessLog, Event
from memories.models import ReviewNotice, ReviewTask, Urgency
from memories.notifying import WEBHOOK, notify, recipients
from memories.tasks import RunUnfinished, notify_one, notify_reviewers
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import directing, person
from tests.memories.talk import hear

QUEUE = system_actor("queue", door=Door.JOB)
SECRET_WORDS = ("Hale", "Edith", "penicillin", "lisinopril", "patient_123")


class Hook(BaseHTTPRequestHandler):
    """A webhook that keeps what it is sent, and answers `server.status`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


class Mailbox(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to be given a mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            if line[:4].upper() == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.taken.append(b"".join(lines).decode())
            self.wfile.write(b"221 bye\r\n" if line[:4].upper() == b"QUIT" else b"250 ok\r\n")


@contextmanager
def serving(server: Any) -> Iterator[Any]:
    server.taken, server.status, server.daemon_threads = [], 204, True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs close what is stale; the connection that the test's transaction is in stays."""
    monkeypatch.setattr("memories.tasks.close_old_connections", lambda: None)


@pytest.fixture
def hook(settings: Any) -> Iterator[Any]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Hook)) as server:
        settings.NOTIFY_WEBHOOK_URL = f"http://127.0.0.1:{server.server_port}/told"
        yield server


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Any]:
    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox)) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_USE_TLS = False
        yield server


@pytest.fixture
def waiting(mrs_hale: Patient, nora: User) -> Patient:
    """A patient of Nora's with a question of high severity and one of medium."""
    with directing():
        nora.email = "nora@example.org"
        nora.save()
    hear(mrs_hale, nora, "Patient: I'm allergic to penicillin. I take lisinopril 10 mg every morning.")
    return mrs_hale


def grow_old(*, hours: int) -> None:
    with directing():
        for task in ReviewTask.objects.all():
            task.created_at -= timedelta(hours=hours)
            task.save()


def test_webhook_is_told_how_much_waits_and_no_word_about_whom(hook: Any, waiting: Patient, settings: Any) -> None:
    settings.NOTIFY_WEBHOOK_SECRET, settings.SITE_ADDRESS = "shared", "https://care.example.org"
    assert notify(WEBHOOK, by=QUEUE) == 1
    headers, body = hook.taken.pop()
    told = json.loads(body)
    assert (told["high"], told["overdue"]) == (1, 0)
    assert told["queue"] == "https://care.example.org/admin/memories/reviewtask/"
    assert set(told) == {"high", "overdue", "oldest_asked_at", "queue"}
    assert not any(word.lower() in body.decode().lower() for word in (*SECRET_WORDS, str(waiting.pk)))
    assert headers["X-Homecare-Signature"] == "sha256=" + hmac.new(b"shared", body, hashlib.sha256).hexdigest()


def test_mail_reaches_the_clinician_once_and_again_when_overdue(mailbox: Any, waiting: Patient, nora: User) -> None:
    assert notify(str(nora.pk), by=QUEUE) == 1
    assert notify(str(nora.pk), by=QUEUE) == 0
    grow_old(hours=100)
    assert notify(str(nora.pk), by=QUEUE) == 2
    first, second = mailbox.taken
    assert "To: nora@example.org" in first
    assert "Questions of high severity, new to you: 1." in first
    assert "Questions overdue, new to you: 2." in second
    assert not any(word in mail for word in SECRET_WORDS for mail in (first, second))
    with directing():
        told = ReviewNotice.objects.filter(told=str(nora.pk)).values_list("urgency", flat=True)
        assert sorted(told) == [Urgency.HIGH, Urgency.OVERDUE, Urgency.OVERDUE]
        entries = AccessLog.objects.for_patient(waiting.pk).filter(event=Event.LIST, actor_id="notification")
        assert entries.count() == 2


def test_nobody_is_told_of_a_patient_outside_their_care(mailbox: Any, waiting: Patient, mr_stone: Patient) -> None:
    with directing():
        stranger = person("sam", Role.CLINICIAN)
        stranger.email = "sam@example.org"
        stranger.save()
        CareAssignment.objects.create(user=stranger, patient=mr_stone, role=Role.CLINICIAN)
    assert notify(str(stranger.pk), by=QUEUE) == 0
    assert mailbox.taken == []


def test_webhook_that_fails_is_told_later_and_nothing_is_written_down_before(hook: Any, waiting: Patient) -> None:
    hook.status = 503
    with pytest.raises(RunUnfinished):
        notify_one(recipient=WEBHOOK)
    with directing():
        assert not ReviewNotice.objects.exists()
    hook.status = 200
    notify_one(recipient=WEBHOOK)
    with directing():
        assert ReviewNotice.objects.get().told == WEBHOOK


def test_each_recipient_has_a_job_and_caregivers_and_people_who_left_have_none(
    hook: Any, mailbox: Any, waiting: Patient, nora: User, carl: User
) -> None:
    with directing():
        carl.email = "carl@example.org"
        carl.save()
        gone = person("gone", Role.CLINICIAN)
        gone.email, gone.is_active = "gone@example.org", False
        gone.save()
    assert recipients(by=QUEUE) == [WEBHOOK, str(nora.pk)]
    assert notify(str(gone.pk), by=QUEUE) == 0
    notify_reviewers(timestamp=0)
    notify_reviewers(timestamp=1)
    with directing():
        jobs = ProcrastinateJob.objects.filter(task_name="memories.notify_one").values_list("args", flat=True)
        assert sorted(job["recipient"] for job in jobs) == sorted([WEBHOOK, str(nora.pk)])


def test_without_a_mail_server_and_a_webhook_nobody_is_told(waiting: Patient) -> None:
    assert recipients(by=QUEUE) == []


def test_decided_questions_are_not_told_of(hook: Any, waiting: Patient, nora: User) -> None:
    with directing():
        for task in ReviewTask.objects.all():
            task.make_obsolete()
    assert notify(WEBHOOK, by=QUEUE) == 0
    assert hook.taken == []
