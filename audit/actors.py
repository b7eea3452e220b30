"""Who is acting. Every database access runs inside `acting_as(actor)`; without it the database shows and takes nothing.

`acting_as` opens the transaction and names the actor to Postgres with `set_config(..., is_local => true)`, so that
the name ends with the transaction and cannot leak through a pooled connection. Row-level security reads it there.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import TextChoices


class ActorKind(TextChoices):
    USER = "user"
    KEY = "key", "Access key"
    SYSTEM = "system"
    ANONYMOUS = "anonymous"


class Door(TextChoices):
    """Through what an actor came in."""

    API = "api", "API"
    ADMIN = "admin"
    COMMAND = "command"
    JOB = "job"
    MCP = "mcp", "MCP"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and through what. `id` is a user's key, or the name of a system actor; `key_id` an access key's.

    `patient_id` narrows a system actor to one patient; without it a system actor sees every patient.
    """

    kind: str
    id: str = ""
    label: str = ""
    roles: frozenset[str] = frozenset()
    key_id: str = ""
    patient_id: str = ""
    door: str = Door.COMMAND
    request_id: str = ""
    remote_addr: str | None = None
    reason: str = ""

    @property
    def is_system(self) -> bool:
        return self.kind == ActorKind.SYSTEM

    @property
    def is_identified(self) -> bool:
        return self.kind in (ActorKind.USER, ActorKind.KEY)

    def has_role(self, role: str) -> bool:
        return role in self.roles

    def becoming_system(self, name: str, *, patient_id: object = "") -> "Actor":
        """The named system actor, in the circumstances of this one: same door, same request, told on whose behalf."""
        behalf = f"{name} for {self.label}" if self.is_identified else name
        return replace(
            self,
            kind=ActorKind.SYSTEM,
            id=name,
            label=behalf,
            roles=frozenset(),
            key_id="",
            patient_id=str(patient_id),
        )


def system_actor(name: str, *, patient_id: object = "", door: str = Door.COMMAND, request_id: str = "") -> Actor:
    """A named part of the product, acting for nobody: a job, a command, the sign-in itself."""
    return Actor(ActorKind.SYSTEM, id=name, label=name, patient_id=str(patient_id), door=door, request_id=request_id)


ANONYMOUS = Actor(ActorKind.ANONYMOUS, label="anonymous", door=Door.API)

TRANSACTION_CONTROL = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ", "SET CONSTRAINTS ")

_current: ContextVar[Actor | None] = ContextVar("homecare_actor", default=None)


class ActorRequired(RuntimeError):
    """The database was asked something outside `acting_as`."""


def current_actor() -> Actor:
    """The actor of the innermost `acting_as`. Raises `ActorRequired` outside of one."""
    actor = _current.get()
    if actor is None:
        raise ActorRequired("Wrap this in `acting_as(actor)`: nothing reaches the database without an actor.")
    return actor


def current_request_id() -> str | None:
    """The request that is being answered, for django-auditlog's correlation id."""
    actor = _current.get()
    return actor.request_id or None if actor else None


@contextmanager
def acting_as(actor: Actor) -> Iterator[Actor]:
    """A transaction (or, inside one, a savepoint) in which `actor` is the one who acts.

    >>> with acting_as(actor):
    ...     Patient.objects.visible_to(actor)
    """
    outer = _current.get()
    token = _current.set(actor)
    is_named = actor == outer and connections[DEFAULT_DB_ALIAS].in_atomic_block
    try:
        with transaction.atomic():
            if not is_named:
                _name_to_database(actor)
            yield actor
            if outer is not None and not is_named and not transaction.get_rollback():
                _name_to_database(outer)
    finally:
        _current.reset(token)


def _name_to_database(actor: Actor) -> None:
    user_id = actor.id if actor.is_identified else ""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('homecare.actor_kind', %s, true), set_config('homecare.user_id', %s, true),"
            " set_config('homecare.key_id', %s, true), set_config('homecare.patient_id', %s, true),"
            " set_config('homecare.roles', %s, true)",
            [actor.kind, user_id, actor.key_id, actor.patient_id, ",".join(sorted(actor.roles))],
        )


def refuse_without_actor(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Database instrumentation on the application's connection: no statement about rows without an actor."""
    if not sql.startswith(TRANSACTION_CONTROL):
        current_actor()
    return execute(sql, params, many, context)
