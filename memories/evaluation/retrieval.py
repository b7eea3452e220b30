"""Runs the product's search on questions whose answers are known elsewhere. Never reads the answers."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from audit import recording
from audit.actors import acting_as, system_actor
from audit.models import Event
from memories.choices import Category, Priority
from memories.embedding import embed_documents
from memories.indexing import index_memories, indexed_text
from memories.models import Conversation, Memory, Mention, Turn
from memories.search import search
from patients.models import Patient

EVALUATION = system_actor("evaluation")
LIMIT = 10
#: What the product gives a memory of these categories, as long as it knows nothing of the drug.
PRIORITIES = {Category.ALLERGY: Priority.CRITICAL, Category.MEDICATION: Priority.HIGH}


def evaluate_retrieval(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Answer every query of every record: `{"query_id", "ranked": [memory ids]}`, best first.

    A record is `{"id", "memories": [{"id", "text", "category"?, "date"?, "session"?, "encounter"?}], "queries":
    [{"id", "question"}]}`. Its memories become those of one patient, in the order and conversations of the record.
    """
    for record in records:
        with acting_as(EVALUATION):
            patient = Patient.objects.create(external_id=f"evaluated-{record['id']}")
        actor = system_actor("evaluation", patient_id=patient.pk)
        with acting_as(actor):
            ids = remember_record(record, patient)
        for query in record["queries"]:
            with acting_as(actor):
                hits = search(patient=patient, query=query["question"], limit=LIMIT).hits
            yield {"query_id": query["id"], "ranked": [ids[hit.memory.pk] for hit in hits]}


def remember_record(record: dict[str, Any], patient: Patient) -> dict[Any, str]:
    """Make the record's memories, each with its words in a conversation. The record's id of each memory's key."""
    ids: dict[Any, str] = {}
    memories: list[Memory] = []
    conversation, position = None, 0
    for given in record["memories"]:
        occasion = str(given.get("session") or given.get("encounter") or "")
        if conversation is None or conversation.title != occasion:
            conversation, position = _converse(given, patient, occasion), 0
        memories.append(_remember(given, conversation, position=position))
        ids[memories[-1].pk] = given["id"]
        position += 1
    texts = [indexed_text(memory.category, memory.content) for memory in memories]
    index_memories(memories, list(embed_documents(texts)))
    return ids


def _converse(given: dict[str, Any], patient: Patient, occasion: str) -> Conversation:
    conversation = Conversation.objects.create(
        patient=patient, title=occasion, source="evaluation", said_at=_instant(given.get("date"))
    )
    recording.record(Event.CREATE, patient_id=patient.pk, objects=[conversation.pk], resource=Conversation)
    return conversation


def _remember(given: dict[str, Any], conversation: Conversation, *, position: int) -> Memory:
    category = Category(given.get("category", Category.OBSERVATION))
    patient, text = conversation.patient, given["text"]
    turn = Turn.objects.create(patient=patient, conversation=conversation, position=position, text=text)
    memory = Memory.objects.create(
        patient=patient,
        category=category,
        priority=PRIORITIES.get(category, Priority.NORMAL),
        content=text,
        fact_key=f"evaluation:{given['id']}",
        last_said_at=conversation.said_at,
    )
    Mention.objects.create(patient=patient, memory=memory, turn=turn, start=0, end=len(text), quote=text)
    return memory


def _instant(date: str | None) -> datetime:
    """LoCoMo's dates ("1:56 pm on 8 May, 2023"); now, where there is none."""
    return datetime.strptime(date, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC) if date else timezone.now()
