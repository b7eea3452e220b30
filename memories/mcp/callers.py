"""Who calls, and whether they may: by access key, as everywhere else, anew with each call."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import connection
from uuid_utils.compat import uuid7

from audit.actors import Actor, Door, acting_as
from audit.recording import record_refusal
from memories.ingestion import ConversationRefused
from patients.api import NO_SUCH_PATIENT, find_visible
from patients.identification import IDENTIFICATION, actor_of_token
from patients.models import AccessKey, Patient
from patients.permissions import REFUSED, covers

Answer = TypeVar("Answer")

BAD_KEY = "This key is unknown, expired or revoked: ask an administrator for a new one."
FAILED = "This could not be answered, and nothing was changed: try again, and tell your administrator if it stays."


class CallRefused(Exception):
    """The message is one sentence that says what to do, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class Caller:
    actor: Actor
    key: AccessKey

    def require(self, permission: str, *, reads: bool = True) -> None:
        """Raises `CallRefused` unless the key's scopes and its user's role allow this."""
        if not (covers(self.key, reads=reads) and self.key.user.has_perm(permission)):
            raise CallRefused(REFUSED)

    def patient(self, patient_id: str) -> Patient:
        """The patient of this id. Raises `CallRefused` for one who is unknown or not in the caller's care."""
        patient = find_visible(patient_id)
        if patient is None:
            raise CallRefused(NO_SUCH_PATIENT)
        return patient


def identify(token: str, *, remote_addr: str | None = None) -> tuple[Actor, AccessKey | None]:
    """Who asks with this token, for one call; no key if it is none that can be used."""
    with acting_as(IDENTIFICATION):
        return actor_of_token(token, door=Door.MCP, request_id=str(uuid7()), remote_addr=remote_addr)


def carry_out_call(
    work: Callable[[Caller], Answer], *, token: str, remote_addr: str | None, route: str, about: str
) -> Answer:
    """Do this as whoever the token stands for. A refusal is on record, with what it was about.

    Runs in a thread of its own, whose connection is given back at the end. Raises `CallRefused`.
    """
    try:
        actor, key = identify(token, remote_addr=remote_addr)
        try:
            if key is None:
                raise CallRefused(BAD_KEY)
            return work(Caller(actor, key))
        except CallRefused:
            record_refusal(actor, route=route, reason=about)
            raise
    except ConversationRefused as refused:
        raise CallRefused(str(refused)) from None
    finally:
        connection.close()
