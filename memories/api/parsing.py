"""JSON as RFC 8259 has it, of texts and numbers that can be stored."""

import math
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_DEPTH = 50


class CleanJSONParser(JSONParser):
    """Refuses what no text or number is: NUL, half a surrogate pair, infinity, and nesting without end. Once for all
    bodies, so that no field has to.
    """

    strict = True

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        """The body of a request. Raises `ParseError` (400) with a sentence that quotes nothing."""
        try:
            body = super().parse(stream, media_type, parser_context)
        except RecursionError:
            raise ParseError(f"The body is nested too deeply: at most {MAX_DEPTH} levels.") from None
        _check(body, MAX_DEPTH)
        return body


def _check(value: object, levels: int) -> None:
    if levels < 0:
        raise ParseError(f"The body is nested too deeply: at most {MAX_DEPTH} levels.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ParseError("The body holds a number that is too large.")
    elif isinstance(value, dict):
        for part in (*value, *value.values()):
            _check(part, levels - 1)
    elif isinstance(value, list):
        for part in value:
            _check(part, levels - 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError("The body holds a NUL character, which is no text: remove it and send again.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The body holds half a surrogate pair, which is no text: send the whole character.")
