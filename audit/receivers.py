"""What the record listens to. Connected in `apps.py`."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.actors import current_actor, refuse_without_actor


def require_actor(sender: object, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """From its first statement the application's connection takes nothing outside `acting_as`."""
    if connection.alias == DEFAULT_DB_ALIAS and refuse_without_actor not in connection.execute_wrappers:
        connection.execute_wrappers.append(refuse_without_actor)


def name_actor_of_change(sender: object, instance: Any, **kwargs: Any) -> None:
    """django-auditlog's entry of a change names the actor of the transaction, a system actor too."""
    actor = current_actor()
    if actor.is_identified:
        instance.actor_id = int(actor.id)
    instance.remote_addr = actor.remote_addr
    instance.additional_data = {**(instance.additional_data or {}), "actor": actor.label, "door": actor.door}
