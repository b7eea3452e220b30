"""The words that a memory rests on, highlighted where they stand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.db.models import Q
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from memories.models import Memory, Mention, Turn


@dataclass(frozen=True, slots=True)
class Source:
    """One mention in its turn, with the turns said just before and after it."""

    mention: Mention
    turn: Turn
    marked: SafeString
    before: Turn | None
    after: Turn | None

    @property
    def is_deleted(self) -> bool:
        """Whether its chat was deleted: then these words alone are shown of it."""
        return self.turn.conversation.deleted_at is not None

    @property
    def denies(self) -> bool:
        return self.mention.stance == "denies"


def sources_of(memories: Iterable[Memory]) -> dict[object, list[Source]]:
    """The sources of each memory, oldest first. Two queries, however many memories there are."""
    mentions = (
        Mention.objects.filter(memory__in=list(memories))
        .select_related("turn__conversation")
        .order_by("memory", "turn__conversation__said_at", "turn__position", "start")
    )
    neighbours = _neighbours([mention.turn for mention in mentions])
    return {
        key: [_source(mention, neighbours) for mention in group]
        for key, group in groupby(mentions, key=lambda mention: mention.memory_id)
    }


def marked(text: str, spans: Iterable[tuple[int, int]]) -> SafeString:
    """The text with these spans (characters start:end) in <mark>; overlapping ones become one. Escaped."""
    parts, at = [], 0
    for start, end in _merged(spans):
        parts += [escape(text[at:start]), "<mark>", escape(text[start:end]), "</mark>"]
        at = end
    return mark_safe("".join([*parts, escape(text[at:])]))  # noqa: S308 because every piece of text is escaped


def _source(mention: Mention, neighbours: dict[tuple[object, int], Turn]) -> Source:
    turn = mention.turn
    if turn.conversation.deleted_at:
        return Source(mention, turn, marked(mention.quote, [(0, len(mention.quote))]), None, None)
    return Source(
        mention,
        turn,
        marked(turn.text, [(mention.start, mention.end)]),
        neighbours.get((turn.conversation_id, turn.position - 1)),
        neighbours.get((turn.conversation_id, turn.position + 1)),
    )


def _neighbours(turns: Sequence[Turn]) -> dict[tuple[object, int], Turn]:
    wanted = Q(pk__in=[])
    for turn in turns:
        wanted |= Q(conversation_id=turn.conversation_id, position__in=[turn.position - 1, turn.position + 1])
    return {(turn.conversation_id, turn.position): turn for turn in Turn.objects.filter(wanted)}


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
