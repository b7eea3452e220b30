"""From what mem0 calls things, in each of its versions, to rows and events. Pure."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from memories.choices import SpeakerRole
from memories.extraction.reading import role_of
from memories.importers.rows import Malformed, Origin, Piece, PieceKind, RowState, SourceEvent, SourceRow
from memories.vocabulary.words import word_list, word_set

#: The words of a memory: over REST and in the SDK, in a table's payload, in OpenMemory.
TEXT_KEYS = ("memory", "data", "content", "text")
#: What mem0 itself puts beside the caller's metadata in a payload.
OWN_KEYS = word_set(
    "id memory data content text hash text_lemmatized created_at updated_at user_id agent_id run_id app_id session_id "
    "actor_id role attributed_to expiration_date memory_type categories metadata score score_details "
    "structured_attributes replaced_by synthesized lifecycle_state state archived_at deleted_at category_ids app "
    "relations entities"
)
#: Computed from what is kept, and made anew here.
DERIVED_KEYS = frozenset({"text_lemmatized", "structured_attributes", "score", "score_details", "vector"})
#: What a route may put into the metadata instead of beside it.
PROMOTED_KEYS = word_list("actor_id role attributed_to memory_type run_id session_id agent_id app_id expiration_date")
ENDED_STATES = frozenset({"archived", "paused", "superseded", "replaced", "expired", "inactive"})
DELETED_STATES = frozenset({"deleted", "removed"})
LONGEST_ID = 200
#: Of an agent, a session or an app.
LONGEST_NAME = 100
ROLES = {"assistant": SpeakerRole.AGENT, "agent": SpeakerRole.AGENT}


def kind_of(value: Mapping[str, Any]) -> PieceKind:
    """What one JSON object of an export is, by its keys."""
    if value.keys() & {"event"} and value.keys() & {"memory_id", "new_memory", "old_memory"}:
        return PieceKind.EVENT
    if {"session_scope", "content"} <= value.keys():
        return PieceKind.EVENT
    if value.keys() & {"relationship", "relation"} and value.keys() & {"source", "target", "destination"}:
        return PieceKind.RELATION
    if value.keys() & {"linked_memory_ids"}:
        return PieceKind.RELATION
    if "id" in value and value.keys() & {"memory", "data", "content"} and "event" not in value:
        return PieceKind.MEMORY
    # One of somebody's without words is a row too: one that cannot be read, and is told so.
    if value.keys() & {"user_id", "agent_id", "run_id"} and value.keys() & {"id", "memory", "data"}:
        return PieceKind.MEMORY
    return PieceKind.OTHER


def as_row(piece: Piece) -> SourceRow:
    """A memory of any of mem0's shapes. Raises `Malformed`."""
    value = piece.value
    text = _text(value)
    metadata = _metadata(value)
    told = {key: value.get(key, metadata.get(key)) for key in PROMOTED_KEYS}
    told["session_id"] = told["session_id"] or told["run_id"]
    original = {
        key: kept
        for key, kept in value.items()
        if key not in TEXT_KEYS and key not in DERIVED_KEYS and kept not in (None, [], {}) and key in OWN_KEYS
    }
    original |= {key: kept for key, kept in told.items() if kept is not None}
    original["metadata"] = {key: kept for key, kept in metadata.items() if key not in DERIVED_KEYS}
    user_id = identifier(value.get("user_id"))
    check_storable(original)
    state, ended = _state(value)
    speaker = str(told["actor_id"] or told["role"] or told["attributed_to"] or "")
    return SourceRow(
        place=piece.place,
        source_id=_source_id(value, user_id, text),
        text=text,
        user_id=user_id,
        origin=Origin(*(identifier(told[key])[:LONGEST_NAME] for key in ("agent_id", "session_id", "app_id"))),
        said_at=instant_of(value.get("updated_at")) or instant_of(value.get("created_at")),
        ends_at=_expiry(told["expiration_date"]) or ended,
        state=state,
        speaker=speaker,
        role=_role(told, speaker),
        original=original,
    )


def as_event(piece: Piece) -> SourceEvent:
    """An entry of mem0's history, or a message that it keeps of a session. Raises `Malformed`."""
    value = piece.value
    if "session_scope" in value:
        return _message(piece)
    check_storable(value)
    said = json.dumps(value, sort_keys=True, default=str)
    original = {key: kept for key, kept in value.items() if key not in ("old_memory", "new_memory", "input")}
    return SourceEvent(
        place=piece.place,
        source_id=identifier(value.get("memory_id")),
        event_id=identifier(value.get("id")) or "sha256:" + sha256(said.encode()).hexdigest(),
        event=str(value.get("event") or "").upper()[:20],
        user_id=identifier(value.get("user_id")),
        old_text=_optional_text(value.get("old_memory")),
        new_text=_optional_text(value.get("new_memory")),
        happened_at=instant_of(value.get("updated_at")) or instant_of(value.get("created_at")),
        actor=str(value.get("actor_id") or value.get("role") or "")[:200],
        original=original,
    )


def deletion_of(row: SourceRow) -> SourceEvent:
    """What is told of a memory that was deleted at its source: its last words are history."""
    return SourceEvent(
        place=row.place,
        source_id=row.source_id,
        event_id=f"deleted:{row.source_id}"[:LONGEST_ID],
        event="DELETE",
        user_id=row.user_id,
        old_text=row.text,
        happened_at=row.ends_at or row.said_at,
        original=row.original,
    )


def digest_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _message(piece: Piece) -> SourceEvent:
    value = piece.value
    check_storable(value)
    scope = parse_qs(str(value["session_scope"]))
    return SourceEvent(
        place=piece.place,
        source_id="",
        event_id=identifier(value.get("id")),
        event="MESSAGE",
        user_id=next(iter(scope.get("user_id", [])), ""),
        new_text=_optional_text(value.get("content")),
        happened_at=instant_of(value.get("created_at")),
        actor=str(value.get("name") or value.get("role") or "")[:200],
        original={key: kept for key, kept in value.items() if key != "content"},
    )


def _text(value: Mapping[str, Any]) -> str:
    text = next((value[key] for key in TEXT_KEYS if value.get(key) is not None), None)
    if text is None:
        raise Malformed("it has no words")
    if not isinstance(text, str):
        raise Malformed("its words are no text")
    if not text.strip():
        raise Malformed("its words are empty")
    check_storable(text)
    return text


def _optional_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _metadata(value: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's metadata: in its own place, or, in a payload, flattened among mem0's keys."""
    kept = value.get("metadata")
    nested = kept if isinstance(kept, dict) else {} if kept is None else {"metadata": kept}
    return {**{key: flat for key, flat in value.items() if key not in OWN_KEYS and key != "vector"}, **nested}


def identifier(value: Any) -> str:
    """An id as text: some stores count, and write numbers."""
    if value is None or isinstance(value, bool):
        return ""
    if not isinstance(value, str | int):
        raise Malformed("an id in it is neither text nor a number")
    text = str(value).strip()
    if len(text) > LONGEST_ID:
        raise Malformed(f"an id in it is longer than {LONGEST_ID} characters")
    return text


def _source_id(value: Mapping[str, Any], user_id: str, text: str) -> str:
    return identifier(value.get("id")) or "sha256:" + digest_of(f"{user_id}\n{text}")


def _role(told: Mapping[str, Any], speaker: str) -> str:
    said = str(told["role"] or told["attributed_to"] or "").lower()
    return ROLES.get(said) or role_of(speaker)


def _state(value: Mapping[str, Any]) -> tuple[RowState, datetime | None]:
    said = str(value.get("state") or value.get("lifecycle_state") or "active").lower()
    if said in DELETED_STATES or value.get("deleted_at"):
        return RowState.DELETED, instant_of(value.get("deleted_at")) or instant_of(value.get("updated_at"))
    if said in ENDED_STATES or value.get("replaced_by") or value.get("archived_at"):
        ended = instant_of(value.get("archived_at")) or instant_of(value.get("updated_at"))
        return RowState.ENDED, ended or datetime.now(UTC)
    return RowState.LIVE, None


def _expiry(value: Any) -> datetime | None:
    """The instant from which it counts no more: what expires on a day is good to the end of that day, in UTC."""
    if value in (None, ""):
        return None
    if isinstance(value, str) and len(value) == len("2026-04-15"):
        try:
            return datetime.combine(date.fromisoformat(value) + timedelta(days=1), time.min, UTC)
        except (ValueError, OverflowError):
            raise Malformed("the day on which it expires cannot be read") from None
    return instant_of(value)


def instant_of(value: Any) -> datetime | None:
    """A time with its own offset; one that names none is UTC. Raises `Malformed`."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        read = datetime.fromisoformat(str(value))
        read = read if read.tzinfo else read.replace(tzinfo=UTC)
        read.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed("a time in it cannot be read") from None
    return read


def check_storable(value: Any) -> None:
    """Raise `Malformed` for what Postgres keeps in no text: NUL, and what is no UTF-8."""
    for text in _strings(value):
        if "\x00" in text:
            raise Malformed("it holds a NUL character")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Malformed("it holds what is no UTF-8") from None


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, kept in value.items():
            yield str(key)
            yield from _strings(kept)
    elif isinstance(value, list):
        for kept in value:
            yield from _strings(kept)
