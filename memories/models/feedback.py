"""What the users of a program say about a memory that it told them."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from memories.models.base import PatientBound, RecordedQuerySet
from memories.models.memory import Memory


class Verdict(models.TextChoices):
    POSITIVE = "positive"
    NEGATIVE = "negative"
    VERY_NEGATIVE = "very-negative", "Very negative"


class MemoryFeedback(PatientBound):
    """One user's word on one memory; taken back, its verdict is empty. It decides nothing: a person does."""

    memory = models.ForeignKey(Memory, models.PROTECT, related_name="feedback")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=15, choices=Verdict, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = RecordedQuerySet["MemoryFeedback"].as_manager()

    class Meta:
        verbose_name_plural = "memory feedback"
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(name="memories_memoryfeedback_once", fields=["memory", "given_by"])]

    def __str__(self) -> str:
        return f"Feedback {str(self.pk)[-6:]}"
