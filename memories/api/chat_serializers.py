"""The shapes of chats."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.api.serializers import ScopedSerializer, StrictSerializer
from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.models import Conversation, Memory, Turn
from memories.prompting import with_status
from memories.replying import Answer

USER = "user"


class NewChatSerializer(ScopedSerializer):
    patient_id = serializers.CharField(max_length=64)
    title = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class ChatSerializer(serializers.ModelSerializer):
    chat_id = serializers.UUIDField(source="id")
    patient_id = serializers.CharField(source="patient.external_id")
    created_at = serializers.DateTimeField(source="recorded_at")

    class Meta:
        model = Conversation
        fields = ["chat_id", "patient_id", "title", "scope", "agent_id", "created_at"]
        read_only_fields = fields


class MessageSerializer(serializers.ModelSerializer):
    """One turn of a chat."""

    message_id = serializers.UUIDField(source="id")
    role = serializers.CharField(source="speaker", help_text="Who spoke: user, assistant, or as the sender named it.")
    content = serializers.CharField(source="text")
    created_at = serializers.DateTimeField(source="said_at")
    memory_ids = serializers.ListField(
        source="cites", child=serializers.UUIDField(), help_text="What an answer rests on."
    )

    class Meta:
        model = Turn
        fields = ["message_id", "position", "role", "content", "memory_ids", "created_at"]
        read_only_fields = fields


class OfChatSerializer(StrictSerializer):
    patient_id = serializers.CharField(max_length=64)
    chat_id = serializers.UUIDField()


class SpokenSerializer(StrictSerializer):
    """What somebody says in a chat."""

    message = serializers.CharField(max_length=settings.MAX_TURN_CHARACTERS)
    role = serializers.CharField(
        max_length=100,
        required=False,
        default=USER,
        help_text="Who speaks, as in: patient, daughter, nurse. What an assistant says is never remembered.",
    )
    extract_memory = serializers.BooleanField(
        required=False, default=True, help_text="Whether what is said is to be remembered."
    )

    def utterance(self) -> Utterance:
        said: dict[str, Any] = self.validated_data
        return Utterance(said["role"], said["message"], role_of(said["role"]))


class NewMessageSerializer(OfChatSerializer, SpokenSerializer):
    background = serializers.BooleanField(required=False, default=False, help_text="Answer before it is read.")


class NewResponseSerializer(OfChatSerializer):
    """What an assistant answered, for the history. It is not remembered as a fact."""

    response = serializers.CharField(max_length=settings.MAX_TURN_CHARACTERS)
    memory_ids = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=100,
        required=False,
        default=list,
        help_text="The memories of this patient that it rests on.",
    )


class SaidSerializer(serializers.Serializer):
    """A message that was stored, and what became of it. Without a run there was nothing to remember."""

    message_id = serializers.UUIDField()
    chat_id = serializers.UUIDField()
    position = serializers.IntegerField()
    memories_created = serializers.IntegerField()
    memory_ids = serializers.ListField(child=serializers.UUIDField())
    memories_reinforced = serializers.IntegerField()
    conversation_id = serializers.UUIDField(required=False)
    run_id = serializers.UUIDField(required=False)
    state = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


class StoredSerializer(serializers.Serializer):
    message_id = serializers.UUIDField()
    chat_id = serializers.UUIDField()
    position = serializers.IntegerField()
    memory_ids = serializers.ListField(child=serializers.UUIDField())


# --- replies ---------------------------------------------------------------------------------------------------------


class QuestionSerializer(SpokenSerializer):
    stream = serializers.BooleanField(
        required=False, default=False, help_text="As server-sent events: `words` as they come, then the `answer`."
    )


class CitationSerializer(serializers.Serializer):
    """A memory that an answer rests on, with its status."""

    reference = serializers.CharField(help_text="As it stands in the answer: m1.")
    memory_id = serializers.UUIDField()
    content = serializers.CharField()
    status = serializers.CharField()


class ReplySerializer(serializers.Serializer):
    message_id = serializers.UUIDField(source="turn.pk")
    chat_id = serializers.UUIDField(source="turn.conversation_id")
    position = serializers.IntegerField(source="turn.position")
    reply = serializers.CharField(source="text")
    citations = serializers.SerializerMethodField()
    model = serializers.CharField(help_text="The language model that answered; empty: the memories themselves.")

    @extend_schema_field(CitationSerializer(many=True))
    def get_citations(self, answer: Answer) -> list[dict[str, Any]]:
        return [cited(name, memory) for name, memory in answer.cites.items()]


class StreamedEventSerializer(serializers.Serializer):
    """One event of a streamed reply: words as they come, then the whole answer, or that it failed."""

    event = serializers.ChoiceField(["words", "answer", "failed"])
    data = serializers.CharField(  # type: ignore[assignment] # because a field of this name hides what a shape has
        help_text="JSON: of words their text, of an answer the reply, of a failure its detail."
    )


def cited(reference: str, memory: Memory) -> dict[str, Any]:
    return {
        "reference": reference,
        "memory_id": memory.pk,
        "content": with_status(memory),
        "status": memory.status_label.lower(),
    }
