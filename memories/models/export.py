"""What a program asked to have exported, and in what shape. The answer is made when it is fetched, and not kept."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from memories.models.base import PatientBound, PatientBoundQuerySet


class MemoryExport(PatientBound):
    """An order: the filters that choose the memories of one patient, and the JSON schema to be filled with them."""

    schema = models.JSONField()
    filters = models.JSONField(default=dict)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = PatientBoundQuerySet["MemoryExport"].as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["patient", "-created_at"], name="memories_export_recent")]

    def __str__(self) -> str:
        return f"Export {str(self.pk)[-6:]}"
