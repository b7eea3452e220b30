"""Who has been told of which question, so that nobody is told twice."""

from django.db import models
from django.utils import timezone

from memories.models.base import PatientBound, PatientBoundQuerySet
from memories.models.review import ReviewTask


class Urgency(models.TextChoices):
    """Why a question is told of at once."""

    HIGH = "high", "High severity"
    OVERDUE = "overdue"


class ReviewNotice(PatientBound):
    """`told` (a user's key, or the webhook) was told that this task is urgent. Append-only."""

    task = models.ForeignKey(ReviewTask, models.PROTECT, related_name="notices")
    urgency = models.CharField(max_length=10, choices=Urgency)
    told = models.CharField(max_length=40)
    sent_at = models.DateTimeField(default=timezone.now)

    objects = PatientBoundQuerySet["ReviewNotice"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="memories_reviewnotice_told_once", fields=["patient", "task", "urgency", "told"]
            ),
        ]

    def __str__(self) -> str:
        return f"Notice {str(self.pk)[-6:]}"
