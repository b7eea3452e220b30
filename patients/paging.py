"""Pages by a cursor: nothing is skipped or shown twice while rows come in."""

from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

#: Digits of a row's number that the database can compare.
LONGEST_COUNT = 9


class CheckedPages(CursorPagination):
    """Pages of ordered rows. A cursor that no page gave is a 404, like a garbled one."""

    page_size = 50
    max_page_size = 200
    page_size_query_param = "page_size"

    def decode_cursor(self, request: Request) -> Any:
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not self.is_position(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def is_position(self, text: str) -> bool:
        """Whether a row can stand there."""
        raise NotImplementedError


class PagesByTime(CheckedPages):
    """Pages of rows that are ordered by a time."""

    def is_position(self, text: str) -> bool:
        return _is_instant(text)


class PagesByPosition(CheckedPages):
    """Pages of rows that are counted from 0."""

    ordering = "position"

    def is_position(self, text: str) -> bool:
        return text.isascii() and text.isdigit() and len(text) <= LONGEST_COUNT


def _is_instant(text: str) -> bool:
    try:
        instant = parse_datetime(text)
    except ValueError:
        return False
    return instant is not None and instant.tzinfo is not None
