"""Every request is answered by a named actor, in one transaction, and a refusal is on record."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import SimpleTemplateResponse
from django.urls import ResolverMatch, reverse

from audit.actors import acting_as
from audit.recording import record_refusal
from patients.doors import turn_away
from patients.identification import ActingRequest, identify

REFUSALS = {401, 403, 404}
NUL = "\x00"
#: The pages of signing in. Whoever is sent from another page to these was turned away.
SIGN_IN = ("admin:login", "second-factor")


class ActingMiddleware:
    """Identifies the actor and runs the view inside `acting_as(actor)`, rolled back when the answer is an error.

    A view that names its method in `opens_own_transactions` does so itself: no transaction spans an LLM call. One
    that `acts_for_nobody` asks for no patient, and is not identified.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: ActingRequest) -> HttpResponse:
        if _has_nul(request):
            return JsonResponse({"detail": "The address holds a NUL character, which is no text."}, status=400)
        response = self.get_response(request)
        if (match := request.resolver_match) and _is_refusal(response, match):
            self._record_refusal(request, match)
        return response

    def process_view(
        self, request: ActingRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        view_class = getattr(view, "cls", view)
        if getattr(view_class, "acts_for_nobody", False):
            return None
        request.actor = identify(request)
        if answer := turn_away(request):
            return answer
        if request.method in getattr(view_class, "opens_own_transactions", ()):
            return None
        with acting_as(request.actor):
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response = response.render()
            if response.status_code >= 400:
                transaction.set_rollback(True)
        return response

    def _record_refusal(self, request: ActingRequest, match: ResolverMatch) -> None:
        # A request without a CSRF token is refused before its view, and so before its actor is known.
        actor = request.actor if hasattr(request, "actor") else identify(request)
        named = getattr(request, "refused_patient", "") or " ".join(str(value) for value in match.kwargs.values())
        record_refusal(actor, route=match.route, reason=named)


def _has_nul(request: HttpRequest) -> bool:
    """Postgres takes no NUL, and no text has one."""
    return NUL in request.path_info or NUL in unquote(request.META.get("QUERY_STRING", ""))


def _is_refusal(response: HttpResponse, match: ResolverMatch) -> bool:
    """Whether the asker is turned away: by status, or sent from a page of the admin to sign in, or to finish it."""
    if response.status_code in REFUSALS:
        return True
    sent_to = urlsplit(response.headers.get("Location", "")).path
    return response.status_code == 302 and match.app_name == "admin" and sent_to in map(reverse, SIGN_IN)
