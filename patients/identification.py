"""From a request to an actor: a session or an access key, the same for every door."""

from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from uuid_utils.compat import uuid7

from audit.actors import ANONYMOUS, Actor, ActorKind, Door, acting_as, asking_as, system_actor
from patients.keyholder import usable_key
from patients.models import AccessKey
from patients.models import AccessKey

IDENTIFICATION = system_actor("identification")


class ActingRequest(HttpRequest):
    """A request whose actor is known: what `ActingMiddleware` makes of every one."""

    actor: Actor
    access_key: AccessKey | None
    bad_access_key: bool
    refused_patient: str


class BadAccessKey(Exception):
    """The request carries a key that is unknown, expired or revoked."""


def identify(request: ActingRequest) -> Actor:
    """Who asks: the user of the access key or of the session, else an anonymous actor. Raises `BadAccessKey`.

    Sets `request.access_key`, and `request.user` for a key, with the user's permissions at hand.
    """
    circumstances: dict[str, Any] = {
        "door": Door.ADMIN if request.path_info.startswith("/admin/") else Door.API,
        "request_id": str(uuid7()),
        "remote_addr": _remote_addr(request),
    }
    request.access_key = None
    if token := _presented_token(request):
        return _actor_of_key(request, token, circumstances)
    with acting_as(IDENTIFICATION):
        actor = _actor_of_session(request, circumstances)
        request.user.get_all_permissions()
    return actor


def _actor_of_key(request: ActingRequest, token: str, circumstances: dict[str, Any]) -> Actor:
    with asking_as(IDENTIFICATION):
        found = usable_key(token)
    if found is None:
        raise BadAccessKey
    key, roles = found
    request.access_key, request.user = key, key.user
    return Actor(
        ActorKind.KEY,
        id=str(key.user_id),
        label=key.user.username,
        roles=roles,
        key_id=str(key.pk),
        **circumstances,
    )


def _actor_of_session(request: HttpRequest, circumstances: dict[str, Any]) -> Actor:
    if request.user.is_authenticated:
        return request.user.as_actor(**circumstances)
    return replace(ANONYMOUS, **circumstances)


def _presented_token(request: HttpRequest) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("token", "bearer") else ""


def _remote_addr(request: HttpRequest) -> str | None:
    if settings.TRUST_PROXY_HEADERS and (forwarded := request.headers.get("X-Forwarded-For")):
        return forwarded.rpartition(",")[2].strip()  # the nearest proxy's word; the rest is the client's own
    return request.META.get("REMOTE_ADDR") or None
