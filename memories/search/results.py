"""What a search answers, read from the rows of its statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, models

from memories.models import AllergyDetail, MedicationDetail, Memory
from patients.models import Patient


@dataclass(frozen=True, slots=True)
class Hit:
    """A memory that was found. `relevance_score` in 0..1; `score_parts` says what made it:

    `meaning` and `words` are evidence in nats, `recency` and `importance` the shares (0..1) that raised it,
    `cosine` the likeness that `meaning` rests on, `promoted` 1 for a relevant critical item that came to the front.
    """

    memory: Memory
    relevance_score: float
    score_parts: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Best hits first. `total` counts the relevant memories, up to some sixty beyond the limit; `degraded` tells what
    could not be searched, if anything.
    """

    hits: Sequence[Hit] = ()
    total: int = 0
    degraded: str = ""


#: The models that a row brings along, by their alias in the statement.
ROW_MODELS: Mapping[str, type[models.Model]] = {
    "m": Memory,
    "allergy": AllergyDetail,
    "medication": MedicationDetail,
}
#: What a row has beside them, after its relevance score and before the total.
PARTS = ("cosine", "meaning", "words", "recency", "importance", "promoted")


def row_columns() -> str:
    """The columns of `ROW_MODELS`, for the statement's SELECT."""
    return ", ".join(
        f'{alias}."{f.column}"' for alias, model in ROW_MODELS.items() for f in model._meta.concrete_fields
    )


def read_rows(rows: Sequence[Sequence[Any]], patient: Patient) -> tuple[list[Hit], int]:
    """The hits in the statement's rows, and the total that each row repeats."""
    return [_hit(row, patient) for row in rows], rows[0][-1] if rows else 0


def _hit(row: Sequence[Any], patient: Patient) -> Hit:
    memory, allergy, medication = _models(row)
    memory.patient = patient
    # A memory without a detail is told so, or asking for it would be a query.
    memory._state.fields_cache["allergy"] = allergy
    memory._state.fields_cache["medication"] = medication
    score, *parts = row[-len(PARTS) - 2 : -1]
    return Hit(
        memory,
        round(score, 4),
        {name: round(float(part), 4) for name, part in zip(PARTS, parts, strict=True)},
    )


def _models(row: Sequence[Any]) -> list[Any]:
    read, start = [], 0
    for model, names, converters in _row_shape():
        values = list(row[start : start + len(names)])
        start += len(names)
        for place, convert in converters:
            values[place] = convert(values[place], None, connection)
        key = values[names.index(model._meta.pk.attname)]
        read.append(None if key is None else model.from_db(DEFAULT_DB_ALIAS, names, values))
    return read


@cache
def _row_shape() -> list[tuple[type[models.Model], list[str], list[tuple[int, Any]]]]:
    """Each model of a row, the attributes of its columns, and how those that need it become Python's."""
    shape = []
    for model in ROW_MODELS.values():
        columns = model._meta.concrete_fields
        converters = [(place, c) for place, f in enumerate(columns) for c in f.get_db_converters(connection)]
        shape.append((model, [f.attname for f in columns], converters))
    return shape
