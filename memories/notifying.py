"""Telling reviewers that something urgent waits, by mail and by a webhook. Numbers and ages, never a patient's text.

Told at least once: who sends and dies before writing it down sends again. Nobody is told twice of what is written down.
"""

import hmac
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.mail import send_mail
from django.utils import timezone
from django.utils.timesince import timesince

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record_each
from memories.models import ReviewNotice, ReviewSeverity, ReviewTask, Urgency
from memories.remembering import lock_patient
from patients.models import User
from patients.roles import Role

WEBHOOK = "webhook"
QUEUE = "/admin/memories/reviewtask/"
SUBJECT = "Homecare Memory: questions wait for you"


@dataclass(frozen=True, slots=True)
class Due:
    """A question that somebody is to be told of, and why."""

    task: ReviewTask
    urgency: Urgency


def recipients(*, by: Actor) -> list[str]:
    """Whom there is to tell: the keys of the clinicians with an address, and the webhook."""
    told = [WEBHOOK] if settings.NOTIFY_WEBHOOK_URL else []
    if settings.EMAIL_HOST:
        with acting_as(by):
            clinicians = User.objects.filter(groups__name=Role.CLINICIAN, is_active=True).exclude(email="")
            told += [str(key) for key in clinicians.values_list("pk", flat=True)]
    return told


def notify(recipient: str, *, by: Actor) -> int:
    """Tell one recipient of what is urgent and has not been told yet. How many questions. No transaction spans it."""
    system = by.becoming_system("notification")
    with acting_as(system):
        user = None if recipient == WEBHOOK else User.objects.filter(pk=recipient, is_active=True).first()
        due = _due(recipient, user)
    if not due:
        return 0
    if recipient == WEBHOOK:
        _post(due)
    elif user:
        send_mail(SUBJECT, _in_words(due), settings.DEFAULT_FROM_EMAIL, [user.email])
    with acting_as(system):
        _write_down(recipient, due)
    return len(due)


def _due(recipient: str, user: User | None) -> list[Due]:
    """Open questions of high severity, and overdue ones, that this recipient has not been told of."""
    if user is None and recipient != WEBHOOK:
        return []
    visible = ReviewTask.objects.visible_to(user.as_actor()) if user else ReviewTask.objects.all()
    told = ReviewNotice.objects.filter(told=recipient)
    high = visible.open().filter(severity=ReviewSeverity.HIGH)
    untold = {Urgency.HIGH: high, Urgency.OVERDUE: visible.overdue()}
    return [
        Due(task, urgency)
        for urgency, tasks in untold.items()
        for task in tasks.exclude(pk__in=told.filter(urgency=urgency).values("task")).by_urgency()
    ]


def _write_down(recipient: str, due: Sequence[Due]) -> None:
    for patient_id in sorted({one.task.patient_id for one in due}):
        lock_patient(patient_id)
    by_patient: dict[object, list[object]] = {}
    for one in due:
        ReviewNotice.objects.get_or_create(
            patient_id=one.task.patient_id, task=one.task, urgency=one.urgency, told=recipient
        )
        by_patient.setdefault(one.task.patient_id, []).append(one.task.pk)
    record_each(Event.LIST, by_patient, resource=ReviewTask)


def _in_words(due: Sequence[Due]) -> str:
    """How many and how old: all that leaves the house."""
    counted, oldest = Counter(one.urgency for one in due), _oldest(due)
    lines = [
        f"Questions of high severity, new to you: {counted[Urgency.HIGH]}.",
        f"Questions overdue, new to you: {counted[Urgency.OVERDUE]}.",
        f"The oldest was asked {timesince(oldest, timezone.now(), depth=1)} ago.",
        f"Sign in to decide: {settings.SITE_ADDRESS}{QUEUE}" if settings.SITE_ADDRESS else "Sign in to decide.",
    ]
    return "\n".join(lines).replace("\xa0", " ")


def _oldest(due: Sequence[Due]) -> datetime:
    return min(one.task.created_at for one in due)


def _post(due: Sequence[Due]) -> None:
    """POST the same as JSON, signed with the secret if there is one. Raises `OSError` when it is not taken."""
    counted = Counter(one.urgency for one in due)
    told = {
        "high": counted[Urgency.HIGH],
        "overdue": counted[Urgency.OVERDUE],
        "oldest_asked_at": _oldest(due).isoformat(),
        "queue": f"{settings.SITE_ADDRESS}{QUEUE}",
    }
    body = json.dumps(told).encode()
    headers = {"Content-Type": "application/json"}
    if settings.NOTIFY_WEBHOOK_SECRET:
        digest = hmac.new(settings.NOTIFY_WEBHOOK_SECRET.encode(), body, "sha256").hexdigest()
        headers["X-Homecare-Signature"] = f"sha256={digest}"
    request = Request(settings.NOTIFY_WEBHOOK_URL, body, headers)  # noqa: S310 because settings take http and https alone
    with urlopen(request, timeout=settings.EMAIL_TIMEOUT):  # noqa: S310 as above
        pass
