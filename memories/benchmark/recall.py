"""Whether the half of a search that compares meanings finds what a look at every vector finds."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from django.db import connection

from audit.actors import Actor, acting_as
from memories.embedding import embed_query, get_embedder
from memories.search import search
from patients.models import Patient

#: The part of the product's statement that gives every memory its cosine.
MEANT = re.compile(r"\bmeant AS (?:MATERIALIZED )?\((.+?)\n\)", re.DOTALL)
VECTORS = "SELECT memory_id, embedding::text FROM memories_memoryindex WHERE patient_id = %s AND embedding_model = %s"
#: Two cosines that differ by less are the same: Postgres adds up single-precision numbers, numpy double ones.
TIE = 1e-6


def recall(patient: Patient, actor: Actor, questions: Iterable[str], *, limit: int = 3) -> float:
    """The share of the true nearest `limit` memories that the statement's vector leg answers, over all questions.

    Vectors are compared as they are stored, rounded to half precision. A memory whose cosine ties with that of the
    last of the true nearest counts as one of them.
    """
    with acting_as(actor):
        keys, vectors = _stored(patient)
        shares = [_share(patient, question, keys, vectors, limit) for question in questions]
    return float(np.mean(shares))


def _stored(patient: Patient) -> tuple[dict[object, int], np.ndarray]:
    with connection.cursor() as cursor:
        cursor.execute(VECTORS, [patient.pk, get_embedder().name])
        rows = cursor.fetchall()
    vectors = np.array([json.loads(text) for _, text in rows])
    return {key: position for position, (key, _) in enumerate(rows)}, _unit(vectors)


def _share(patient: Patient, question: str, keys: dict[object, int], vectors: np.ndarray, limit: int) -> float:
    asked = embed_query(question).astype(np.float16).astype(np.float64)
    cosines = vectors @ _unit(asked[None])[0]
    last_of_nearest = np.sort(cosines)[-limit:][0]
    found = [cosines[keys[key]] for key in _nearest(patient, question, limit)]
    return sum(cosine >= last_of_nearest - TIE for cosine in found) / min(limit, len(keys))


def _nearest(patient: Patient, question: str, limit: int) -> list[object]:
    """The first keys by the cosines of the product's own statement, with its own parameters."""
    sent: list[tuple[str, Any]] = []

    def listen(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        search(patient=patient, query=question, limit=limit)
    ((statement, parameters),) = sent
    (meant,) = MEANT.findall(statement)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT memory_id FROM ({meant}) meant ORDER BY cosine DESC LIMIT {limit:d}", parameters)  # noqa: S608
        return [key for (key,) in cursor.fetchall()]


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
