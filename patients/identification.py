"""From a request to an actor: a session or an access key, the same for every door."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from uuid_utils.compat import uuid7

from audit.actors import ANONYMOUS, Actor, ActorKind, Door, acting_as, system_actor
from patients.keyholder import usable_key
from patients.models import AccessKey

IDENTIFICATION = system_actor("identification")
#: Where an access key stands for its user. Elsewhere it is ignored: pages are for people who signed in.
KEY_DOORS = ("/api/", "/mem0/")


class ActingRequest(HttpRequest):
    """A request whose actor is known: what `ActingMiddleware` makes of every one."""

    actor: Actor
    access_key: AccessKey | None
    has_bad_key: bool
    refused_patient: str


def identify(request: ActingRequest) -> Actor:
    """Who asks: the user of the session or, at `KEY_DOORS`, of the access key; else an anonymous actor.

    Sets `request.access_key`, `request.user` for a key, with the user's permissions at hand, and `request.has_bad_key`
    when there is a key that is unknown, expired or revoked.
    """
    circumstances: dict[str, Any] = {
        "door": Door.ADMIN if request.path_info.startswith("/admin/") else Door.API,
        "request_id": str(uuid7()),
        "remote_addr": remote_addr(request),
    }
    request.access_key, request.has_bad_key = None, False
    with acting_as(IDENTIFICATION):
        if token := _presented_token(request):
            return _actor_of_key(request, token, circumstances)
        return _actor_of_session(request, circumstances)


def actor_of_token(token: str, **circumstances: Any) -> tuple[Actor, AccessKey | None]:
    """Who asks with this token, and their key; an anonymous actor and None if it is unknown, expired or revoked.

    Runs inside `acting_as(IDENTIFICATION)`. The key's `user` has their permissions at hand.
    """
    found = usable_key(token)
    if found is None:
        return replace(ANONYMOUS, **circumstances), None
    key, roles = found
    actor = Actor(
        ActorKind.KEY,
        id=str(key.user_id),
        label=key.user.username,
        roles=roles,
        key_id=str(key.pk),
        **circumstances,
    )
    return actor, key


def token_in(authorization: str) -> str:
    """The access key in this header, or ""."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() in ("token", "bearer") else ""


def _actor_of_key(request: ActingRequest, token: str, circumstances: dict[str, Any]) -> Actor:
    actor, key = actor_of_token(token, **circumstances)
    if key is None:
        request.has_bad_key = True
    else:
        request.access_key, request.user = key, key.user
    return actor


def _actor_of_session(request: HttpRequest, circumstances: dict[str, Any]) -> Actor:
    if request.user.is_authenticated:
        request.user.get_all_permissions()
        return request.user.as_actor(**circumstances)
    return replace(ANONYMOUS, **circumstances)


def _presented_token(request: HttpRequest) -> str:
    if not request.path_info.startswith(KEY_DOORS):
        return ""
    return token_in(request.headers.get("Authorization", ""))


def remote_addr(request: HttpRequest) -> str | None:
    """The address of who asks, if it is one."""
    told = request.META.get("REMOTE_ADDR", "")
    if settings.TRUST_PROXY_HEADERS and (forwarded := request.headers.get("X-Forwarded-For")):
        told = forwarded.rpartition(",")[2]  # the nearest proxy's word; the rest is the client's own
    try:
        return str(ip_address(told.strip().partition("%")[0]))  # Postgres knows no zones, as in fe80::1%eth0
    except ValueError:
        return None
