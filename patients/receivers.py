"""What the people side of the product puts on record by signal, all in one place."""

from typing import Any
from uuid import UUID

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed
from django.http import HttpRequest

from audit.actors import acting_as, current_actor
from audit.models import Event, Outcome
from audit.recording import record
from patients.models import (
    AccessKey,
    CareAssignment,
    CareTeam,
    EmergencyAccess,
    Patient,
    TeamMember,
    TeamPatient,
    User,
)


def connect() -> None:
    user_logged_in.connect(record_sign_in, dispatch_uid="patients.record_sign_in")
    user_logged_out.connect(record_sign_out, dispatch_uid="patients.record_sign_out")
    user_login_failed.connect(record_failed_sign_in, dispatch_uid="patients.record_failed_sign_in")
    auditlog.register(Patient, exclude_fields=["updated_at"])
    auditlog.register(User, exclude_fields=["last_login"], mask_fields=["password"], m2m_fields={"groups"})
    auditlog.register(AccessKey, mask_fields=["token_hash"], m2m_fields={"teams"})
    auditlog.register(CareAssignment)
    auditlog.register(CareTeam)
    auditlog.register(TeamMember)
    auditlog.register(TeamPatient)
    auditlog.register(EmergencyAccess)
    m2m_changed.connect(
        record_patients_of_key, sender=AccessKey.patients.through, dispatch_uid="patients.record_patients_of_key"
    )


def record_patients_of_key(
    sender: object, instance: AccessKey, action: str, pk_set: set[UUID] | None, **kwargs: Any
) -> None:
    """The patients of a key go by their keys: django-auditlog would write their names."""
    changed = None if action == "pre_clear" else sorted(map(str, pk_set or ()))
    if action in ("post_add", "post_remove", "pre_clear"):
        change = {"type": "m2m", "operation": "add" if action == "post_add" else "delete", "objects": changed}
        LogEntry.objects.log_create(instance, action=LogEntry.Action.UPDATE, changes={"patients": change})


def record_sign_in(sender: object, request: HttpRequest, user: User, **kwargs: Any) -> None:
    _record_as(user, Event.LOGIN)


def record_sign_out(sender: object, request: HttpRequest, user: User | None, **kwargs: Any) -> None:
    if user is not None:
        _record_as(user, Event.LOGOUT)


def record_failed_sign_in(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    record(Event.LOGIN, outcome=Outcome.REFUSED, reason=str(credentials.get("username", ""))[:150])


def _record_as(user: User, event: Event) -> None:
    actor = current_actor()
    named = user.as_actor(door=actor.door, request_id=actor.request_id, remote_addr=actor.remote_addr)
    with acting_as(named):
        record(event)
