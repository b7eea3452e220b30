"""What a language model is to know of a patient before it answers: one text block within a token budget.

>>> build_context(patient, query="What may she have for her pain?").text
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, transaction

from memories.choices import Category, Scope
from memories.links import links_of, representatives
from memories.models import LinkKind, Memory, MemoryLink, MemoryQuerySet
from memories.occasions import in_company
from memories.prompting import (
    CRITICAL,
    CRITICAL_NOT_LOADED,
    LINKS_NOT_LOADED,
    NO_MEDICATION,
    PASSAGES,
    RELEVANT,
    RELEVANT_NOT_LOADED,
    frame_tokens,
    framed,
    known_allergies_line,
    link_words,
    memory_line,
    passage_line,
)
from memories.search import search
from memories.tokens import count_tokens, cut_to
from patients.models import Patient

#: Turns of a conversation, from its end, that stand for a question where none is given; characters of them.
LAST_TURNS, LONGEST_QUERY = 3, 1_000
#: Memories that are tried, best first, until the budget is used up.
TRIED = 100
#: A passage that does not fit is cut, unless fewer tokens than these would be left of it.
SHORTEST_CUT = 40

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True)
class Context:
    """`memory_ids` maps each short id in the text ("m1") to a memory's; `tokens` counts the whole text.

    `note` says in words for the caller what is missing or exceeds the budget, or is "". `query` is what was searched
    for, if anything, and `passages` holds the places (from 0) of the caller's passages that are in the text.
    """

    text: str
    memory_ids: Mapping[str, UUID]
    tokens: int
    note: str
    query: str = ""
    passages: Sequence[int] = ()


def build_context(
    patient: Patient,
    *,
    query: str = "",
    conversation: Sequence[str] = (),
    passages: Sequence[str] = (),
    token_budget: int | None = None,
    scopes: Collection[tuple[str, str]] = (),
) -> Context:
    """What is remembered of `patient` that bears on `query`, or else on the last turns of `conversation`.

    Beside the patient's own memories those of `scopes`, as in `("conversation", its key)`. Every live allergy and
    medication is in it, of whatever scope, whatever the ranking and the budget; then the most relevant memories, one of
    each group that says the same. `passages` share with those what the critical items leave: each side has half, and
    what one does not need is the other's. Runs inside the caller's `acting_as`.
    """
    query = question_of(query, conversation)
    notes: list[str] = []
    critical = _loaded(lambda: list(critical_items(patient)), CRITICAL_NOT_LOADED, notes)
    told = {(Scope.PATIENT.value, ""), *scopes}
    found = _loaded(lambda: _relevant(patient, query, told, notes), RELEVANT_NOT_LOADED, notes)
    links = _loaded(lambda: links_of(*(critical or []), *(found or [])), LINKS_NOT_LOADED, notes) or []
    meant = [joined for joined in links if joined.kind != LinkKind.SAME_AS]
    block = _Block(settings.CONTEXT_TOKEN_BUDGET if token_budget is None else token_budget, meant, notes)
    block.tell_critical(patient, critical)
    block.tell_relevant(found and _one_of_each_group(found, links), beside=passages)
    block.tell_passages(passages)
    return block.finished(query)


def cost_of(line: str) -> int:
    """Tokens of a line and of its end."""
    return count_tokens(line) + 1


def question_of(query: str, conversation: Sequence[str]) -> str:
    """What is searched for: the query, or else the last words of the conversation."""
    return query.strip() or " ".join(conversation[-LAST_TURNS:]).strip()[-LONGEST_QUERY:]


def _loaded(load: Callable[[], Loaded], trouble: str, notes: list[str]) -> Loaded | None:
    """What is read, or None and a note: what cannot be read never passes for nothing."""
    try:
        with transaction.atomic():
            return load()
    except DatabaseError:
        notes.append(trouble)
        return None


def critical_items(patient: Patient) -> MemoryQuerySet:
    live = Memory.objects.for_patient(patient).live().critical().with_details()
    return live.order_by("category", "about", "recorded_at")


def _relevant(patient: Patient, query: str, scopes: set[tuple[str, str]], notes: list[str]) -> list[Memory]:
    """Other memories of these scopes, best first, among them what was said beside those that were found; what has aged
    comes after what has not.
    """
    if query:
        # Other scopes are left out afterwards: few memories have one, and a filter would slow each search.
        result = search(patient=patient, query=query, limit=TRIED)
        notes += [result.degraded] if result.degraded else []
        found = in_company(result.hits, patient)
    else:
        # Of the priorities' words "high" comes before "normal".
        live = (
            Memory.objects.for_patient(patient).live().filter(scope__in={scope for scope, _ in scopes}).with_details()
        )
        found = list(live.order_by("priority", "-last_said_at")[:TRIED])
    told = (memory for memory in found if not memory.is_critical and (memory.scope, memory.scope_id) in scopes)
    return sorted(told, key=lambda memory: memory.is_aged)


def _one_of_each_group(found: Sequence[Memory], links: Sequence[MemoryLink]) -> list[Memory]:
    """Of the memories that say the same, the first."""
    groups = representatives(links)
    first = {groups.get(memory.pk, memory.pk): memory for memory in reversed(found)}
    return list(reversed(first.values()))


class _Block:
    """The lines of a context while it is filled."""

    def __init__(self, budget: int, links: Sequence[MemoryLink], notes: list[str]) -> None:
        self.budget = budget
        self.links = links
        self.notes = notes
        self.lines: list[str] = []
        self.used = frame_tokens()
        self.references: dict[UUID, str] = {}
        self.passages: list[int] = []

    @property
    def room(self) -> int:
        """Tokens left."""
        return self.budget - self.used

    def tell(self, *lines: str) -> None:
        self.lines += lines
        self.used += sum(map(cost_of, lines))

    def tell_critical(self, patient: Patient, critical: Sequence[Memory] | None) -> None:
        """All of them; then their links, where there is room."""
        if critical is None:
            self.tell(CRITICAL_NOT_LOADED)
            return
        self.tell(CRITICAL, *filter(None, [known_allergies_line(patient, critical)]))
        first = len(self.lines)
        self.tell(*(memory_line(self._reference(memory), memory) for memory in critical))
        for at, memory in enumerate(critical, start=first):
            self._add_links(at, memory, room=self.room)
        if not any(memory.category == Category.MEDICATION for memory in critical):
            self.tell(NO_MEDICATION)
        if self.room < 0:
            self.notes.append(f"What is always told needs {self.used} tokens: the budget of {self.budget} is exceeded.")

    def tell_relevant(self, found: Sequence[Memory] | None, *, beside: Sequence[str]) -> None:
        """The best that fit into what is left beside the passages, with their links if those fit."""
        if found is None:
            self.tell(RELEVANT_NOT_LOADED)
            return
        room = self._room_beside(beside) - cost_of(RELEVANT)
        lines = [RELEVANT]
        for memory in found:
            line = memory_line(self._next_reference(memory), memory)
            if (cost := cost_of(line)) > room:
                continue
            self._reference(memory)
            self.tell(*lines, line)
            room -= cost + self._add_links(len(self.lines) - 1, memory, room=room - cost)
            lines = []

    def _room_beside(self, passages: Sequence[str]) -> int:
        """Half of what is left, and what the passages do not need of the other half."""
        if not passages:
            return self.room
        wanted = cost_of(PASSAGES) + sum(cost_of(passage_line(at, text)) for at, text in enumerate(passages))
        return max(self.room // 2, self.room - wanted)

    def tell_passages(self, passages: Sequence[str]) -> None:
        """The caller's passages in the caller's order; the first that does not fit is cut, the rest left out."""
        heading = [PASSAGES]
        for at, passage in enumerate(passages):
            line = passage_line(at + 1, passage)
            room = self.room - sum(map(cost_of, heading)) - 1
            fitting = cut_to(line, max(room, 0))
            if fitting != line and room < SHORTEST_CUT:
                break
            self.tell(*heading, fitting)
            self.passages.append(at)
            heading = []
            if fitting != line:
                self.notes.append(f"Passage {at + 1} was cut to fit.")
                break
        if left_out := len(passages) - len(self.passages):
            self.notes.append(f"{left_out} of {len(passages)} passages did not fit.")

    def finished(self, query: str) -> Context:
        text = framed(self.lines)
        memory_ids = {reference: key for key, reference in self.references.items()}
        return Context(text, memory_ids, count_tokens(text), " ".join(self.notes), query, tuple(self.passages))

    def _add_links(self, at: int, memory: Memory, *, room: int) -> int:
        """Lengthen the line at this place by the memory's links, as far as they fit. Gives the tokens it took."""
        before = self.used
        for joined in self.links:
            if not joined.joins(memory) or not self._may_name(other := joined.other_end(memory)):
                continue
            addition = link_words(joined, memory, reference=self._next_reference(other))
            if (tokens := count_tokens(addition)) <= room - (self.used - before):
                self._reference(other)
                self.lines[at] += addition
                self.used += tokens
        return self.used - before

    def _may_name(self, other: Memory) -> bool:
        """A critical item is named only where it is told with its status; a memory of another scope not at all."""
        return other.pk in self.references or (not other.is_critical and other.scope == Scope.PATIENT)

    def _reference(self, memory: Memory) -> str:
        """The short id of a memory that is told; the same one each time."""
        return self.references.setdefault(memory.pk, self._next_reference(memory))

    def _next_reference(self, memory: Memory) -> str:
        return self.references.get(memory.pk) or f"m{len(self.references) + 1}"
