"""How a memory came to be what it is: changes field by field, and the words that were added to it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType

from audit.changes import clean_changes
from memories.models import AllergyDetail, MedicationDetail, Memory, Mention, ReviewTask
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
    """Everything that became of a memory, its details and its review tasks, oldest first."""
    keys = [str(memory.pk), *(str(pk) for pk in memory.review_tasks.values_list("pk", flat=True))]
    models = ContentType.objects.get_for_models(Memory, AllergyDetail, MedicationDetail, ReviewTask).values()
    logged = LogEntry.objects.filter(object_pk__in=keys, content_type__in=models).select_related("content_type")
    changes = [*map(_logged, logged), *map(_mentioned, memory.mentions.select_related("run"))]
    return sorted(changes, key=lambda change: change.at)


def _logged(entry: LogEntry) -> Change:
    what = f"{entry.content_type.name} {entry.get_action_display()}d"
    actor = (entry.additional_data or {}).get("actor", "")
    return Change(entry.timestamp, actor, what, clean_changes(entry.changes_dict), entry.cid)


def _mentioned(mention: Mention) -> Change:
    event = "denied" if mention.stance == Stance.DENIES else "said"
    words = clean_changes({"quote": [None, mention.quote], "said_by": [None, mention.speaker]})
    return Change(mention.recorded_at, "extraction", event, words)
