"""Patients with many memories, made in bulk: the rows that the product itself would have made, without its record.

The memories of a first patient are indexed by the product; all others are copies of them, each patient's vectors moved
a little, so that no two patients are alike. Runs in a scratch database, as the application role.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import numpy as np
from django.contrib.auth.models import Group
from django.db import connection, connections
from django.utils import timezone
from uuid_utils.compat import uuid7

from audit.actors import Actor, ActorKind, Door, acting_as, system_actor
from memories.benchmark.sentences import Sentence, home_care_sentences
from memories.embedding import embed_documents, get_embedder
from memories.indexing import index_memories, indexed_text, vector_text
from memories.models import Conversation, Memory, Mention, Turn
from patients.models import AccessKey, CareAssignment, Patient, User
from patients.roles import Role

SEEDING = system_actor("benchmark")
#: How far a vector is moved before it is scaled to length 1 again: the cosine to where it was is about 0.96.
NOISE = 0.3

TABLES = """
CREATE TABLE benchmark_sentence (number int PRIMARY KEY, category text, priority text, content text, about text,
                                 named text, embedding halfvec, noise halfvec, original uuid);
CREATE TABLE floor_memory (id uuid PRIMARY KEY, patient_id uuid NOT NULL, content text NOT NULL, embedding halfvec);
CREATE INDEX floor_memory_patient ON floor_memory (patient_id);
"""
MEMORIES = """
INSERT INTO memories_memory (id, patient_id, category, priority, kind, scope, scope_id, about, content, fact_key,
    verification_status, clinical_status, confidence, emotional_weight, times_said, last_said_at, metadata,
    verification_reason, deletion_reason, recorded_at, updated_at)
SELECT given.id, %(patient)s, category, priority, 'semantic', 'patient', '', about, content, 'seeded:' || position,
    'unconfirmed', 'active', 1, 0, 1, now() - position * interval '3 hours', '{}', '', '', now(), now()
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, position) JOIN benchmark_sentence ON number = position - 1
"""
DETAILS = (
    """
INSERT INTO memories_allergydetail (memory_id, patient_id, assertion, substance, ingredient, guess, reaction, severity)
SELECT given.id, %(patient)s, 'substance', named, named, '', 'rash', ''
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, position) JOIN benchmark_sentence ON number = position - 1
WHERE category = 'allergy'
""",
    """
INSERT INTO memories_medicationdetail (memory_id, patient_id, drug, ingredient, guess, dose, route, frequency,
    as_needed, status)
SELECT given.id, %(patient)s, named, named, '', '', '', 'every day', false, 'active'
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, position) JOIN benchmark_sentence ON number = position - 1
WHERE category = 'medication'
""",
)
COPIED_INDEX = (
    """
INSERT INTO memories_memoryindex (patient_id, embedding_model, memory_id, category, priority, embedding)
SELECT %(patient)s, %(model)s, given.id, s.category, s.priority, l2_normalize(s.embedding + moved.noise)
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, position) JOIN benchmark_sentence s ON number = position - 1
JOIN benchmark_sentence moved ON moved.number = (s.number * 7 + %(shift)s) %% %(sentences)s
""",
    """
INSERT INTO memories_memoryword (patient_id, lexeme, memory_id, weight)
SELECT %(patient)s, w.lexeme, given.id, w.weight
FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS given (id, position) JOIN benchmark_sentence ON number = position - 1
JOIN memories_memoryword w ON w.patient_id = %(original)s AND w.memory_id = benchmark_sentence.original
""",
)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What there is to ask: a nurse's key and actor, and the patients, who are all in the nurse's care."""

    token: str
    nurse: Actor
    patients: Sequence[Patient]
    small: Patient
    large: Patient
    empty: Patient


def seed(*, patients: int, memories: int, large: int) -> Seeded:
    """So many patients with so many memories each, one with `large`, and one with none."""
    _make_tables()
    sentences = home_care_sentences(max(memories, large))
    _let_through("DISABLE")
    with acting_as(SEEDING):
        first = _first_patient(sentences)
        small, *many = [_copied(first, f"bench-{n}", memories, n) for n in range(1, patients + 1)]
        heavy = _copied(first, "bench-large", large, patients + 1)
        empty = Patient.objects.create(external_id="bench-empty")
        token, nurse = _nurse([small, *many, heavy, empty])
    _let_through("ENABLE")
    _tidy()
    return Seeded(token, nurse, [small, *many], small, heavy, empty)


def _make_tables() -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(TABLES)


def _let_through(what: Literal["DISABLE", "ENABLE"]) -> None:
    """Switch what refuses a change that is not on record: these rows are made past it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE %s", ["%_on_record"])
        for table, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {table} {what} TRIGGER {trigger}")


def _tidy() -> None:
    """What autovacuum would have done by now: visibility maps, without which nothing is read from an index alone."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _first_patient(sentences: Sequence[Sentence]) -> Patient:
    """A patient whose memories are the sentences, each said in a turn of a conversation, and indexed by the product."""
    patient = Patient.objects.create(external_id="bench-0")
    distinct = list(dict.fromkeys(sentences))
    vectors = embed_documents([indexed_text(s.category, s.content) for s in distinct])
    ids = [uuid7() for _ in sentences]
    _keep_sentences(sentences, dict(zip(distinct, vectors, strict=True)), ids)
    _execute([MEMORIES, *DETAILS], patient=patient.pk, ids=ids)
    said = list(Memory.objects.for_patient(patient).order_by("id"))
    _say(patient, said)
    by_content = {s.content: vector for s, vector in zip(distinct, vectors, strict=True)}
    for start in range(0, len(said), 500):
        part = said[start : start + 500]
        index_memories(part, [by_content[memory.content] for memory in part])
    return patient


def _keep_sentences(sentences: Sequence[Sentence], vectors: dict[Sentence, np.ndarray], ids: Sequence[UUID]) -> None:
    random = np.random.default_rng(3)
    noise = random.normal(size=(len(sentences), get_embedder().dimension))
    noise *= NOISE / np.linalg.norm(noise, axis=1, keepdims=True)
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO benchmark_sentence VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    n,
                    s.category,
                    s.priority,
                    s.content,
                    s.about,
                    s.named,
                    vector_text(vectors[s]),
                    vector_text(moved),
                    key,
                )
                for n, (s, moved, key) in enumerate(zip(sentences, noise, ids, strict=True))
            ],
        )


def _say(patient: Patient, memories: Iterable[Memory]) -> None:
    """The words of each memory, so that what is indexed has its turn before."""
    conversation = Conversation.objects.create(patient=patient, source="benchmark")
    pairs = [
        (Turn(patient=patient, conversation=conversation, position=n, text=memory.content), memory)
        for n, memory in enumerate(memories)
    ]
    Turn.objects.bulk_create([turn for turn, _ in pairs], batch_size=1000)
    Mention.objects.bulk_create(
        [
            Mention(patient=patient, memory=memory, turn=turn, start=0, end=len(turn.text), quote=turn.text)
            for turn, memory in pairs
        ],
        batch_size=1000,
    )


def _copied(first: Patient, external_id: str, memories: int, shift: int) -> Patient:
    patient = Patient.objects.create(external_id=external_id)
    _execute(
        [MEMORIES, *DETAILS, *COPIED_INDEX],
        patient=patient.pk,
        original=first.pk,
        ids=[uuid7() for _ in range(memories)],
        model=get_embedder().name,
        shift=shift,
        sentences=memories,
    )
    return patient


def _execute(statements: Sequence[str], **parameters: Any) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, parameters)


def _nurse(patients: Sequence[Patient]) -> tuple[str, Actor]:
    user = User.objects.create_user("benchmark-nurse")
    user.groups.add(Group.objects.get(name=Role.CLINICIAN))
    CareAssignment.objects.bulk_create(
        CareAssignment(user=user, patient=patient, role=Role.CLINICIAN, starts_at=timezone.now())
        for patient in patients
    )
    key = AccessKey(user=user, label="benchmark")
    token = key.renew_token()
    key.save()
    return token, replace(user.as_actor(door=Door.COMMAND), kind=ActorKind.KEY, key_id=str(key.pk))
