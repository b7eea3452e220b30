"""How a memory came to be what it is: changes field by field, and the words that were added to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet

from audit.changes import clean_changes
from memories.models import AllergyDetail, ImportedEvent, MedicationDetail, Memory, Mention, ReviewTask
from memories.models.memory import Stance


@dataclass(frozen=True, slots=True)
class Change:
    """One entry: who did what when. `changes` maps a field to its value before and after, None where there is none."""

    at: datetime
    actor: str
    event: str
    changes: dict[str, list[Any]] = field(default_factory=dict)
    request_id: str | None = None


def history_of(memory: Memory) -> list[Change]:
    """Everything that became of a memory, its details and its review tasks, oldest first; where it was imported, what
    its source remembered of it too.
    """
    keys = [str(memory.pk), *(str(pk) for pk in memory.review_tasks.values_list("pk", flat=True))]
    models = ContentType.objects.get_for_models(Memory, AllergyDetail, MedicationDetail, ReviewTask).values()
    logged = LogEntry.objects.filter(object_pk__in=keys, content_type__in=models).select_related("content_type")
    changes = [
        *map(_logged, logged),
        *map(_mentioned, memory.mentions.select_related("run")),
        *(change for event in _events_of(memory) for change in _at_source(event)),
    ]
    return sorted(changes, key=lambda change: change.at)


def _events_of(memory: Memory) -> QuerySet[ImportedEvent]:
    rows = memory.imported_rows.values("source_id")
    return ImportedEvent.objects.for_patient(memory.patient).filter(source_id__in=rows, happened_at__isnull=False)


def _at_source(event: ImportedEvent) -> Iterator[Change]:
    """What happened before it came here, in the words of its source: "mem0: UPDATE"."""
    words = clean_changes({"content": [event.old_text, event.new_text]})
    if event.happened_at:
        yield Change(event.happened_at, event.actor, f"{event.source}: {event.event}", words)


def _logged(entry: LogEntry) -> Change:
    what = f"{entry.content_type.name} {entry.get_action_display()}d"
    actor = (entry.additional_data or {}).get("actor", "")
    return Change(entry.timestamp, actor, what, clean_changes(entry.changes_dict), entry.cid)


def _mentioned(mention: Mention) -> Change:
    event = "denied" if mention.stance == Stance.DENIES else "said"
    words = clean_changes({"quote": [None, mention.quote], "said_by": [None, mention.speaker]})
    return Change(mention.recorded_at, "extraction", event, words)
