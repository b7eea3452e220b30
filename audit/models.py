"""The record of who did what to which patient. Append-only, and without a foreign key to what it describes."""

from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.actors import ActorKind, Door

#: Characters. A reason is as long as that of any decision may be.
REASON_LENGTH = 500
ROUTE_LENGTH = 120


class Event(models.TextChoices):
    """What happened, as staff would say it. `Event.action` gives FHIR's one-letter code."""

    READ = "read"
    LIST = "list"
    SEARCH = "search"
    SUMMARY = "summary"
    HISTORY = "history"
    EXPORT = "export"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    CONFIRM = "confirm"
    CORRECT = "correct"
    REFUTE = "refute"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"
    EXTRACT = "extract"
    LOGIN = "login", "Sign in"
    LOGOUT = "logout", "Sign out"
    AUTO_LOGOFF = "auto-logoff", "Automatic sign out"
    EMERGENCY = "emergency", "Emergency access"
    DISCLOSE = "disclose", "Disclosure"
    ACCESS = "access"

    @property
    def action(self) -> str:
        """FHIR R4 AuditEvent.action: Create, Read, Update, Delete or Execute."""
        if self in (Event.CREATE, Event.DELETE):
            return self.value[0].upper()
        if self in (Event.READ, Event.LIST, Event.SUMMARY, Event.HISTORY):
            return "R"
        if self in (Event.UPDATE, Event.CONFIRM, Event.CORRECT, Event.REFUTE, Event.ENTERED_IN_ERROR):
            return "U"
        return "E"


class Outcome(models.TextChoices):
    SUCCESS = "success"
    REFUSED = "refused"
    FAILED = "failed"


class AccessLogQuerySet(models.QuerySet["AccessLog"]):
    def for_patient(self, patient_id: UUID) -> "AccessLogQuerySet":
        return self.filter(patient_id=patient_id)

    def refusals(self) -> "AccessLogQuerySet":
        return self.filter(outcome=Outcome.REFUSED)


class AccessLog(models.Model):
    """One access. Written by `audit.recording` alone; the database refuses a change, a removal or another's name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recorded_at = models.DateTimeField(default=timezone.now)
    event = models.CharField(max_length=20, choices=Event)
    action = models.CharField(max_length=1)
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.SUCCESS)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_label = models.CharField(max_length=200)
    actor_roles = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    key_id = models.CharField(max_length=64, blank=True)
    patient_id = models.UUIDField(null=True, blank=True)
    resource = models.CharField(max_length=60, blank=True)
    object_ids = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    query = models.TextField(blank=True, help_text="What was searched for. It may speak of a patient.")
    reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    door = models.CharField(max_length=10, choices=Door)
    route = models.CharField(max_length=ROUTE_LENGTH, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    remote_addr = models.GenericIPAddressField(null=True, blank=True)

    objects = AccessLogQuerySet.as_manager()

    class Meta:
        verbose_name = "access"
        verbose_name_plural = "access log"
        ordering = ["-recorded_at"]
        indexes = [
            models.Index(fields=["patient_id", "recorded_at"], name="audit_accesslog_patient"),
            models.Index(fields=["actor_id", "recorded_at"], name="audit_accesslog_actor"),
        ]
        constraints = [
            models.CheckConstraint(
                name="audit_accesslog_named_actor",
                condition=models.Q(actor_kind=ActorKind.ANONYMOUS) | ~models.Q(actor_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_event_display()} by {self.actor_label} at {self.recorded_at:%Y-%m-%d %H:%M}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **{**kwargs, "force_insert": True})
