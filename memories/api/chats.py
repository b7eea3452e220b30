"""`/api/v1/chats`: what is said with one patient in mind. History stays in a chat, memory follows the patient."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, PermissionDenied, ValidationError
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from memories.api.chat_serializers import (
    ChatSerializer,
    MessageSerializer,
    NewChatSerializer,
    NewMessageSerializer,
    NewResponseSerializer,
    QuestionSerializer,
    ReplySerializer,
    SaidSerializer,
    StoredSerializer,
    StreamedEventSerializer,
)
from memories.api.memories import became, status_of
from memories.api.patients import record_told
from memories.api.recall_serializers import ContextSerializer
from memories.api.serializers import StrictSerializer
from memories.api.streams import EventStreamRenderer, event_stream
from memories.chats import Said, add_turn, begin_chat, delete_chat, scopes_of, visible_chat
from memories.choices import SpeakerRole
from memories.context import LAST_TURNS, build_context, question_of
from memories.embedding import prepare_query
from memories.extraction.candidates import Utterance
from memories.ingestion import carry_out
from memories.models import Conversation, Memory, Turn
from memories.replying import ASSISTANT, Answer, TooManyAnswers, answer, ask, take_seat
from patients.api import acting_request, actor_of, user_of, visible_patient
from patients.models import AccessKey
from patients.models.access import KeyScope
from patients.paging import PagesByPosition, PagesByTime

NO_SUCH_CHAT = "No chat with this id is in your care: check the id, or begin one."


class NewestFirst(PagesByTime):
    ordering = ("-recorded_at", "-id")


def chat_of(request: Request, chat_id: UUID, *, patient_id: str = "") -> Conversation:
    """The chat of this key, and of this patient if one is named. Raises `NotFound` for an unseen one just the same."""
    chat = visible_chat(chat_id, by=actor_of(request))
    if chat is None or (patient_id and chat.patient.external_id != patient_id):
        acting_request(request).refused_patient = patient_id
        raise NotFound(NO_SUCH_CHAT)
    return chat


class ChatsView(APIView):
    permissions_required = {"POST": "memories.add_conversation"}

    @extend_schema(request=NewChatSerializer, responses={201: ChatSerializer})
    def post(self, request: Request) -> Response:
        """Begin a chat about a patient. It holds no earlier message."""
        asked = _checked(NewChatSerializer, request)
        patient = visible_patient(request, asked.pop("patient_id"))
        return Response(ChatSerializer(begin_chat(patient, by=actor_of(request), **asked)).data, status=201)


class PatientChatsView(APIView):
    permissions_required = {"GET": "memories.view_conversation"}
    pagination_class = NewestFirst  # as OpenAPI shows it

    @extend_schema(operation_id="patients_chats_list", responses=ChatSerializer(many=True))
    def get(self, request: Request, external_id: str) -> Response:
        """The chats about a patient, newest first, in pages."""
        patient = visible_patient(request, external_id)
        chats = Conversation.objects.for_patient(patient).chats().select_related("patient")
        paginator = self.pagination_class()
        page = paginator.paginate_queryset(chats, request, view=self) or []
        record(Event.LIST, patient_id=patient.pk, objects=[chat.pk for chat in page], resource=Conversation)
        return paginator.get_paginated_response(ChatSerializer(page, many=True).data)


class ChatView(APIView):
    permissions_required = {"DELETE": "memories.add_conversation"}

    @extend_schema(responses={204: None})
    def delete(self, request: Request, chat_id: UUID) -> Response:
        """Delete a chat. What was remembered of it stays, and tells that its chat is deleted."""
        delete_chat(chat_of(request, chat_id), by=user_of(request))
        return Response(status=204)


class ChatMessagesView(APIView):
    permissions_required = {"GET": "memories.view_conversation"}
    pagination_class = PagesByPosition  # as OpenAPI shows it

    @extend_schema(operation_id="chats_messages_list", responses=MessageSerializer(many=True))
    def get(self, request: Request, chat_id: UUID) -> Response:
        """What was said in a chat, in its order, in pages."""
        chat = chat_of(request, chat_id)
        paginator = self.pagination_class()
        page = paginator.paginate_queryset(chat.turns.all(), request, view=self) or []
        record(Event.READ, patient_id=chat.patient_id, objects=[chat.pk], resource=Conversation)
        return paginator.get_paginated_response(MessageSerializer(page, many=True).data)


class NewMessageView(APIView):
    permissions_required = {"POST": "memories.add_conversation"}
    opens_own_transactions = frozenset({"POST"})

    @extend_schema(request=NewMessageSerializer, responses={201: SaidSerializer, 202: SaidSerializer})
    def post(self, request: Request) -> Response:
        """Say something in a chat. What it states is remembered of the patient, unless told not to."""
        asked = NewMessageSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said, actor = asked.validated_data, actor_of(request)
        remember, inline = said["extract_memory"], not said["background"]
        with acting_as(actor):
            chat = chat_of(request, said["chat_id"], patient_id=said["patient_id"])
            added = add_turn(chat, asked.utterance(), by=actor, remember=remember, inline=inline)
        if added.run and inline:
            added = Said(added.turn, carry_out(run_id=added.run.pk, patient_id=chat.patient_id, by=actor))
        return _stored(added)


def _stored(added: Said) -> Response:
    nothing = {"memories_created": 0, "memory_ids": [], "memories_reinforced": 0}
    answer = {
        "message_id": added.turn.pk,
        "chat_id": added.turn.conversation_id,
        "position": added.turn.position,
        **(became(added.run) if added.run else nothing),
    }
    return Response(answer, status=status_of(added.run) if added.run else 201)


class NewResponseView(APIView):
    permissions_required = {"POST": "memories.add_conversation"}

    @extend_schema(request=NewResponseSerializer, responses={201: StoredSerializer})
    def post(self, request: Request) -> Response:
        """Keep what an assistant answered in a chat's history, with the memories that it rests on."""
        said = _checked(NewResponseSerializer, request)
        chat = chat_of(request, said["chat_id"], patient_id=said["patient_id"])
        cites = _memories_of(chat, said["memory_ids"])
        answer = Utterance(ASSISTANT, said["response"], SpeakerRole.AGENT)
        turn = add_turn(chat, answer, by=actor_of(request), cites=cites).turn
        stored = {"message_id": turn.pk, "chat_id": chat.pk, "position": turn.position, "memory_ids": cites}
        return Response(stored, status=201)


def _memories_of(chat: Conversation, keys: Sequence[UUID]) -> list[UUID]:
    """These keys, each once. Raises `ValidationError` if one is no memory of the chat's patient."""
    keys = list(dict.fromkeys(keys))
    known = set(Memory.objects.for_patient(chat.patient).filter(pk__in=keys).values_list("pk", flat=True))
    if unknown := [str(key) for key in keys if key not in known]:
        raise ValidationError({"memory_ids": [f"These are no memories of this patient: {', '.join(unknown)}."]})
    return keys


class Busy(APIException):
    status_code = 503
    default_code = "busy"
    default_detail = "As many answers are under way as may be: try again in a few seconds."
    wait = 3  # seconds, told as Retry-After


class ReplyView(APIView):
    permissions_required = {"POST": "memories.add_conversation"}
    opens_own_transactions = frozenset({"POST"})
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer, EventStreamRenderer]

    def handle_exception(self, exc: Exception) -> Response:
        """What is refused before a stream begins is JSON, and says so."""
        if isinstance(getattr(self.request, "accepted_renderer", None), EventStreamRenderer):
            self.request.accepted_renderer, self.request.accepted_media_type = JSONRenderer(), JSONRenderer.media_type
        return super().handle_exception(exc)

    @extend_schema(
        request=QuestionSerializer,
        responses={(201, "application/json"): ReplySerializer, (201, "text/event-stream"): StreamedEventSerializer},
    )
    def post(self, request: Request, chat_id: UUID) -> Response | StreamingHttpResponse:
        """Say something in a chat and have it answered from what is remembered, with the memories it rests on.

        Without a language model, or when it fails, the memories themselves answer, and the answer says so. Nothing
        about an allergy or a medication is told without its status.
        """
        asked = QuestionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        actor = actor_of(request)
        if isinstance(request.auth, AccessKey) and not request.auth.allows(KeyScope.READ):
            raise PermissionDenied("An answer tells what is remembered: use a key that may read.")
        with acting_as(actor):
            chat = chat_of(request, chat_id)
        try:
            leave = take_seat()
        except TooManyAnswers:
            raise Busy from None
        try:
            question = ask(chat, asked.utterance(), by=actor, remember=asked.validated_data["extract_memory"])
            parts = answer(question, by=actor)
            if asked.validated_data["stream"] or isinstance(request.accepted_renderer, EventStreamRenderer):
                stream = event_stream(parts, shape=lambda answered: ReplySerializer(answered).data, leave=leave)
                leave = _nothing
                return stream
            answered = next(part for part in parts if isinstance(part, Answer))
            return Response(ReplySerializer(answered).data, status=201)
        finally:
            leave()


def _nothing() -> None:
    """The stream leaves its seat itself."""


class BudgetSerializer(StrictSerializer):
    token_budget = serializers.IntegerField(
        min_value=1,
        max_value=settings.MAX_CONTEXT_TOKENS,
        required=False,
        default=settings.CONTEXT_TOKEN_BUDGET,
        help_text="Allergies and medications are told even if they exceed it.",
    )


class ChatContextView(APIView):
    permissions_required = {"GET": "memories.view_memory"}
    opens_own_transactions = frozenset({"GET"})

    @extend_schema(
        parameters=[
            OpenApiParameter("token_budget", int, description="Tokens that the text may have."),
        ],
        responses=ContextSerializer,
    )
    def get(self, request: Request, external_id: str, chat_id: UUID) -> Response:
        """What is remembered that bears on the last words of a chat, as a text block for a prompt.

        No message is in it, of this chat or of another.
        """
        asked = BudgetSerializer(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        with acting_as(actor_of(request)):
            chat = chat_of(request, chat_id, patient_id=external_id)
            said = _last_words(chat)
            record(Event.READ, patient_id=chat.patient_id, objects=[chat.pk], resource=Conversation)
        prepare_query(question_of("", said))
        with acting_as(actor_of(request)):
            patient = visible_patient(request, external_id)
            context = build_context(patient, conversation=said, scopes=scopes_of(chat), **asked.validated_data)
            record_told(patient, context)
        return Response(ContextSerializer(context).data)


def _last_words(chat: Conversation) -> list[str]:
    latest: list[Turn] = list(chat.turns.order_by("-position")[:LAST_TURNS])
    return [turn.text for turn in reversed(latest)]


def _checked(shape: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    checked = shape(data=request.data)
    checked.is_valid(raise_exception=True)
    return checked.validated_data
