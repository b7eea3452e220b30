"""The shapes of the memory API."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.choices import Category, Kind, Priority, Scope, SpeakerRole, VerificationStatus
from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.models import AllergyDetail, MedicationDetail, Memory, Mention


@cache
def made_once(shape: type[serializers.Serializer]) -> serializers.Serializer:
    """A serializer for what is only shown. Making its fields costs more than filling them in."""
    return shape()


def _shown(shape: type[serializers.Serializer], detail: object | None) -> dict[str, Any] | None:
    return None if detail is None else made_once(shape).to_representation(detail)


#: How far ahead of ours a sender's clock may be.
CLOCKS_DIFFER = timedelta(hours=1)


class AllergyDetailSerializer(serializers.ModelSerializer):
    class Meta:
        model = AllergyDetail
        fields = ["assertion", "substance", "ingredient", "guess", "reaction", "severity"]


class MedicationDetailSerializer(serializers.ModelSerializer):
    class Meta:
        model = MedicationDetail
        fields = ["drug", "ingredient", "guess", "dose", "route", "frequency", "as_needed", "status"]


class MemorySerializer(serializers.ModelSerializer):
    """A memory with its status and age, which belong beside it wherever it is shown."""

    patient_id = serializers.CharField(source="patient.external_id")
    created_at = serializers.DateTimeField(source="recorded_at")
    allergy = serializers.SerializerMethodField()
    medication = serializers.SerializerMethodField()

    class Meta:
        model = Memory
        fields = [
            "id",
            "patient_id",
            "category",
            "priority",
            "kind",
            "scope",
            "scope_id",
            "about",
            "content",
            "verification_status",
            "clinical_status",
            "confidence",
            "times_said",
            "last_said_at",
            "valid_from",
            "valid_to",
            "expires_at",
            "allergy",
            "medication",
            "metadata",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields

    @extend_schema_field(AllergyDetailSerializer(allow_null=True))
    def get_allergy(self, memory: Memory) -> dict[str, Any] | None:
        return _shown(AllergyDetailSerializer, getattr(memory, "allergy", None))

    @extend_schema_field(MedicationDetailSerializer(allow_null=True))
    def get_medication(self, memory: Memory) -> dict[str, Any] | None:
        return _shown(MedicationDetailSerializer, getattr(memory, "medication", None))


class MentionSerializer(serializers.ModelSerializer):
    """The words that a memory rests on, and where they stand."""

    conversation_id = serializers.UUIDField(source="turn.conversation_id")
    said_at = serializers.DateTimeField(source="turn.conversation.said_at")
    position = serializers.IntegerField(source="turn.position")
    place = serializers.CharField(source="turn.place", help_text="In the file it comes from: a page, a time.")
    source = serializers.CharField(  # type: ignore[assignment] # because a field of this name hides an option of fields
        source="turn.conversation.source_label", help_text="How it came in, as in: api, chat, deleted chat."
    )

    class Meta:
        model = Mention
        fields = ["quote", "speaker", "stance", "conversation_id", "position", "start", "end", "said_at"]
        fields += ["place", "source"]


class MemoryDetailSerializer(MemorySerializer):
    mentions = serializers.SerializerMethodField()

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "mentions"]
        read_only_fields = fields

    @extend_schema_field(MentionSerializer(many=True))
    def get_mentions(self, memory: Memory) -> list[dict[str, Any]]:
        mentions = memory.mentions.select_related("turn__conversation")
        return list(MentionSerializer(mentions, many=True).data)


class StrictSerializer(serializers.Serializer):
    """Refuses a field that it does not know, so that a misspelt one is not silently left out."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and (unknown := sorted(set(data) - set(self.fields))):
            known = ", ".join(self.fields)
            raise serializers.ValidationError({name: [f"Unknown field; known are: {known}."] for name in unknown})
        return super().to_internal_value(data)


#: As OpenAPI shows it.
_WORDS = {"type": "string"}
_TURN = {"type": "object", "properties": dict.fromkeys(("role", "speaker", "content"), _WORDS), "required": ["content"]}


@extend_schema_field({"oneOf": [_WORDS, _TURN]})
class UtteranceField(serializers.Field):
    """A turn: a sentence, or `{role, content}` with the speaker's role or name."""

    default_error_messages = {"shape": "A turn is a text, or an object with role and content, both texts."}

    def to_internal_value(self, data: Any) -> Utterance:
        if isinstance(data, str):
            return Utterance("", data, SpeakerRole.UNKNOWN)
        if not isinstance(data, dict) or not isinstance(data.get("content"), str):
            self.fail("shape")
        named, role = data.get("speaker"), data.get("role")
        if not all(name is None or isinstance(name, str) for name in (named, role)):
            self.fail("shape")
        return Utterance(named or role or "", data["content"], role_of(role or named or ""))

    def to_representation(self, value: Utterance) -> dict[str, str]:
        return {"role": value.role, "content": value.text}


class ScopedSerializer(StrictSerializer):
    """Whose the memories are, but for allergies and medications, which are the patient's wherever they are said."""

    scope = serializers.ChoiceField(
        Scope.choices,
        required=False,
        default=Scope.PATIENT,
        help_text="conversation: told of in this one alone; agent: of the agent that agent_id names.",
    )
    agent_id = serializers.CharField(max_length=100, required=False, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["scope"] == Scope.AGENT and not attrs["agent_id"]:
            raise serializers.ValidationError({"agent_id": ["Name the agent whose memories these are."]})
        return attrs


class ConversationSerializer(ScopedSerializer):
    """What was said about a patient."""

    patient_id = serializers.CharField(max_length=64)
    conversation = serializers.ListField(child=UtteranceField(), allow_empty=False)
    said_at = serializers.DateTimeField(required=False, help_text="When it was said; now, if left out.")
    title = serializers.CharField(max_length=200, required=False, default="")
    source_id = serializers.CharField(
        max_length=200, required=False, default="", help_text="Your id of it: the same one is taken in only once."
    )
    kind = serializers.ChoiceField(
        [Kind.PROCEDURAL],
        required=False,
        help_text="It tells how something is done, as in how she is moved from bed: each turn is remembered whole.",
    )
    background = serializers.BooleanField(required=False, default=False, help_text="Answer before it is read.")

    def validate_said_at(self, said_at: datetime) -> datetime:
        if said_at > timezone.now() + CLOCKS_DIFFER:
            raise serializers.ValidationError("This is in the future: say when it was said, or leave it out.")
        return said_at


class IngestedSerializer(serializers.Serializer):
    memories_created = serializers.IntegerField()
    memory_ids = serializers.ListField(child=serializers.UUIDField())
    memories_reinforced = serializers.IntegerField()
    conversation_id = serializers.UUIDField()
    run_id = serializers.UUIDField()
    state = serializers.CharField()
    detail = serializers.CharField(required=False)


class FiltersSerializer(StrictSerializer):
    """Narrow down what is searched or listed. Several values of one filter mean any of them."""

    category = serializers.ListField(child=serializers.ChoiceField(Category.choices), required=False)
    priority = serializers.ListField(child=serializers.ChoiceField(Priority.choices), required=False)
    kind = serializers.ListField(child=serializers.ChoiceField(Kind.choices), required=False)
    scope = serializers.ChoiceField(Scope.choices, required=False)
    scope_id = serializers.CharField(max_length=100, required=False)
    verification_status = serializers.ListField(
        child=serializers.ChoiceField([VerificationStatus.UNCONFIRMED, VerificationStatus.CONFIRMED]),
        required=False,
    )
    said_after = serializers.DateTimeField(required=False)
    said_before = serializers.DateTimeField(required=False)
    recorded_after = serializers.DateTimeField(required=False)
    recorded_before = serializers.DateTimeField(required=False)
    valid_at = serializers.DateTimeField(required=False, help_text="What held at that time.")


class SearchSerializer(StrictSerializer):
    patient_id = serializers.CharField(max_length=64)
    query = serializers.CharField(max_length=2000)
    limit = serializers.IntegerField(
        min_value=1, max_value=settings.MAX_SEARCH_LIMIT, required=False, default=settings.DEFAULT_SEARCH_LIMIT
    )
    filters = FiltersSerializer(required=False, default=dict)


class HitSerializer(serializers.Serializer):
    memory = MemorySerializer()
    relevance_score = serializers.FloatField()
    score_parts = serializers.DictField(child=serializers.FloatField())


class SearchResultSerializer(serializers.Serializer):
    results = HitSerializer(many=True, source="hits")
    total = serializers.IntegerField()
    note = serializers.CharField(source="degraded", help_text="What could not be searched, if anything.")


class MemoryChangesSerializer(StrictSerializer):
    content = serializers.CharField(max_length=5000, required=False)
    priority = serializers.ChoiceField([Priority.HIGH, Priority.NORMAL], required=False)
    metadata = serializers.DictField(required=False)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class DecisionSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=500)


class RemovalSerializer(DecisionSerializer):
    reason = serializers.CharField(max_length=500, required=False, default="Deleted through the API.")


class OptOutSerializer(DecisionSerializer):
    reason = serializers.CharField(max_length=500, required=False, default="The patient opted out.")


class OptedOutSerializer(serializers.Serializer):
    retired = serializers.IntegerField(help_text="Memories that left every recall.")
    kept = serializers.IntegerField(help_text="Allergies, and confirmed medications: these stay.")


class ChangeSerializer(serializers.Serializer):
    """One entry of a memory's history."""

    at = serializers.DateTimeField()
    actor = serializers.CharField()
    event = serializers.CharField()
    changes = serializers.DictField()
    request_id = serializers.CharField(allow_null=True)
