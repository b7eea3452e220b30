"""Who asks, as the rest of the product knows them. Admin pages are for people who signed in."""

from typing import cast

from django.http import HttpRequest

from patients.models import User


def user_of(request: HttpRequest) -> User:
    return cast(User, request.user)
