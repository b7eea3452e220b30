"""Keeping `MemoryIndex` and `MemoryWord` in step: the derived rows that search reads. Runs inside `acting_as`."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from uuid import UUID

import numpy as np
from django.db import connection
from pgvector import HalfVector

from audit.actors import Actor, acting_as
from memories.embedding import embed_documents, get_embedder
from memories.models import LinkKind, Memory, MemoryIndex, MemoryLink, MemoryQuerySet, MemoryWord
from memories.signals import vectors_missing
from memories.vocabulary.answers import answers_given
from memories.vocabulary.topics import topics_of_memory
from patients.models import Patient

#: What a word weighs by where it stands: in the memory; in its typed details or the words it was said with; in the
#: turn before, to which those may have been an answer ("Any allergies?" "Penicillin.").
WEIGHTS = {"A": 1.0, "B": 1.0, "C": 0.8, "D": 0.7}
#: Memories embedded and indexed at once.
BATCH = 64
#: How much of the turn before is read, in characters from its end.
TURN_BEFORE = 600

_LABELS = " ".join(f"WHEN '{label}' THEN {weight}" for label, weight in WEIGHTS.items())

INDEX = f"""
WITH given AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(embeddings)s::text[], %(topics)s::text[]) AS given (id, embedding, topics)
), texts AS MATERIALIZED (
    SELECT m.patient_id, m.id, m.category, m.priority, given.embedding, given.topics,
           setweight(to_tsvector('english', translate(concat_ws(' ', m.content, m.about), '/', ' ')), 'A')
           || setweight(to_tsvector('english', translate(
               concat_ws(' ', m.category, a.ingredient, a.guess, d.ingredient, d.guess), '/_', '  ')), 'B')
           || setweight(to_tsvector('english', translate(coalesce(said.quote, ''), '/', ' ')), 'C')
           || setweight(to_tsvector('english', translate(
               coalesce(right(before.text, {TURN_BEFORE}), ''), '/', ' ')), 'D') AS words
    FROM given JOIN memories_memory m USING (id)
    LEFT JOIN memories_allergydetail a ON a.memory_id = m.id
    LEFT JOIN memories_medicationdetail d ON d.memory_id = m.id
    LEFT JOIN LATERAL (
        SELECT mention.quote, turn.conversation_id, turn.position
        FROM memories_mention mention JOIN memories_turn turn ON turn.id = mention.turn_id
        WHERE mention.memory_id = m.id ORDER BY mention.recorded_at LIMIT 1
    ) said ON true
    LEFT JOIN LATERAL (
        SELECT turn.text FROM memories_turn turn
        WHERE turn.conversation_id = said.conversation_id AND turn.position = said.position - 1 LIMIT 1
    ) before ON true
), words AS MATERIALIZED (
    SELECT patient_id, lexeme, id, max(CASE label {_LABELS} END) AS weight
    FROM texts, LATERAL (
        SELECT lexeme, unnest(weights) AS label FROM unnest(words)
        UNION ALL SELECT unnest(string_to_array(topics, chr(10))), 'B'
    ) spoken
    GROUP BY patient_id, lexeme, id
), meanings AS (
    INSERT INTO memories_memoryindex (patient_id, embedding_model, memory_id, category, priority, embedding)
    SELECT patient_id, %(model)s, id, category, priority, embedding::halfvec FROM texts
    ON CONFLICT (patient_id, embedding_model, memory_id) DO UPDATE
    SET category = excluded.category, priority = excluded.priority, embedding = excluded.embedding
), outdated AS (
    DELETE FROM memories_memoryword old USING texts
    WHERE old.memory_id = texts.id
      AND old.lexeme <> ALL (tsvector_to_array(texts.words) || string_to_array(texts.topics, chr(10)))
)
INSERT INTO memories_memoryword (patient_id, lexeme, memory_id, weight) SELECT patient_id, lexeme, id, weight FROM words
ON CONFLICT (patient_id, lexeme, memory_id) DO UPDATE SET weight = excluded.weight
"""  # noqa: S608 because what is put in are figures of ours

#: What linked memories are about weighs like the turn before.
INDEX_LINKED = f"""
INSERT INTO memories_memoryword (patient_id, lexeme, memory_id, weight)
SELECT DISTINCT m.patient_id, linked.lexeme, m.id, {WEIGHTS["D"]}::real
FROM unnest(%(ids)s::uuid[], %(texts)s::text[], %(topics)s::text[]) AS given (id, text, topics)
JOIN memories_memory m USING (id), LATERAL (
    SELECT lexeme FROM unnest(to_tsvector('english', translate(text, '/', ' ')))
    UNION SELECT unnest(string_to_array(topics, chr(10)))
) linked
WHERE EXISTS (SELECT FROM memories_memoryindex i WHERE i.patient_id = m.patient_id AND i.memory_id = m.id)
ON CONFLICT (patient_id, lexeme, memory_id) DO NOTHING
"""  # noqa: S608 because what is put in is a figure of ours


ALIKE = """
WITH given AS MATERIALIZED (
    SELECT number, vector::halfvec AS vector
    FROM unnest(%(vectors)s::text[]) WITH ORDINALITY AS given (vector, number)
)
SELECT number - 1, memory_id, 1 - (embedding <=> vector) AS likeness
FROM given JOIN memories_memoryindex ON patient_id = %(patient)s AND embedding_model = %(model)s
WHERE embedding <=> vector <= 1 - %(at_least)s
ORDER BY number, likeness DESC
"""

#: The key of a memory, and the cosine of its likeness to something.
Likeness = tuple[UUID, float]


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
                "topics": ["\n".join(sorted(_signs(memory.content))) for memory in memories],
                "embeddings": [None if vector is None else vector_text(vector) for vector in vectors],
            },
        )
    if any(vector is None for vector in vectors):
        vectors_missing.send(MemoryIndex)


def index_linked(memories: Sequence[Memory]) -> None:
    """Let these memories be found by what they are linked to as well, so that a question about the kidney stone meets
    the drug that is taken for it. Called whenever their own words were indexed anew, and when a link was set.
    """
    linked = MemoryLink.objects.standing().touching(*memories).exclude(kind=LinkKind.SAME_AS).with_ends()
    texts: dict[UUID, list[str]] = defaultdict(list)
    for joined in linked:
        if joined.source.is_live and joined.target.is_live:
            texts[joined.source_id].append(joined.target.about)
            texts[joined.target_id].append(joined.source.about)
    if not texts:
        return
    abouts = {key: ". ".join(filter(None, of_one)) for key, of_one in texts.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            INDEX_LINKED,
            {
                "ids": list(abouts),
                "texts": list(abouts.values()),
                "topics": ["\n".join(sorted(topics_of_memory(text))) for text in abouts.values()],
            },
        )


def index_words_again(memories: Sequence[Memory]) -> None:
    """Index the words of live memories anew, with the vectors that they have."""
    rows = MemoryIndex.objects.filter(
        patient__in={memory.patient_id for memory in memories},
        memory__in=[memory.pk for memory in memories],
        embedding_model=get_embedder().name,
    )
    vectors = {row.memory_id: row.embedding for row in rows}
    indexed = [memory for memory in memories if memory.pk in vectors]
    known = [None if (vector := vectors[memory.pk]) is None else np.array(vector) for memory in indexed]
    index_memories(indexed, known)
    index_linked(indexed)


def find_alike(patient: Patient, vectors: Sequence[np.ndarray], *, at_least: float) -> list[list[Likeness]]:
    """For each vector the indexed memories of the patient that are this much alike (cosine), the most alike first."""
    alike: list[list[Likeness]] = [[] for _ in vectors]
    if alike:
        with connection.cursor() as cursor:
            cursor.execute(
                ALIKE,
                {
                    "vectors": [vector_text(vector) for vector in vectors],
                    "patient": patient.pk,
                    "model": get_embedder().name,
                    "at_least": at_least,
                },
            )
            for number, key, likeness in cursor:
                alike[number].append((key, likeness))
    return alike


def unindex(memories: Sequence[Memory]) -> None:
    """Take memories out of every search. They stay where they are recorded."""
    patients = {memory.patient_id for memory in memories}
    keys = [memory.pk for memory in memories]
    for model in (MemoryIndex, MemoryWord):
        model.objects.filter(patient__in=patients, memory__in=keys).delete()


def vector_text(vector: np.ndarray) -> str:
    """A vector as Postgres reads it."""
    return str(HalfVector(vector).to_text())


def _signs(text: str) -> set[str]:
    """The lexemes of a text that are no words of it: its topics, and the kinds of answer that it holds."""
    return answers_given(text) | topics_of_memory(text)


def embed_pending(*, by: Actor, everything: bool = False) -> Iterator[int]:
    """Embed and index, in batches, the live memories that have no vector of the embedder of the settings; with
    `everything` all of them, since words and topics are made anew too. Yields how many there are, then the size of
    each batch done. Vectors of another embedder stay beside, so that a new one is filled in before it is switched to.

    Raises `EmbeddingUnavailable`; the batches before it are kept.
    """
    with acting_as(by):
        pending = _pending(everything)
        keys = list(pending.order_by("patient_id", "pk").values_list("pk", flat=True))
    yield len(keys)
    for start in range(0, len(keys), BATCH):
        yield _embed_batch(keys[start : start + BATCH], by)


def _pending(everything: bool) -> MemoryQuerySet:
    live = Memory.objects.all().live()
    indexed = MemoryIndex.objects.filter(embedding_model=get_embedder().name, embedding__isnull=False)
    return live if everything else live.exclude(pk__in=indexed.values("memory_id"))


def _embed_batch(keys: Sequence[UUID], by: Actor) -> int:
    """No transaction spans the embedding: what was retired or reworded meanwhile is left to whoever did so."""
    with acting_as(by):
        texts = {
            memory.pk: indexed_text(memory.category, memory.content) for memory in Memory.objects.filter(pk__in=keys)
        }
    vectors = dict(zip(texts, embed_documents(list(texts.values())), strict=True))
    with acting_as(by):
        live = Memory.objects.all().live().filter(pk__in=keys).select_for_update()
        same = [memory for memory in live if texts[memory.pk] == indexed_text(memory.category, memory.content)]
        index_memories(same, [vectors[memory.pk] for memory in same])
        index_linked(same)
    return len(keys)
