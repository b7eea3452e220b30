"""Many new rows at once, each with its own entry in the log of changes."""

from collections.abc import Iterable

from auditlog.cid import get_cid
from auditlog.diff import model_instance_diff
from auditlog.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from audit.receivers import name_actor_of_change

#: Entries a statement.
BATCH = 1000


def log_creations(objects: Iterable[Model]) -> None:
    """Write the entry of each new row, as saving it alone would have, in one statement for all of them.

    `bulk_create` sends no signals: who creates rows that way calls this in the same transaction.
    """
    LogEntry.objects.bulk_create(map(_entry, objects), batch_size=BATCH)


def _entry(created: Model) -> LogEntry:
    entry = LogEntry(
        content_type=ContentType.objects.get_for_model(created),
        object_pk=str(created.pk),
        object_id=created.pk if isinstance(created.pk, int) else None,
        object_repr=str(created),
        action=LogEntry.Action.CREATE,
        changes=model_instance_diff(None, created),
        additional_data=created.get_additional_data() if hasattr(created, "get_additional_data") else None,
        cid=get_cid(),
    )
    name_actor_of_change(LogEntry, entry)
    return entry
