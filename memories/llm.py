"""The door to every OpenAI-compatible server: one chat question with a JSON answer, and embeddings.

>>> answer = ask(endpoint_from_settings(), instructions="...", text="...", schema={...}, max_tokens=1_000)

The only import of `openai`. What is sent and what comes back is patient text: no error and no log line
quotes it.
"""

import atexit
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeAlias, TypeVar

import httpx2
import openai  # noqa: TID251 because this is that one module
from django.conf import settings
from openai.types.chat import ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam  # noqa: TID251 as above

# These tell addresses and headers when they are chatty, and OPENAI_LOG in the environment makes them so.
for _name in ("openai", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.WARNING)

#: A server that asks for a longer wait than this (seconds) is given up for now: the queue tries again later.
LONGEST_WAIT = 20.0
FIRST_WAIT = 0.5
CONNECT_TIMEOUT = 5.0
#: Answers that a second try may change.
TRANSIENT_STATUSES = frozenset({408, 409, 429, 500, 502, 503, 504, 529})

#: Parts of a request that some servers do not know, and the words that name them in their refusals (400, 422).
OPTIONAL_PARTS: Mapping[str, tuple[str, ...]] = {
    "json_schema": ("json_schema", "response_format", "grammar"),
    "json_object": ("json_object", "response_format"),
    "max_completion_tokens": ("max_completion_tokens",),
    "temperature": ("temperature",),
    "dimensions": ("dimensions", "matryoshka"),
}

#: Between these some models think aloud before they answer.
THOUGHTS = ("<think>", "</think>")

Result = TypeVar("Result")
#: A message of a chat, as in `{"role": "user", "content": "Hello"}`.
Message: TypeAlias = ChatCompletionMessageParam


class LLMError(Exception):
    """No usable answer. `str()` is the `reason`, a code word; it quotes no prompt, answer or server."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LLMUnavailable(LLMError):
    """The server did not answer: rate_limited, timeout, outage, unauthorized, rejected or unreadable.

    `retry_after` holds the seconds that the server asked for, if it did.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class LLMRefused(LLMError):
    """The model or a filter before it declined to answer: refused."""


class LLMAnswerInvalid(LLMError):
    """The model answered with something else than asked: empty, truncated, not_json or unexpected_shape."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a model is, and how patiently to ask. An empty `base_url` is OpenAI's; `timeout` in seconds."""

    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    timeout: float = 30.0
    max_retries: int = 2


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer. `problem` is the code word of what is wrong with it, or ""; then there is no `content`."""

    content: Mapping[str, Any]
    problem: str
    prompt_tokens: int
    completion_tokens: int


def endpoint_from_settings() -> Endpoint:
    """The chat model of the settings."""
    return Endpoint(
        model=settings.OPENAI_MODEL,
        base_url=settings.OPENAI_BASE_URL,
        api_key=settings.OPENAI_API_KEY,
        timeout=settings.OPENAI_TIMEOUT,
        max_retries=settings.OPENAI_MAX_RETRIES,
    )


def ask(
    endpoint: Endpoint,
    *,
    instructions: str,
    text: str,
    schema: Mapping[str, Any],
    max_tokens: int,
    temperature: float = 0.0,
) -> Answer:
    """Ask for one JSON object of the given schema, and count what it cost.

    A server that does not know JSON schemas is asked for any JSON, with the schema in the instructions, and one
    that does not know that either is simply asked. Raises `LLMUnavailable` after the endpoint's retries, and
    `LLMRefused`.
    """

    def request(client: openai.OpenAI, unknown: set[str]) -> Answer:
        told = instructions
        if "json_schema" in unknown:
            told += "\nAnswer with one JSON object of this schema:\n" + json.dumps(schema, separators=(",", ":"))
        messages: list[ChatCompletionMessageParam] = [
            {"role": "system", "content": told},
            {"role": "user", "content": text},
        ]
        options = {**_answer_format(schema, unknown), **_limits(max_tokens, temperature, unknown)}
        return _read(client.chat.completions.create(model=endpoint.model, messages=messages, **options))

    return _call(endpoint, request)


def converse(
    endpoint: Endpoint,
    messages: Sequence[Message],
    *,
    max_tokens: int,
    seconds: float,
    temperature: float = 0.2,
) -> Iterator[str]:
    """The words of an answer as they come, without what a model thinks aloud before them.

    Raises `LLMUnavailable`, also in the midst and after so many `seconds`, `LLMRefused`, and `LLMAnswerInvalid` for an
    answer without words. Close the iterator to hang up.
    """

    def request(client: openai.OpenAI, unknown: set[str]) -> openai.Stream[ChatCompletionChunk]:
        options = _limits(max_tokens, temperature, unknown)
        return client.chat.completions.create(model=endpoint.model, messages=messages, stream=True, **options)

    deadline = time.monotonic() + seconds
    with _call(endpoint, request) as stream:
        said = False
        for words in _without_thoughts(_spoken(stream, deadline)):
            said = said or bool(words.strip())
            yield words
    if not said:
        raise LLMAnswerInvalid("empty")


def _spoken(stream: openai.Stream[ChatCompletionChunk], deadline: float) -> Iterator[str]:
    """The pieces of a streamed answer."""
    failure: LLMUnavailable | None = None
    try:
        for chunk in stream:
            if time.monotonic() > deadline:
                raise LLMUnavailable("timeout")
            for choice in chunk.choices[:1]:
                if choice.delta.refusal or choice.finish_reason == "content_filter":
                    raise LLMRefused("refused")
                if choice.delta.content:
                    yield choice.delta.content
    except openai.OpenAIError as error:
        failure = _failure(error)
    except httpx2.TimeoutException:
        failure = LLMUnavailable("timeout")
    except httpx2.HTTPError:
        failure = LLMUnavailable("outage")
    except (ValueError, TypeError, AttributeError):  # a piece that is none of this API
        failure = LLMUnavailable("unreadable")
    if failure:  # out here, so that the vendor's error is not chained to ours
        raise failure


def _without_thoughts(pieces: Iterator[str]) -> Iterator[str]:
    held, is_thinking = "", True
    for piece in pieces:
        if not is_thinking:
            yield piece
            continue
        held += piece
        begun = held.lstrip()
        if begun.startswith(THOUGHTS[0]):
            _, ended, held_after = begun.partition(THOUGHTS[1])
            if ended:
                is_thinking = False
                yield held_after.lstrip()
        elif not THOUGHTS[0].startswith(begun):
            is_thinking = False
            yield begun
    if is_thinking and not held.lstrip().startswith(THOUGHTS[0]):
        yield held


def embeddings(endpoint: Endpoint, texts: Sequence[str], *, dimension: int) -> list[list[float]]:
    """One vector a text, in their order, as the server gives them: their length is the caller's to check.

    Servers that can shorten vectors are asked for `dimension` numbers. Raises `LLMUnavailable`.
    """

    def request(client: openai.OpenAI, unknown: set[str]) -> list[list[float]]:
        shorter = openai.omit if "dimensions" in unknown else dimension
        # The SDK would ask for base64, which not every server speaks.
        answer = client.embeddings.create(
            model=endpoint.model, input=list(texts), encoding_format="float", dimensions=shorter
        )
        return [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]

    return _call(endpoint, request)


def _answer_format(schema: Mapping[str, Any], unknown: set[str]) -> dict[str, Any]:
    if "json_schema" not in unknown:
        named = {"name": "answer", "strict": True, "schema": schema}
        return {"response_format": {"type": "json_schema", "json_schema": named}}
    return {} if "json_object" in unknown else {"response_format": {"type": "json_object"}}


def _limits(max_tokens: int, temperature: float, unknown: set[str]) -> dict[str, Any]:
    limit = "max_tokens" if "max_completion_tokens" in unknown else "max_completion_tokens"
    freedom = {} if "temperature" in unknown else {"temperature": temperature}
    return {limit: max_tokens, **freedom}


def _call(endpoint: Endpoint, request: Callable[[openai.OpenAI, set[str]], Result]) -> Result:
    """Send a request; learn what the server does not know, and wait and repeat while it is worth it."""
    client, unknown = _connection(endpoint)
    retries = 0
    while True:
        try:
            return request(client, unknown)
        except openai.OpenAIError as error:
            failure = _failure(error)
            learned = _part_not_known(error, unknown)
        except (ValueError, TypeError, AttributeError):  # a body that is no answer of this API
            failure, learned = LLMUnavailable("unreadable"), None
        # Raised out here so that the vendor's error, which may quote the prompt, is not chained to ours.
        if learned:
            unknown.add(learned)
        elif retries < endpoint.max_retries and (pause := _pause(failure, retries)) is not None:
            time.sleep(pause)
            retries += 1
        else:
            raise failure


def _failure(error: openai.OpenAIError) -> LLMUnavailable:
    if isinstance(error, openai.APITimeoutError):
        return LLMUnavailable("timeout")
    if isinstance(error, openai.APIConnectionError):
        return LLMUnavailable("outage")
    if isinstance(error, openai.APIStatusError):
        return LLMUnavailable(_reason(error.status_code), _seconds(error.response.headers.get("retry-after")))
    return LLMUnavailable("unreadable")


def _reason(status: int) -> str:
    if status == 429:
        return "rate_limited"
    if status in (401, 403):
        return "unauthorized"
    return "outage" if status in TRANSIENT_STATUSES or status >= 500 else "rejected"


def _seconds(retry_after: str | None) -> float | None:
    """The header's seconds; None without one, and for its rare form with a date."""
    try:
        return max(0.0, float(retry_after or ""))
    except ValueError:
        return None


def _pause(failure: LLMUnavailable, retries: int) -> float | None:
    """Seconds to wait before the next try, or None if there is no point in one."""
    if failure.reason not in ("rate_limited", "timeout", "outage"):
        return None
    wait = failure.retry_after if failure.retry_after is not None else FIRST_WAIT * 2**retries
    return wait if wait <= LONGEST_WAIT else None


def _part_not_known(error: openai.OpenAIError, unknown: set[str]) -> str | None:
    """The optional part that a refusal complains of, if it is not left out already."""
    if not isinstance(error, openai.BadRequestError | openai.UnprocessableEntityError):
        return None
    complaint = error.response.text.lower()
    return next(
        (
            part
            for part, words in OPTIONAL_PARTS.items()
            if part not in unknown and any(word in complaint for word in words)
        ),
        None,
    )


@cache
def _connection(endpoint: Endpoint) -> tuple[openai.OpenAI, set[str]]:
    """The process's connection pool to an endpoint, and what its server was found not to know."""
    timeout = openai.Timeout(endpoint.timeout, connect=min(CONNECT_TIMEOUT, endpoint.timeout))
    client = openai.OpenAI(
        base_url=endpoint.base_url or "https://api.openai.com/v1",
        api_key=endpoint.api_key or "none",  # local servers ask for none, the SDK does
        timeout=timeout,
        max_retries=0,  # ours honour Retry-After within bounds
        # Patient text goes to the server that the settings name, and nowhere else.
        http_client=openai.DefaultHttpxClient(timeout=timeout, follow_redirects=False),
    )
    atexit.register(client.close)
    return client, set()


def _read(completion: ChatCompletion) -> Answer:
    usage = completion.usage
    tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
    if not completion.choices:
        return Answer({}, "empty", *tokens)
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise LLMRefused("refused")
    if choice.finish_reason == "length":
        return Answer({}, "truncated", *tokens)
    return Answer(*_parsed(choice.message.content or ""), *tokens)


def _parsed(words: str) -> tuple[Mapping[str, Any], str]:
    """The JSON object in an answer, past what a model thought aloud and the fence it may put around it."""
    said = words.rpartition("</think>")[2]
    if not said.strip():
        return {}, "empty"
    try:
        content, _ = json.JSONDecoder().raw_decode(said, said.index("{"))
    except (ValueError, RecursionError):
        return {}, "not_json"
    return content, ""
