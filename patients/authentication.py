from typing import cast

from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from patients.identification import ActingRequest
from patients.models import AccessKey, User
from patients.openapi import AccessKeyScheme  # noqa: F401 because importing it is what registers it


class MiddlewareAuthentication(SessionAuthentication):
    """Takes over whom `ActingMiddleware` identified. A session, unlike a key, also needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, AccessKey | None] | None:
        django_request = cast(ActingRequest, request._request)
        if django_request.has_bad_key:
            raise AuthenticationFailed("This key is unknown, expired or revoked: ask an administrator for a new one.")
        if not django_request.actor.is_identified:
            return None
        if django_request.access_key is None:
            self.enforce_csrf(request)
        return cast(User, django_request.user), django_request.access_key

    def authenticate_header(self, request: Request) -> str:
        return "Token"
