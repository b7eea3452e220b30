"""The summary of a patient as the panel `memories/parts/summary.html`: what its template needs, as `panel`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from memories.choices import Category
from memories.narrative import Sentence
from memories.summary import Summary


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence with the memories it rests on: (number in the panel, key) each."""

    text: str
    sources: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class SummaryPanel:
    """`counts` names every category with its number; `critical` sentences tell status and age, `told` is the rest.

    `worded_by` is the language model that worded `told`, or "" where the memories' own sentences stand.
    """

    counts: tuple[tuple[str, int], ...]
    total: int
    open_questions: int
    critical: tuple[Cited, ...]
    told: tuple[Cited, ...]
    worded_by: str
    made_at: datetime


def summary_panel(summary: Summary) -> SummaryPanel:
    """A summary as the template `memories/parts/summary.html` shows it, as `panel`."""
    narrative = summary.narrative
    cited = tuple(_cited(narrative.sentences))
    first_told = len(summary.critical_items)
    return SummaryPanel(
        counts=tuple((Category(name).label, number) for name, number in summary.memories_by_category.items()),
        total=summary.total_memories,
        open_questions=summary.open_review_tasks,
        critical=cited[:first_told],
        told=cited[first_told:],
        worded_by=narrative.model,
        made_at=narrative.made_at,
    )


def _cited(sentences: Iterable[Sentence]) -> Iterator[Cited]:
    """Each memory has one number, whichever sentences rest on it."""
    numbers: dict[str, int] = {}
    following = count(1)
    for sentence in sentences:
        keys = [str(key) for key in sentence.memory_ids]
        for key in keys:
            if key not in numbers:
                numbers[key] = next(following)
        yield Cited(sentence.text, tuple((numbers[key], key) for key in keys))
