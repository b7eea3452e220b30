"""Keeping `MemoryIndex` in step: the narrow, derived rows that search reads. Runs inside the caller's `acting_as`."""

from collections.abc import Sequence

import numpy as np
from django.db import connection

from memories.embedding import get_embedder
from memories.models import Memory, MemoryIndex

#: Words of the memory itself weigh most, then those it was said with, then those it was an answer to.
INDEX = """
INSERT INTO memories_memoryindex (patient_id, embedding_model, memory_id, category, priority, words, embedding)
SELECT m.patient_id, %(model)s, m.id, m.category, m.priority,
       setweight(to_tsvector('english', concat_ws(' ', m.content, m.about)), 'A')
       || setweight(to_tsvector('english', concat_ws(' ', a.ingredient, a.guess, d.ingredient, d.guess)), 'B')
       || setweight(to_tsvector('english', coalesce(said.quote, '')), 'C')
       || setweight(to_tsvector('english', coalesce(right(before.text, 1000), '')), 'D'),
       given.embedding::halfvec
FROM unnest(%(ids)s::uuid[], %(embeddings)s::text[]) AS given (id, embedding)
JOIN memories_memory m ON m.id = given.id
LEFT JOIN memories_allergydetail a ON a.memory_id = m.id
LEFT JOIN memories_medicationdetail d ON d.memory_id = m.id
LEFT JOIN LATERAL (
    SELECT mention.quote, turn.conversation_id, turn.position
    FROM memories_mention mention JOIN memories_turn turn ON turn.id = mention.turn_id
    WHERE mention.memory_id = m.id ORDER BY mention.recorded_at LIMIT 1
) said ON true
LEFT JOIN memories_turn before
    ON before.conversation_id = said.conversation_id AND before.position = said.position - 1
ON CONFLICT (patient_id, embedding_model, memory_id) DO UPDATE
SET category = excluded.category, priority = excluded.priority, words = excluded.words,
    embedding = excluded.embedding
"""


def indexed_text(category: str, content: str) -> str:
    """What is embedded of a memory. The category in front makes questions about a category meet its memories."""
    return f"{category.replace('_', ' ')}: {content}"


def index_memories(memories: Sequence[Memory], vectors: Sequence[np.ndarray | None]) -> None:
    """Write the index rows of live memories, in one statement. `vectors[i]`, shape `(dimension,)`, embeds
    `indexed_text` of `memories[i]`; where it is None the memory is found by its words, until it is embedded later.
    """
    if not memories:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            INDEX,
            {
                "model": get_embedder().name,
                "ids": [memory.pk for memory in memories],
                "embeddings": [None if vector is None else _as_text(vector) for vector in vectors],
            },
        )


def unindex(memories: Sequence[Memory]) -> None:
    """Take memories out of every search. They stay where they are recorded."""
    MemoryIndex.objects.filter(
        patient__in={memory.patient_id for memory in memories}, memory__in=[memory.pk for memory in memories]
    ).delete()


def _as_text(vector: np.ndarray) -> str:
    return "[" + ",".join(f"{value:.7g}" for value in vector.tolist()) + "]"
