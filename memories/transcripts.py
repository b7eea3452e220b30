"""Files of what was said, to conversations that can be taken in. Pure: bytes in, conversations and problems out."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from hashlib import sha256
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of

#: The names that conversations and their turns go by in the files of others.
TURN_LISTS = ("conversation", "utterances", "turns", "messages")
TEXTS = ("content", "text")
SPEAKERS = ("speaker", "role", "name")

_LABELLED = re.compile(r"\s*(?P<speaker>[^\W\d_][\w.'()-]*(?: [\w.'()-]+){0,3})\s*:\s+(?P<text>\S.*)")


@dataclass(frozen=True, slots=True)
class Transcript:
    """One conversation of a file. `place` says where it starts there; `said_at` is None when the file does not say."""

    utterances: tuple[Utterance, ...]
    place: str
    said_at: datetime | None = None
    source_id: str = ""
    title: str = ""


@dataclass(slots=True)
class Transcripts:
    """What a file holds, and what in it could not be read: sentences that name the place and quote nothing."""

    conversations: list[Transcript] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Unreadable(ValueError):
    """Why a part of a file is no conversation. Quotes nothing."""


def parse_transcripts(content: bytes, *, name: str) -> Transcripts:
    """The conversations of a file, by its name: `.json`, `.jsonl`, or text with "Speaker: words" a line.

    JSON is a list of turns, one conversation `{"conversation": [...], "said_at", "source_id"}`, or a list of these;
    JSON Lines has a turn or a conversation a line, and consecutive turns are one conversation. A turn is a string,
    `{"role", "content"}` or `{"speaker", "text"}`. A conversation without an id gets one made of the file's name and
    its words, so that a file can be mended or continued, and read again.
    """
    found = Transcripts()
    lines = _decoded(content, found)
    if not name.lower().endswith((".json", ".jsonl", ".ndjson")):
        _add(found, [_from_text(lines)], "line 1")
    elif _is_whole(name, lines):
        _group(found, _document_items(lines, found))
    else:
        _group(found, _json_lines(lines, found))
    found.conversations = list(_with_ids(found.conversations, name))
    return found


def _decoded(content: bytes, found: Transcripts) -> list[tuple[int, str]]:
    """The numbered lines that are UTF-8 and not blank."""
    lines = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        try:
            lines.append((number, line.decode()))
        except UnicodeDecodeError:
            found.problems.append(f"Line {number} is not UTF-8: save the file as UTF-8.")
    return [(number, line) for number, line in lines if line.strip()]


# --- text --------------------------------------------------------------------------------------------------------


def _from_text(lines: Sequence[tuple[int, str]]) -> list[Utterance]:
    """A dialogue, if its first line names a speaker: then a line that names none goes on with the turn before.

    Otherwise a note, a turn a line, in which "BP: 120/80" is words.
    """
    if not lines or not _LABELLED.fullmatch(lines[0][1]):
        return [Utterance("", line.strip()) for _, line in lines]
    turns: list[tuple[str, str]] = []
    for _, line in lines:
        if labelled := _LABELLED.fullmatch(line):
            turns.append((labelled["speaker"], labelled["text"].strip()))
        else:
            speaker, text = turns.pop()
            turns.append((speaker, f"{text}\n{line.strip()}"))
    return [Utterance(speaker, text, role_of(speaker)) for speaker, text in turns]


# --- JSON --------------------------------------------------------------------------------------------------------


def _is_whole(name: str, lines: Sequence[tuple[int, str]]) -> bool:
    """Whether the file is one JSON document: by its name, unless its first line is one of several on its own."""
    return name.lower().endswith(".json") and not (len(lines) > 1 and _is_json(lines[0][1]))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _document_items(lines: Sequence[tuple[int, str]], found: Transcripts) -> Iterator[tuple[str, Any]]:
    try:
        document = json.loads("\n".join(line for _, line in lines))
    except json.JSONDecodeError as error:
        number = lines[min(error.lineno, len(lines)) - 1][0] if lines else 1
        found.problems.append(f"Line {number} is not JSON.")
        return
    for at, item in enumerate(document if isinstance(document, list) else [document], 1):
        yield f"item {at}", item


def _json_lines(lines: Sequence[tuple[int, str]], found: Transcripts) -> Iterator[tuple[str, Any]]:
    for number, line in lines:
        try:
            yield f"line {number}", json.loads(line)
        except ValueError:
            found.problems.append(f"Line {number} is not JSON.")


def _group(found: Transcripts, items: Iterator[tuple[str, Any]]) -> None:
    """Conversations as they are; turns that follow each other as one conversation."""
    loose: list[Utterance] = []
    start = ""
    for place, item in items:
        try:
            if isinstance(item, dict) and (turns := _turns_of(item)) is not None:
                _add(found, [loose], start)
                loose = []
                found.conversations.append(_conversation(item, turns, place))
            else:
                start = place if not loose else start
                loose.append(_turn(item))
        except Unreadable as problem:
            found.problems.append(f"{place.capitalize()}: {problem}")
    _add(found, [loose], start)


def _add(found: Transcripts, conversations: Sequence[Sequence[Utterance]], place: str) -> None:
    found.conversations.extend(Transcript(tuple(turns), place) for turns in conversations if turns)


def _turns_of(item: dict[str, Any]) -> Any:
    return next((item[name] for name in TURN_LISTS if name in item), None)


def _conversation(item: dict[str, Any], turns: Any, place: str) -> Transcript:
    if not isinstance(turns, list) or not turns:
        raise Unreadable("a conversation is a list of at least one turn.")
    return Transcript(
        utterances=tuple(_turn(turn) for turn in turns),
        place=place,
        said_at=_instant(item.get("said_at")),
        source_id=_text(item.get("source_id", item.get("id", ""))),
        title=_text(item.get("title", "")),
    )


def _turn(item: Any) -> Utterance:
    if isinstance(item, str):
        return Utterance("", item)
    words = next((item[name] for name in TEXTS if name in item), None) if isinstance(item, dict) else None
    if not isinstance(words, str):
        raise Unreadable("a turn is a text, or an object with role and content, or with speaker and text.")
    speaker = next((_text(item[name]) for name in SPEAKERS if item.get(name)), "")
    return Utterance(speaker, words, role_of(_text(item.get("role") or speaker)))


def _text(value: Any) -> str:
    if not isinstance(value, str | int) or len(str(value)) > 200:
        raise Unreadable("an id, a title and a speaker are texts of at most 200 characters.")
    return str(value)


def _instant(value: Any) -> datetime | None:
    """A day counts from its first minute; a time without a zone is in the product's. Raises `Unreadable`."""
    if value is None:
        return None
    try:
        instant = parse_datetime(value) or datetime.combine(parse_date(value), time.min)  # type: ignore[arg-type] # because None is caught
    except (TypeError, ValueError):
        raise Unreadable("said_at is a day or an instant in ISO 8601, such as 2026-03-04T09:30.") from None
    return instant if timezone.is_aware(instant) else timezone.make_aware(instant)


# --- ids ---------------------------------------------------------------------------------------------------------


def _with_ids(conversations: Sequence[Transcript], name: str) -> Iterator[Transcript]:
    times_seen: dict[str, int] = {}
    for conversation in conversations:
        if conversation.source_id:
            yield conversation
            continue
        digest = _digest(conversation, name)
        times_seen[digest] = times_seen.get(digest, 0) + 1
        yield replace(conversation, source_id=f"{digest}-{times_seen[digest]}")


def _digest(conversation: Transcript, name: str) -> str:
    said = [[turn.speaker, turn.text] for turn in conversation.utterances]
    return sha256(json.dumps([name, str(conversation.said_at or ""), said]).encode()).hexdigest()[:32]
