"""A conversation read by a language model: one question for a conversation of ordinary length.

Every candidate quotes words that were really said; an item whose quote is nowhere in the conversation is dropped
and counted. The vocabulary's names (`ingredient`) are filled in by the check that follows, not by the model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from memories.extraction.candidates import Candidate, Extraction, Usage, Utterance
from memories.extraction.prompt import PROMPT_VERSION, instructions, windows
from memories.extraction.schema import SCHEMA, Source, candidates_of
from memories.llm import Answer, Endpoint, LLMAnswerInvalid, ask, endpoint_from_settings

VERSION = f"1+prompt.{PROMPT_VERSION}"

#: Room for some thirty facts; twice that when an answer did not fit.
MAX_ANSWER_TOKENS = 2_500
#: The second try after an unusable answer: room to finish it, and some freedom not to repeat it.
TRIES = ((MAX_ANSWER_TOKENS, 0.0), (2 * MAX_ANSWER_TOKENS, 0.3))


def extract_with_llm(
    utterances: Sequence[Utterance],
    said_at: datetime,
    *,
    endpoint: Endpoint | None = None,
    instruction: str | None = None,
) -> Extraction:
    """Ask the model of the settings (or `endpoint`) what the conversation states about the patient.

    Raises `LLMUnavailable`, `LLMRefused`, or `LLMAnswerInvalid` after a second unusable answer; then nothing of
    the conversation was extracted. A conversation without words costs no call.
    """
    endpoint = endpoint or endpoint_from_settings()
    system = instructions(settings.EXTRACTION_INSTRUCTION if instruction is None else instruction)
    source = Source(utterances, said_at)
    readings = [_read(endpoint, system, window, source) for window in windows(utterances, said_at)]
    return Extraction(
        candidates=_without_repeats([candidate for reading in readings for candidate in reading.candidates]),
        usage=_total([answer for reading in readings for answer in reading.answers]),
        dropped=sum(reading.dropped for reading in readings),
    )


@dataclass(frozen=True, slots=True)
class _WindowReading:
    candidates: Sequence[Candidate]
    dropped: int
    answers: Sequence[Answer]


def _read(endpoint: Endpoint, system: str, window: str, source: Source) -> _WindowReading:
    answers: list[Answer] = []
    problem = ""
    for max_tokens, temperature in TRIES:
        answer = ask(
            endpoint,
            instructions=system,
            text=window,
            schema=SCHEMA,
            max_tokens=max_tokens,
            temperature=temperature,
        )
        answers.append(answer)
        found, problem = _candidates(answer, source)
        if not problem:
            return _WindowReading(*found, answers)
    raise LLMAnswerInvalid(problem)


def _candidates(answer: Answer, source: Source) -> tuple[tuple[list[Candidate], int], str]:
    """The candidates and the number dropped, or the code word of what makes the answer unusable."""
    if answer.problem:
        return ([], 0), answer.problem
    try:
        return candidates_of(answer.content, source), ""
    except (KeyError, TypeError, ValueError):
        return ([], 0), "unexpected_shape"


def _without_repeats(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The first of those that say the same by the same words: windows overlap, and models repeat themselves."""
    first = {(c.quote, c.category, c.about.casefold(), c.denied): c for c in reversed(candidates)}
    return tuple(reversed(first.values()))


def _total(answers: Sequence[Answer]) -> Usage:
    return Usage(
        calls=len(answers),
        prompt_tokens=sum(answer.prompt_tokens for answer in answers),
        completion_tokens=sum(answer.completion_tokens for answer in answers),
    )
