from django.conf import settings
from django.db import models
from django.utils import timezone

from memories.models.base import PatientBound, PatientBoundQuerySet


class SourceFile(PatientBound):
    """A file as it was sent, for whoever may see its patient. Append-only: the database refuses a change."""

    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=60, help_text="What it is, by what is in it.")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    content = models.BinaryField()
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")

    objects = PatientBoundQuerySet["SourceFile"].as_manager()

    class Meta:
        ordering = ["-recorded_at"]
        constraints = [models.UniqueConstraint(name="memories_sourcefile_once", fields=["patient", "sha256"])]

    def __str__(self) -> str:
        return f"File {str(self.pk)[-6:]}"
