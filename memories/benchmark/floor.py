"""The least that could do the product's work on the same server: what a search and a write are compared with.

Bare Django views. They identify nobody, check no role, rank by one figure, link no words, and write one line of record.
"""

import json
import resource
import sys
from uuid import UUID

from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from uuid_utils.compat import uuid7

from audit.actors import acting_as, system_actor
from memories.embedding import embed_documents, embed_query
from memories.indexing import vector_text
from memories.llm import ask, endpoint_from_settings

FLOOR = system_actor("floor")

SEARCH = """
SELECT m.id, m.category, m.priority, m.content, 1 - distance
FROM (
    SELECT memory_id, embedding <=> %(vector)s::halfvec AS distance FROM memories_memoryindex
    WHERE patient_id = %(patient)s ORDER BY distance LIMIT 3
) nearest JOIN memories_memory m ON m.id = memory_id ORDER BY distance
"""
WRITE = "INSERT INTO floor_memory (id, patient_id, content, embedding) VALUES (%s, %s, %s, %s)"
RECORD = """
INSERT INTO audit_accesslog (id, recorded_at, event, action, outcome, actor_kind, actor_id, actor_label, actor_roles,
    key_id, patient_id, resource, object_ids, query, reason, door, route, request_id)
VALUES (%s, now(), %s, 'E', 'success', 'system', 'floor', 'floor', '{}', '', %s, 'memories.memory', %s, %s, '', 'api',
    '', '')
"""


@csrf_exempt
def search(request: HttpRequest) -> HttpResponse:
    """`{patient, query}`: embed, one statement, one line of record, one commit."""
    asked = json.loads(request.body)
    vector = vector_text(embed_query(asked["query"]))
    with acting_as(FLOOR), connection.cursor() as cursor:
        cursor.execute(SEARCH, {"vector": vector, "patient": UUID(asked["patient"])})
        rows = cursor.fetchall()
        found = [str(row[0]) for row in rows]
        cursor.execute(RECORD, [uuid7(), "search", UUID(asked["patient"]), found, asked["query"]])
    names = ("id", "category", "priority", "content", "relevance_score")
    return JsonResponse({"results": [dict(zip(names, row, strict=True)) for row in rows]})


@csrf_exempt
def write(request: HttpRequest) -> HttpResponse:
    """`{patient, conversation, ask}`: ask the model once if told so, embed, insert plain rows and a line of record."""
    said = json.loads(request.body)
    sentences, patient = said["conversation"], UUID(said["patient"])
    if said["ask"]:
        text = "\n".join(f"[{position}] : {sentence}" for position, sentence in enumerate(sentences))
        ask(endpoint_from_settings(), instructions="List the facts.", text=text, schema={}, max_tokens=500)
    vectors = embed_documents(sentences)
    rows = [(uuid7(), patient, text, vector_text(vector)) for text, vector in zip(sentences, vectors, strict=True)]
    with acting_as(FLOOR), connection.cursor() as cursor:
        cursor.executemany(WRITE, rows)
        cursor.execute(RECORD, [uuid7(), "extract", patient, [str(row[0]) for row in rows], ""])
    return JsonResponse({"memory_ids": [row[0] for row in rows]}, status=201)


@csrf_exempt
def memory(request: HttpRequest) -> HttpResponse:
    """The most resident memory that this process ever had, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return JsonResponse({"megabytes": peak / 1_000_000})


for view in (search, write, memory):
    view.acts_for_nobody = True  # type: ignore[attr-defined] # our middleware reads it
