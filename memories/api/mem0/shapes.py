"""What mem0's client sends, and what it gets."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from memories.api.mem0.filters import VERDICTS
from memories.api.serializers import CLOCKS_DIFFER, StrictSerializer
from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.models import Memory, Mention
from memories.prompting import with_status

LONGEST_TEXT = 5000


class Ignored(serializers.Field):
    """An option that is taken and has no meaning here."""

    def __init__(self) -> None:
        super().__init__(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        return data


class OptionsSerializer(StrictSerializer):
    """Takes the options that it does not know what to do with, and can say which ones there were."""

    def ignored_of(self, sent: Any) -> list[str]:
        return [name for name, field in self.fields.items() if isinstance(field, Ignored) and name in sent]


# --- add -------------------------------------------------------------------------------------------------------------


class MessageField(serializers.Field):
    """`{role, content, name?}`, whose content is a text or a list of texts. None: nobody's words, as of a system."""

    default_error_messages = {
        "shape": "A message is an object with role and content.",
        "kind": "Only text is read here: send a file through /api/v1/.",
    }

    def to_internal_value(self, data: Any) -> Utterance | None:
        if not isinstance(data, dict) or not isinstance(data.get("role", ""), str):
            self.fail("shape")
        speaker = data.get("name") or data.get("role") or ""
        if not isinstance(speaker, str):
            self.fail("shape")
        text = self._text(data.get("content"))
        return None if data.get("role") == "system" else Utterance(speaker, text, role_of(data.get("role") or ""))

    def _text(self, content: Any) -> str:
        if isinstance(content, str):
            return content
        if isinstance(content, dict):
            content = [content]
        if not isinstance(content, list):
            self.fail("shape")
        if not all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in content):
            self.fail("kind")
        return "\n".join(part["text"] for part in content)


class OriginSerializer(StrictSerializer):
    """Who sends it: the patient spoken of, and an agent, a session and an app of the sender's own naming."""

    user_id = serializers.CharField(max_length=64, required=False)
    agent_id = serializers.CharField(max_length=100, required=False, default="")
    run_id = serializers.CharField(max_length=100, required=False, default="")
    app_id = serializers.CharField(max_length=100, required=False, default="")


class AddSerializer(OptionsSerializer, OriginSerializer):
    messages = serializers.ListField(child=MessageField(), allow_empty=False)
    filters = OriginSerializer(required=False)
    metadata = serializers.DictField(required=False, default=dict)
    infer = serializers.BooleanField(required=False, default=True)
    async_mode = serializers.BooleanField(required=False, default=True)
    timestamp = serializers.IntegerField(required=False)
    expiration_date = serializers.DateField(required=False, allow_null=True)
    custom_categories = Ignored()
    custom_instructions = Ignored()
    agent_custom_instructions = Ignored()
    structured_data_schema = Ignored()
    includes = Ignored()
    excludes = Ignored()
    immutable = Ignored()
    enable_graph = Ignored()
    output_format = Ignored()
    version = Ignored()

    def validate_timestamp(self, seconds: int) -> datetime:
        try:
            said_at = datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            raise serializers.ValidationError("This is no time: send seconds since 1970.") from None
        if said_at > timezone.now() + CLOCKS_DIFFER:
            raise serializers.ValidationError("This is in the future: say when it was said, or leave it out.")
        return said_at

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The origin may stand beside the messages or in `filters`."""
        named = {name: value for name, value in attrs.pop("filters", {}).items() if value}
        attrs.update(named)
        if not attrs.get("user_id"):
            raise serializers.ValidationError(
                "Say whom this is about: user_id is the id of a patient, and an agent or a run alone has none."
            )
        attrs["utterances"] = [said for said in attrs.pop("messages") if said is not None]
        return attrs


# --- search, get_all -------------------------------------------------------------------------------------------------

#: What a memory has in an answer, for `fields`.
SHOWN = frozenset(
    {"id", "memory", "user_id", "agent_id", "app_id", "run_id", "session_id", "metadata", "categories", "score"}
    | {"created_at", "updated_at", "expiration_date", "structured_attributes", "replaced_by", "synthesized"}
    | {"verification_status", "clinical_status", "priority", "kind", "times_said", "last_said_at"}
)


class NarrowingSerializer(OptionsSerializer):
    """What search and get_all have in common."""

    filters = serializers.DictField(required=False, default=dict)
    categories = serializers.ListField(child=serializers.CharField(), required=False, default=list)
    metadata = serializers.DictField(required=False, default=dict)
    fields_ = Ignored()
    latest_only = Ignored()
    enable_graph = Ignored()
    output_format = Ignored()
    version = Ignored()

    def get_fields(self) -> dict[str, serializers.Field]:
        """`fields` is an attribute of every serializer, and so cannot be declared under its name."""
        declared = super().get_fields()
        declared.pop("fields_")
        declared["fields"] = serializers.ListField(child=serializers.CharField(), required=False, default=list)
        return declared

    def validate_fields(self, names: list[str]) -> list[str]:
        if unknown := sorted(set(names) - SHOWN):
            known = ", ".join(sorted(SHOWN))
            raise serializers.ValidationError(f"Unknown: {', '.join(unknown)[:100]}; known are {known}.")
        return names


class SearchSerializer(NarrowingSerializer):
    query = serializers.CharField(max_length=2000)
    top_k = serializers.IntegerField(min_value=1, max_value=100, required=False, default=10)
    threshold = serializers.FloatField(min_value=0, max_value=1, required=False, default=0)
    rerank = Ignored()
    keyword_search = Ignored()
    filter_memories = Ignored()
    show_expired = Ignored()
    reference_date = Ignored()


class GetAllSerializer(NarrowingSerializer):
    start_date = serializers.CharField(required=False, default="")
    end_date = serializers.CharField(required=False, default="")
    show_expired = serializers.BooleanField(required=False, default=False)


class SummarySerializer(StrictSerializer):
    filters = serializers.DictField(required=False, allow_null=True, default=dict)


class ProfileJobSerializer(StrictSerializer):
    operation = serializers.ChoiceField(["trigger", "sample"])
    entity_type = serializers.ChoiceField(["user"], default="user")
    entity_id = serializers.CharField(max_length=64, required=False, default="")
    limit = serializers.IntegerField(required=False)


# --- change ----------------------------------------------------------------------------------------------------------


class UpdateSerializer(StrictSerializer):
    text = serializers.CharField(max_length=LONGEST_TEXT, required=False)
    metadata = serializers.DictField(required=False)
    timestamp = serializers.JSONField(required=False)
    expiration_date = serializers.DateField(required=False, allow_null=True)

    def validate_timestamp(self, told: Any) -> datetime:
        try:
            if isinstance(told, int | float) and not isinstance(told, bool):
                return datetime.fromtimestamp(told, UTC)
            return serializers.DateTimeField().to_internal_value(told).astimezone(UTC)
        except (ValueError, OverflowError, OSError, TypeError):
            raise serializers.ValidationError("Send seconds since 1970, or a time in ISO 8601.") from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = {"text": "content", "timestamp": "last_said_at", "expiration_date": "expires_at"}
        changes = {names.get(name, name): value for name, value in attrs.items() if name != "memory_id"}
        if not changes:
            raise serializers.ValidationError("Send text, metadata, timestamp or expiration_date.")
        if "expires_at" in changes:
            changes["expires_at"] = end_of(changes["expires_at"])
        return {**changes, **({"memory_id": attrs["memory_id"]} if "memory_id" in attrs else {})}


class BatchUpdateEntrySerializer(UpdateSerializer):
    memory_id = serializers.CharField()


class BatchDeleteEntrySerializer(StrictSerializer):
    memory_id = serializers.CharField()


class BatchUpdateSerializer(StrictSerializer):
    memories = serializers.ListField(child=BatchUpdateEntrySerializer(), allow_empty=False, max_length=1000)


class BatchDeleteSerializer(StrictSerializer):
    memories = serializers.ListField(child=BatchDeleteEntrySerializer(), allow_empty=False, max_length=1000)


class FeedbackSerializer(StrictSerializer):
    memory_id = serializers.CharField()
    feedback = serializers.ChoiceField(list(VERDICTS), required=False, allow_null=True, default=None)
    feedback_reason = serializers.CharField(
        max_length=500, required=False, allow_null=True, allow_blank=True, default=""
    )


def end_of(day: date | None) -> datetime | None:
    """When what expires on this day does: at its end."""
    return timezone.make_aware(datetime.combine(day, time.min) + timedelta(days=1)) if day else None


# --- what is shown ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Origin:
    """Of the words that a memory first rested on."""

    agent_id: str = ""
    session_id: str = ""
    app_id: str = ""


def origins_of(memories: Iterable[Memory]) -> dict[UUID, Origin]:
    """Where each of these memories comes from. One query."""
    said = Mention.objects.filter(memory__in=[memory.pk for memory in memories]).order_by("recorded_at")
    sent = [f"turn__conversation__{name}" for name in ("agent_id", "session_id", "app_id")]
    origins: dict[UUID, Origin] = {}
    for memory_id, *named in said.values_list("memory_id", *sent):
        if any(named) and memory_id not in origins:
            origins[memory_id] = Origin(*named)
    return origins


def shown(memory: Memory, origin: Origin | None = None, *, session: str = "session_id") -> dict[str, Any]:
    """A memory in mem0's shape, and its status. `memory`, which prompts are made of, tells a critical one's too."""
    origin = origin or Origin()
    return {
        "id": str(memory.pk),
        "memory": with_status(memory),
        "user_id": memory.patient.external_id,
        "agent_id": origin.agent_id or None,
        "app_id": origin.app_id or None,
        session: origin.session_id or None,
        "metadata": memory.metadata,
        "categories": [memory.category],
        "created_at": memory.recorded_at.isoformat(),
        "updated_at": memory.updated_at.isoformat(),
        "expiration_date": _last_day(memory),
        "structured_attributes": None,
        "replaced_by": str(memory.superseded_by_id) if memory.superseded_by_id else None,
        "synthesized": False,
        "verification_status": memory.verification_status,
        "clinical_status": memory.clinical_status,
        "priority": memory.priority,
        "kind": memory.kind,
        "times_said": memory.times_said,
        "last_said_at": memory.last_said_at.isoformat(),
    }


def only(names: Iterable[str], memory: dict[str, Any]) -> dict[str, Any]:
    """The fields of these names, all if none is named."""
    wanted = set(names)
    return {name: value for name, value in memory.items() if name in wanted} if wanted else memory


def _last_day(memory: Memory) -> str | None:
    """The last day on which it counts."""
    if memory.expires_at is None:
        return None
    return timezone.localdate(memory.expires_at - timedelta(microseconds=1)).isoformat()
