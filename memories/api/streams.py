"""Answers as server-sent events: `words` as they come, then the whole `answer`, or `failed` with a sentence."""

import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse
from rest_framework.renderers import JSONRenderer

from memories.replying import Answer

logger = logging.getLogger(__name__)

FAILED = "The answer stopped because of an error on our side. What you said is kept: ask again."


class EventStreamRenderer(JSONRenderer):
    """Lets a client ask for `text/event-stream`; what is refused before the stream begins is told as JSON."""

    media_type = "text/event-stream"
    format = "sse"


class _Stream:
    """The lines of a stream. Closed by the server, whether it was read to its end, in part or not at all."""

    def __init__(self, lines: Iterator[bytes], close: Callable[[], None]) -> None:
        self.lines = lines
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        return self.lines

    def close(self) -> None:
        self._close()


def event_stream(
    parts: Generator[Any, None, None], *, shape: Callable[[Answer], Mapping[str, Any]], leave: Callable[[], None]
) -> StreamingHttpResponse:
    """The response that tells these parts of an answer. It calls `leave` once it is over, however it ends."""
    lines = _lines(parts, shape)

    def close() -> None:
        lines.close()
        parts.close()
        leave()

    response = StreamingHttpResponse(_Stream(lines, close), content_type="text/event-stream; charset=utf-8", status=201)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _lines(parts: Iterator[Any], shape: Callable[[Answer], Mapping[str, Any]]) -> Generator[bytes, None, None]:
    try:
        for part in parts:
            yield _event("answer", shape(part)) if isinstance(part, Answer) else _event("words", {"text": part})
    except Exception as error:  # noqa: BLE001 because the answer has begun, and its text may quote a patient
        logger.warning("A streamed answer was stopped by %s", type(error).__name__)
        yield _event("failed", {"detail": FAILED})


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, cls=DjangoJSONEncoder)}\n\n".encode()
