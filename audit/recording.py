"""Writing the access log. The only writer of `AccessLog`."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model
from django.utils.text import Truncator

from audit.actors import Actor, acting_as, current_actor
from audit.models import REASON_LENGTH, ROUTE_LENGTH, AccessLog, Event, Outcome


def record(
    event: Event,
    *,
    patient_id: object = None,
    objects: Iterable[object] = (),
    resource: type[Model] | None = None,
    outcome: Outcome = Outcome.SUCCESS,
    query: str = "",
    reason: str = "",
    route: str = "",
) -> AccessLog:
    """Put on record, in the running transaction, what the current actor does.

    `objects` are the keys of what is shown or changed, `resource` their model. If this fails, so does the access.
    """
    entry = _entry(event, patient_id, objects, resource, outcome=outcome, query=query, reason=reason, route=route)
    entry.save()
    return entry


def record_each(
    event: Event, objects_by_patient: Mapping[Any, Iterable[object]], *, resource: type[Model], query: str = ""
) -> None:
    """Put a list over several patients on record: one entry for each of them, with the keys shown, in one statement.

    Who looked at a patient is then to be read from the patient's own entries.
    """
    AccessLog.objects.bulk_create(
        _entry(event, patient_id, objects, resource, query=query) for patient_id, objects in objects_by_patient.items()
    )


def _entry(
    event: Event, patient_id: object, objects: Iterable[object], resource: type[Model] | None, **said: str
) -> AccessLog:
    actor = current_actor()
    return AccessLog(
        event=event,
        action=event.action,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        actor_roles=sorted(actor.roles),
        key_id=actor.key_id,
        patient_id=patient_id,  # type: ignore[misc] # because a key is taken as whatever type it comes
        resource=resource._meta.label_lower if resource else "",
        object_ids=[str(key) for key in objects],
        door=actor.door,
        request_id=actor.request_id,
        remote_addr=actor.remote_addr,
        **{**said, "reason": said.get("reason") or actor.reason},
    )


def record_refusal(actor: Actor, *, event: Event = Event.ACCESS, route: str = "", reason: str = "") -> None:
    """Put a refusal on record in a transaction of its own, so that it outlives the rollback of what was refused.

    What the asker sent may be of any length: what does not fit is told by an ellipsis.
    """
    with acting_as(actor):
        record(
            event,
            outcome=Outcome.REFUSED,
            route=Truncator(route).chars(ROUTE_LENGTH),
            reason=Truncator(reason).chars(REASON_LENGTH),
        )
