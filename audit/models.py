"""The record of who did what to which patient. Append-only, and without a foreign key to what it describes."""

from collections.abc import Sequence
from datetime import UTC
from functools import cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
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
        """Insert this entry. Every request ends with one, and composing Django's INSERT anew takes longer than it."""
        statement, fields = _insertion()
        values = [field.get_db_prep_save(getattr(self, field.attname), connection) for field in fields]
        with transaction.mark_for_rollback_on_error(DEFAULT_DB_ALIAS), connection.cursor() as cursor:
            cursor.execute(statement, values)
        self._state.adding, self._state.db = False, DEFAULT_DB_ALIAS


@cache
def _insertion() -> tuple[str, Sequence[models.Field]]:
    fields = AccessLog._meta.concrete_fields
    columns, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
    table = AccessLog._meta.db_table
    return f'INSERT INTO "{table}" ({columns}) VALUES ({places})', fields  # noqa: S608 because the names are ours


class Seal(models.Model):
    """A seal on what a range of transactions wrote into both logs; see `audit.seals`. Append-only."""

    sequence = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    since = models.BigIntegerField(help_text="The first transaction of the range.")
    until = models.BigIntegerField(help_text="The first one after it.")
    entries = models.PositiveIntegerField()
    newest_at = models.DateTimeField(help_text="When the newest of its entries was written.")
    keys = ArrayField(models.CharField(max_length=45))
    digests = models.BinaryField()
    key_name = models.CharField(max_length=12, help_text="Which key it was made with.")
    previous_mac = models.CharField(max_length=64)
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["sequence"]

    def __str__(self) -> str:
        return f"Seal {self.sequence}"


class LegalHold(models.Model):
    """Entries about this patient, or all entries, are kept beyond their time until the hold is lifted."""

    patient_id = models.UUIDField(null=True, blank=True, help_text="None: whomever an entry is about.")
    reason = models.CharField(max_length=REASON_LENGTH)
    placed_by = models.CharField(max_length=200)
    placed_at = models.DateTimeField(default=timezone.now)
    lifted_by = models.CharField(max_length=200, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="audit_legalhold_lifted_by_someone",
                condition=models.Q(lifted_at__isnull=True) | ~models.Q(lifted_by=""),
            ),
        ]

    def __str__(self) -> str:
        return f"Legal hold {self.pk}"


class Purge(models.Model):
    """What was taken out of the logs after its time: a signed note, so that what is gone is not taken for deleted."""

    purged_at = models.DateTimeField()
    through = models.BigIntegerField(help_text="The last seal whose entries were taken out.")
    before = models.DateTimeField(help_text="Entries up to this instant, unless they were on hold.")
    entries = models.PositiveIntegerField()
    reason = models.CharField(max_length=REASON_LENGTH)
    mac = models.CharField(max_length=64)

    class Meta:
        ordering = ["through"]

    def __str__(self) -> str:
        return f"Purge through seal {self.through}"

    @property
    def said(self) -> tuple[object, ...]:
        """What is signed."""
        times = [at.astimezone(UTC).isoformat() for at in (self.purged_at, self.before)]
        return ("purge", self.through, self.entries, *times)
