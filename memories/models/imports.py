"""What was brought in from another system: each import, each row of it with what became of it, and its history."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone
from uuid_utils.compat import uuid7

from memories.models.base import PatientBound, PatientBoundQuerySet


class ImportState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Import(models.Model):
    """One run of an import. It names a source and counts, and holds nobody's words."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.CharField(max_length=200, help_text="What was read: a file, a folder, a table. No password.")
    options = models.JSONField(default=dict, blank=True)
    dry_run = models.BooleanField(default=False, help_text="Count what would become of each row, and store nothing.")
    state = models.CharField(max_length=10, choices=ImportState, default=ImportState.WAITING)
    error = models.CharField(max_length=500, blank=True, help_text="Why it failed, in words without patient text.")
    report = models.JSONField(default=dict, blank=True, encoder=DjangoJSONEncoder)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="memories_import_failure_has_reason", condition=~Q(state=ImportState.FAILED) | ~Q(error="")
            ),
        ]

    def __str__(self) -> str:
        return f"Import of {self.created_at:%d %b %Y, %H:%M}"

    def note(self, **outcome: object) -> None:
        """Set and save what became of this import."""
        for name, value in outcome.items():
            setattr(self, name, value)
        self.save(update_fields=list(outcome))


class RowOutcome(models.TextChoices):
    """What became of a stored row."""

    WAITING = "waiting", "Stored, not read yet"
    IMPORTED = "imported", "Imported"
    REINFORCED = "reinforced", "Said again what is remembered"
    CONFLICTING = "conflicting", "Imported, and a question asked"
    WITHHELD = "withheld", "Stored, not remembered"


class ImportedRowQuerySet(PatientBoundQuerySet["ImportedRow"]):
    def waiting(self) -> "ImportedRowQuerySet":
        return self.filter(outcome=RowOutcome.WAITING)


class ImportedRow(PatientBound):
    """One row of a source: its words are a turn, and what the source said of them is kept as it was.

    The same words under the same source id are stored once for each patient, however often they are imported.
    """

    brought_by = models.ForeignKey(Import, models.PROTECT, related_name="rows")
    run = models.ForeignKey("memories.ExtractionRun", models.PROTECT, related_name="imported_rows")
    turn = models.OneToOneField("memories.Turn", models.PROTECT, related_name="imported_row")
    source = models.CharField(max_length=20, help_text="The system it came from: mem0, fhir.")
    source_id = models.CharField(max_length=200, help_text="Its id there.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of its words.")
    said_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="When it stops counting, as the source had it.")
    original = models.JSONField(default=dict, help_text="What the source held beside the words.")
    outcome = models.CharField(max_length=12, choices=RowOutcome, default=RowOutcome.WAITING)
    reason = models.CharField(max_length=60, blank=True)
    memory = models.ForeignKey("memories.Memory", models.PROTECT, null=True, related_name="imported_rows")

    objects = ImportedRowQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["patient"], name="memories_importedrow_waiting", condition=Q(outcome="waiting")),
            models.Index(fields=["source", "source_id"], name="memories_importedrow_source"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="memories_importedrow_once", fields=["patient", "source", "source_id", "digest"]
            ),
            models.CheckConstraint(
                name="memories_importedrow_has_memory",
                condition=Q(outcome__in=[RowOutcome.WAITING, RowOutcome.WITHHELD]) | Q(memory__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Imported row {str(self.pk)[-6:]}"


class ImportedEvent(PatientBound):
    """One entry of a source's own history: history here too, never a memory. Append-only."""

    brought_by = models.ForeignKey(Import, models.PROTECT, related_name="events")
    source = models.CharField(max_length=20)
    source_id = models.CharField(max_length=200, blank=True, help_text="The id of the memory there that it is about.")
    event_id = models.CharField(max_length=200)
    event = models.CharField(max_length=20, help_text="As the source calls it: ADD, UPDATE, DELETE.")
    old_text = models.TextField(blank=True)
    new_text = models.TextField(blank=True)
    happened_at = models.DateTimeField(null=True)
    actor = models.CharField(max_length=200, blank=True)
    original = models.JSONField(default=dict)

    objects = PatientBoundQuerySet["ImportedEvent"].as_manager()

    class Meta:
        ordering = ["happened_at", "id"]
        indexes = [models.Index(fields=["patient", "source", "source_id"], name="memories_importedevent_memory")]
        constraints = [
            models.UniqueConstraint(name="memories_importedevent_once", fields=["patient", "source", "event_id"])
        ]

    def __str__(self) -> str:
        return f"Imported event {str(self.pk)[-6:]}"
