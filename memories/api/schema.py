"""Hooks of the OpenAPI schema."""

from typing import Any


def without_trailing_slashes(endpoints: list[tuple[str, str, str, Any]], **kwargs: Any) -> list[Any]:
    """Show each route once, as it is documented."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]
