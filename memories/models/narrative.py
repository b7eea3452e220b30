"""The summary text of a patient: derived, and made anew whenever what it tells of has changed."""

from django.db import models
from django.utils import timezone

from memories.models.base import PatientBound, PatientBoundQuerySet


class PatientNarrativeQuerySet(PatientBoundQuerySet["PatientNarrative"]):
    pass


class PatientNarrative(PatientBound):
    """Sentences about one patient, each with the memories it rests on: `[{"text": str, "memory_ids": [str]}]`.

    Allergies and medications are not among them: these are told as they are at the moment that it is read.
    """

    sentences = models.JSONField(default=list)
    made_of = models.CharField(max_length=64, help_text="A fingerprint of the memories that it tells of.")
    model = models.CharField(max_length=100, blank=True, help_text="The language model that worded it; none: ours.")
    made_at = models.DateTimeField(default=timezone.now)

    objects = PatientNarrativeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(name="memories_patientnarrative_one", fields=["patient"])]

    def __str__(self) -> str:
        return f"Summary text {str(self.pk)[-6:]}"
