"""Who is turned away before any page is made: a session that was idle, or one without its second factor."""

import time
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from patients import second_factor
from patients.identification import IDENTIFICATION, ActingRequest
from patients.sign_in import BEFORE_THE_SECOND_FACTOR, second_factor_address

SEEN_AT = "seen_at"
#: Seconds. So exactly is it kept when a session was last used: not every request writes it.
GRAIN = 30
#: A page that asks by itself, without anybody's hand, says so with this header, and keeps no session alive.
BACKGROUND = "X-Background"
IDLE = "You were signed out, because nothing was done for a while: sign in again."
SECOND_FACTOR_FIRST = "Give your second factor first: sign in at /admin/."


def turn_away(request: ActingRequest) -> HttpResponse | None:
    """The answer to whoever may not go on; None for everybody else, and for keys."""
    if request.access_key is not None or not request.user.is_authenticated:
        return None
    if _has_idled(request):
        return _sign_out(request)
    match = request.resolver_match
    if second_factor.is_missing(request) and match and match.view_name not in BEFORE_THE_SECOND_FACTOR:
        return _refused(request, SECOND_FACTOR_FIRST, 403, second_factor_address(request.get_full_path()))
    return None


def _has_idled(request: ActingRequest) -> bool:
    """Whether the session was left alone for too long; otherwise keeps that it is used now."""
    now = time.time()
    unused = now - request.session.get(SEEN_AT, now)
    if unused > settings.SESSION_IDLE_MINUTES * 60:
        return True
    if BACKGROUND not in request.headers and (SEEN_AT not in request.session or unused > GRAIN):
        request.session[SEEN_AT] = now
    return False


def _sign_out(request: ActingRequest) -> HttpResponse:
    with acting_as(request.actor):
        record(Event.AUTO_LOGOFF, reason=f"Idle for {settings.SESSION_IDLE_MINUTES} minutes")
    with acting_as(IDENTIFICATION):
        request.session.flush()
    messages.info(request, IDLE)
    return _refused(request, IDLE, 401, f"{reverse('admin:login')}?next={urlsplit(request.get_full_path()).path}")


def _refused(request: ActingRequest, sentence: str, status: int, page: str) -> HttpResponse:
    """A person is led on; a program is told."""
    if request.path_info.startswith("/admin/"):
        return HttpResponseRedirect(page)
    return JsonResponse({"detail": sentence}, status=status)
