"""What a log may say. An exception's message, or the path of a request, can speak of a patient: neither is written."""

import logging
import traceback
from types import TracebackType


class QuietFormatter(logging.Formatter):
    """Formats an exception as its types and places, without its messages."""

    def formatException(self, ei: tuple[type[BaseException], BaseException, TracebackType | None]) -> str:  # type: ignore[override] # because logging also allows three Nones
        return "\n".join(_told(traceback.TracebackException(*ei)))


def _told(told: traceback.TracebackException) -> list[str]:
    """The chain of an exception, the cause first."""
    before = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    frames = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in told.stack]
    return [*(_told(before) if before else ()), f"{told.exc_type.__name__} at" if told.exc_type else "", *frames]


class RouteInsteadOfPath(logging.Filter):
    """Lets django.request name the route of a request ("patients/<str:external_id>"), not its path."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if request is not None and isinstance(record.args, tuple) and record.args:
            match = getattr(request, "resolver_match", None)
            record.args = (*record.args[:-1], match.route if match else "an unknown route")
        return True
