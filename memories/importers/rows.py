"""What a source holds, as every reader gives it: pieces with their place, then rows and events in one shape."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class PieceKind(StrEnum):
    MEMORY = "memory"
    EVENT = "event"
    RELATION = "relation"
    #: Something that cannot be read; `reason` says why.
    BROKEN = "broken"
    #: Something sound that is no memory: a list of users, the status of a job.
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing found in a source, at a place that a person finds again: `memories.csv, line 17`."""

    place: str
    kind: PieceKind
    value: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


class RowState(StrEnum):
    LIVE = "live"
    #: Archived, paused or replaced there: imported as expired.
    ENDED = "ended"
    #: Deleted there: its words are history, no memory.
    DELETED = "deleted"


class Origin(NamedTuple):
    """The agent, the session and the app of a row, as its source names them. Each is one conversation."""

    agent_id: str = ""
    session_id: str = ""
    app_id: str = ""


NO_ORIGIN = Origin()


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One memory of a source. `original` is what the source held beside the words, as it was."""

    place: str
    source_id: str
    text: str
    user_id: str = ""
    origin: Origin = NO_ORIGIN
    said_at: datetime | None = None
    ends_at: datetime | None = None
    state: RowState = RowState.LIVE
    speaker: str = ""
    role: str = ""
    #: The whole resource, where the source is made of typed ones (FHIR).
    original: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceEvent:
    """One entry of a source's history. `user_id` is often not said: then the memory it is about tells the patient."""

    place: str
    source_id: str
    event_id: str
    event: str
    user_id: str = ""
    old_text: str = ""
    new_text: str = ""
    happened_at: datetime | None = None
    actor: str = ""
    original: dict[str, Any] = field(default_factory=dict)


class Malformed(ValueError):
    """A piece that is no row. The message says why, and quotes nothing of it."""
