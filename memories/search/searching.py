"""Search: filter, then rank, in one statement, as the one who acts."""

from typing import Any

from django.db import connection
from pgvector import HalfVector

from memories.embedding import EmbeddingUnavailable, embed_query, get_embedder
from memories.models import Memory
from memories.search.filters import SearchFilters
from memories.search.question import read_question
from memories.search.results import SearchResult, read_rows
from memories.search.statement import STATEMENT
from patients.models import Patient

WORDS_ONLY = "Meaning could not be searched just now: these are the memories that share words with the question."


def search(*, patient: Patient, query: str, limit: int, filters: SearchFilters = SearchFilters()) -> SearchResult:
    """The live memories of `patient` that answer `query`, best first, relevant critical ones before all.

    Runs inside the caller's `acting_as`: what that actor may not see is not there. Without an embedder it searches
    by words alone, and says so in `degraded`.
    """
    question = read_question(query)
    embedding, degraded = _embedded(query)
    passes, values = _passes(patient, filters)
    rows = _execute(
        STATEMENT.format(passes=passes),
        {
            "pieces": list(question.pieces),
            "topics": [lexeme for lexeme, _ in question.topics],
            "topic_pieces": [piece for _, piece in question.topics],
            "embedding": embedding,
            "patient": patient.pk,
            "model": get_embedder().name,
            "limit": limit,
            **values,
        },
    )
    hits, total = read_rows(rows, patient)
    return SearchResult(hits, total, degraded)


def _execute(statement: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def _embedded(query: str) -> tuple[str | None, str]:
    """The query's vector as Postgres reads it, or None and what to tell."""
    try:
        return HalfVector(embed_query(query)).to_text(), ""
    except EmbeddingUnavailable:
        return None, WORDS_ONLY


def _passes(patient: Patient, filters: SearchFilters) -> tuple[str, dict[str, Any]]:
    """The filter on `memory_id`, with its parameters."""
    if not filters.condition:
        return "", {}
    sought = Memory.objects.for_patient(patient).live().filter(filters.condition).order_by().values("pk")
    sql, params = sought.query.sql_with_params()
    names = [f"filter_{number}" for number in range(len(params))]
    passes = f"AND memory_id IN ({sql % tuple(f'%({name})s' for name in names)})"
    return passes, dict(zip(names, params, strict=True))
