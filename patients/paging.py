"""Pages by a cursor: nothing is skipped or shown twice while rows come in."""

from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class PagesByTime(CursorPagination):
    """Pages of rows that are ordered by a time. A cursor that no page gave is a 404, like a garbled one."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not _is_instant(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def _is_instant(text: str) -> bool:
    try:
        instant = parse_datetime(text)
    except ValueError:
        return False
    return instant is not None and instant.tzinfo is not None
