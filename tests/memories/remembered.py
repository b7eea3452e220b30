"""Memories as they are when a conversation has been read, without the reading: for tests of what finds them."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from audit.models import Event
from audit.recording import record
from memories.choices import Category
from memories.embedding import embed_documents
from memories.indexing import index_memories, indexed_text
from memories.models import Conversation, Memory, Mention, Turn
from patients.models import Patient
from tests.memories.talk import MONDAY


def remember(
    patient: Patient, *contents: str, before: str = "", said_at: datetime = MONDAY, **fields: Any
) -> list[Memory]:
    """Memories of these sentences, each said in a turn of one conversation, the first after the turn `before`."""
    conversation = Conversation.objects.create(patient=patient, said_at=said_at)
    record(Event.CREATE, patient_id=patient.pk, objects=[conversation.pk], resource=Conversation)
    if before:
        Turn.objects.create(patient=patient, conversation=conversation, position=0, text=before)
    memories = []
    for position, content in enumerate(contents, start=1):
        given = {
            "category": Category.OBSERVATION,
            "about": "",
            "last_said_at": said_at,
            "fact_key": str(uuid4()),
        } | fields
        turn = Turn.objects.create(patient=patient, conversation=conversation, position=position, text=content)
        memory = Memory.objects.create(patient=patient, content=content, **given)
        Mention.objects.create(patient=patient, memory=memory, turn=turn, start=0, end=len(content), quote=content)
        memories.append(memory)
    index_memories(memories, list(embed_documents([indexed_text(m.category, m.content) for m in memories])))
    return memories
