"""What production does not do without."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


def register_checks() -> None:
    """Called when the app is ready."""
    register(check_doors, Tags.security)


def check_doors(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if settings.PRODUCTION and not settings.SECOND_FACTOR:
        return [
            Error(
                "Production needs a second factor of everybody who signs in.",
                hint="Leave SECOND_FACTOR out, or set it to true.",
                id="homecare.E201",
            )
        ]
    return []
