"""What the memories listen to, all in one place. A receiver takes a key and enqueues a job, and nothing else."""

from typing import Any

from auditlog.registry import auditlog
from django.db.models import Model

from memories.models import (
    AllergyDetail,
    ExtractionRun,
    MedicationDetail,
    Memory,
    MemoryFeedback,
    MemoryLink,
    ReviewTask,
)
from memories.signals import rows_imported, turns_recorded, vectors_missing
from memories.tasks import enqueue_embedding, enqueue_extraction, enqueue_imported


def connect() -> None:
    turns_recorded.connect(enqueue_recorded, dispatch_uid="memories.enqueue_recorded")
    vectors_missing.connect(enqueue_missing_vectors, dispatch_uid="memories.enqueue_missing_vectors")
    rows_imported.connect(enqueue_rows, dispatch_uid="memories.enqueue_rows")
    for model in (Memory, AllergyDetail, MedicationDetail, MemoryFeedback, MemoryLink, ReviewTask):
        auditlog.register(model, include_fields=_own_fields(model))


def _own_fields(model: type[Model]) -> list[str]:
    """The columns that a person would call a change. Other models' rows are asked for when they are not left out."""
    return [field.name for field in model._meta.concrete_fields if field.name not in ("updated_at", "fact_key")]


def enqueue_recorded(sender: object, *, run: ExtractionRun, inline: bool, **kwargs: Any) -> None:
    """A conversation is stored: its run gets a job, in the same transaction."""
    enqueue_extraction(run, inline=inline)


def enqueue_missing_vectors(sender: object, **kwargs: Any) -> None:
    """Memories are indexed without a vector: a job embeds them, once for all that wait."""
    enqueue_embedding()


def enqueue_rows(sender: object, *, inline: bool, **kwargs: Any) -> None:
    """Rows of an import are stored: a job reads what the import itself does not."""
    enqueue_imported(inline=inline)
