"""Writing the access log. The only writer of `AccessLog`."""

from collections.abc import Iterable

from django.db.models import Model

from audit.actors import Actor, acting_as, current_actor
from audit.models import AccessLog, Event, Outcome


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
    actor = current_actor()
    return AccessLog.objects.create(
        event=event,
        action=event.action,
        outcome=outcome,
        actor_kind=actor.kind,
        actor_id=actor.id,
        actor_label=actor.label,
        actor_roles=sorted(actor.roles),
        key_id=actor.key_id,
        patient_id=patient_id,
        resource=resource._meta.label_lower if resource else "",
        object_ids=[str(key) for key in objects],
        query=query,
        reason=reason or actor.reason,
        door=actor.door,
        route=route,
        request_id=actor.request_id,
        remote_addr=actor.remote_addr,
    )


def record_refusal(actor: Actor, *, event: Event = Event.ACCESS, route: str = "", reason: str = "") -> None:
    """Put a refusal on record in a transaction of its own, so that it outlives the rollback of what was refused."""
    with acting_as(actor):
        record(event, outcome=Outcome.REFUSED, route=route, reason=reason)
