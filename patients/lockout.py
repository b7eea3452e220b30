"""What happens after wrong passwords: the same name from the same address waits; nobody else does."""

from typing import Any

from axes.backends import AxesStandaloneBackend
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from patients.identification import remote_addr


class LockoutBackend(AxesStandaloneBackend):
    """Asked before any password is looked at. Without a request there is no address, and so nothing to lock."""

    def authenticate(self, request: HttpRequest | None, *args: Any, **kwargs: Any) -> None:
        if request is not None:
            super().authenticate(request, *args, **kwargs)


def address_of(request: HttpRequest) -> str:
    """As it stands on record: behind a proxy, the word of a trusted one alone."""
    return remote_addr(request) or ""


def locked_out(request: HttpRequest, original_response: HttpResponse | None, credentials: Any) -> HttpResponse:
    """One sentence, in the shape that was asked for."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    sentence = f"Too many wrong passwords: try again in {seconds // 60} minutes, or ask an administrator."
    answer: HttpResponse
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        answer = JsonResponse({"detail": sentence}, status=429)
    else:
        answer = render(request, "patients/locked_out.html", {"sentence": sentence}, status=429)
    answer["Retry-After"] = str(seconds)
    return answer
