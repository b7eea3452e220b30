"""Errors in DRF's shapes: one sentence that says what to do, and nothing of the patient's."""

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from memories.ingestion import ConversationConflict, ConversationRefused


class Conflict(exceptions.APIException):
    status_code = 409
    default_code = "conflict"


def answer_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler, with the domain's own refusals translated first."""
    if isinstance(error, ConversationConflict):
        error = Conflict(str(error))
    elif isinstance(error, ConversationRefused):
        error = exceptions.ValidationError({"conversation": [str(error)]})
    elif isinstance(error, ValidationError):
        error = Conflict(" ".join(error.messages))
    elif isinstance(error, DataError):
        error = exceptions.ParseError("A value is out of range, or too long: correct it and send again.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    return exception_handler(error, context)
