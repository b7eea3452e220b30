"""What the memories listen to, all in one place. A receiver takes a key and enqueues a job, and nothing else."""

from typing import Any

from auditlog.registry import auditlog

from memories.models import AllergyDetail, ExtractionRun, MedicationDetail, Memory, ReviewTask
from memories.signals import turns_recorded
from memories.tasks import enqueue_extraction


def connect() -> None:
    turns_recorded.connect(enqueue_recorded, dispatch_uid="memories.enqueue_recorded")
    auditlog.register(Memory, exclude_fields=["updated_at", "fact_key"])
    for model in (AllergyDetail, MedicationDetail, ReviewTask):
        auditlog.register(model)


def enqueue_recorded(sender: object, *, run: ExtractionRun, inline: bool, **kwargs: Any) -> None:
    """A conversation is stored: its run gets a job, in the same transaction."""
    enqueue_extraction(run, inline=inline)
