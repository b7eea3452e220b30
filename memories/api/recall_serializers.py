"""The shapes of recall: summary, context for a prompt, links."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from memories.api.serializers import MemoryDetailSerializer, MemorySerializer, StrictSerializer, UtteranceField
from memories.extraction.candidates import Utterance
from memories.links import links_shown
from memories.models import LinkKind, Memory, MemoryLink, ReviewTask
from memories.prompting import status_and_age
from memories.summary import Summary

MAX_PASSAGES = 50


# --- summary ---------------------------------------------------------------------------------------------------------


class CriticalItemSerializer(MemorySerializer):
    """An allergy or a medication, with its status and age in words."""

    status_and_age = serializers.SerializerMethodField(help_text="As in: unconfirmed, active, said 3 days ago.")

    class Meta(MemorySerializer.Meta):
        fields = [*MemorySerializer.Meta.fields, "status_and_age"]
        read_only_fields = fields

    def get_status_and_age(self, memory: Memory) -> str:
        return status_and_age(memory)


class ReviewTaskSerializer(serializers.ModelSerializer):
    """A question that staff must answer."""

    question = serializers.CharField(source="get_kind_display")
    severity = serializers.CharField(source="get_severity_display")
    memory_id = serializers.UUIDField()
    related_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = ReviewTask
        fields = ["id", "kind", "question", "severity", "explanation", "memory_id", "related_id", "created_at"]


class SentenceSerializer(serializers.Serializer):
    text = serializers.CharField()
    memory_ids = serializers.ListField(child=serializers.UUIDField(), help_text="What it rests on.")


class NarrativeSerializer(serializers.Serializer):
    text = serializers.CharField()
    sentences = SentenceSerializer(many=True)
    model = serializers.CharField(help_text="The language model that worded it; empty: taken from the memories.")
    made_at = serializers.DateTimeField()


class SummarySerializer(serializers.Serializer):
    patient_id = serializers.CharField(source="patient.external_id")
    total_memories = serializers.IntegerField()
    critical_memories = serializers.IntegerField()
    memories_by_category = serializers.DictField(child=serializers.IntegerField())
    known_allergies = serializers.CharField(source="patient.known_allergies_status")
    known_allergies_asserted_by = serializers.CharField(source="patient.known_allergies_asserted_by", allow_null=True)
    known_allergies_asserted_at = serializers.DateTimeField(
        source="patient.known_allergies_asserted_at", allow_null=True
    )
    critical_items = CriticalItemSerializer(many=True)
    active_medications = CriticalItemSerializer(many=True)
    recent_observations = MemorySerializer(many=True)
    upcoming_appointments = MemorySerializer(many=True)
    open_review_tasks = serializers.IntegerField()
    review_tasks = serializers.SerializerMethodField(help_text="For those who may see the review queue.")
    summary = NarrativeSerializer(source="narrative")

    @extend_schema_field(ReviewTaskSerializer(many=True))
    def get_review_tasks(self, summary: Summary) -> list[dict[str, Any]]:
        may_see = self.context["request"].user.has_perm("memories.view_reviewtask")
        return list(ReviewTaskSerializer(summary.review_tasks if may_see else [], many=True).data)


# --- context ---------------------------------------------------------------------------------------------------------


class ContextRequestSerializer(StrictSerializer):
    """What the context is for, in words of any kind; without any it tells what matters most."""

    query = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    conversation = serializers.ListField(
        child=UtteranceField(), required=False, default=list, help_text="Its last turns stand for a missing query."
    )
    passages = serializers.ListField(
        child=serializers.CharField(max_length=20_000),
        max_length=MAX_PASSAGES,
        required=False,
        default=list,
        help_text="Texts of your own that share the budget, the best first.",
    )
    token_budget = serializers.IntegerField(
        min_value=1,
        max_value=settings.MAX_CONTEXT_TOKENS,
        required=False,
        default=settings.CONTEXT_TOKEN_BUDGET,
        help_text="Allergies and medications are told even if they exceed it.",
    )

    def validate_conversation(self, turns: list[Utterance]) -> list[str]:
        return [turn.text for turn in turns]


class ContextSerializer(serializers.Serializer):
    text = serializers.CharField()
    tokens = serializers.IntegerField()
    memory_ids = serializers.SerializerMethodField()
    references = serializers.DictField(
        source="memory_ids", child=serializers.UUIDField(), help_text="The short ids in the text: m1, m2, ..."
    )
    passages = serializers.ListField(child=serializers.IntegerField(), help_text="Which of yours are in it, from 0.")
    note = serializers.CharField(help_text="What is missing or exceeds the budget, if anything.")

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_memory_ids(self, context: Any) -> list[str]:
        return [str(key) for key in context.memory_ids.values()]


# --- links -----------------------------------------------------------------------------------------------------------


class LinkRequestSerializer(StrictSerializer):
    """From the memory of the route to another one of the same patient."""

    target_id = serializers.UUIDField()
    kind = serializers.ChoiceField(LinkKind.choices)
    reason = serializers.CharField(max_length=500)


class LinkSerializer(serializers.Serializer):
    """A link as it is seen from one of its ends."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    relation = serializers.SerializerMethodField(help_text="What this memory is to the other one, as in: treated by.")
    memory_id = serializers.SerializerMethodField(help_text="The other one.")
    about = serializers.SerializerMethodField()
    status = serializers.SerializerMethodField()
    set_by = serializers.CharField(allow_null=True, help_text="Null: the product itself.")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()

    def get_relation(self, joined: MemoryLink) -> str:
        return joined.seen_from(self.context["memory"])[0]

    def get_memory_id(self, joined: MemoryLink) -> str:
        return str(joined.other_end(self.context["memory"]).pk)

    def get_about(self, joined: MemoryLink) -> str:
        return joined.other_end(self.context["memory"]).about

    def get_status(self, joined: MemoryLink) -> str:
        return joined.other_end(self.context["memory"]).status_label


class LinkedMemorySerializer(MemoryDetailSerializer):
    """A memory with the words that it rests on, and its links, whichever end it is."""

    links = serializers.SerializerMethodField()

    class Meta(MemoryDetailSerializer.Meta):
        fields = [*MemoryDetailSerializer.Meta.fields, "links"]
        read_only_fields = fields

    @extend_schema_field(LinkSerializer(many=True))
    def get_links(self, memory: Memory) -> list[dict[str, Any]]:
        return list(LinkSerializer(links_shown(memory), many=True, context={"memory": memory}).data)
