"""`/api/v1/memories`: add what was said, search, read, and decide."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ListSerializer
from rest_framework.views import APIView

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories import actions
from memories.api.corrections import CORRECTION, correction_of
from memories.api.filters import filter_memories, filter_parameters
from memories.api.recall_serializers import LinkedMemorySerializer
from memories.api.serializers import (
    ChangeSerializer,
    ConversationSerializer,
    DecisionSerializer,
    IngestedSerializer,
    MemoryChangesSerializer,
    MemorySerializer,
    RemovalSerializer,
    SearchResultSerializer,
    SearchSerializer,
    made_once,
)
from memories.embedding import prepare_query
from memories.history import history_of
from memories.ingestion import Intake, carry_out_now, take_in
from memories.models import ExtractionRun, Memory, RunState
from memories.remembering import lock_patient
from memories.search import SearchFilters, search
from patients.api import actor_of, user_of, visible_patient
from patients.models import Patient
from patients.paging import PagesByTime

#: Conversations that one request may bring.
MAX_BATCH = 100
NO_SUCH_MEMORY = "No memory with this id is in your care: check the id."


def visible_memory(request: Request, memory_id: UUID) -> Memory:
    """The memory of this id, if the caller may see its patient. Raises `NotFound` for an unknown one just the same."""
    memory = Memory.objects.visible_to(actor_of(request)).with_details().filter(pk=memory_id).first()
    if memory is None:
        raise NotFound(NO_SUCH_MEMORY)
    return memory


class NewestFirst(PagesByTime):
    ordering = ("-recorded_at", "-id")


class MemoriesView(APIView):
    permissions_required = {"GET": "memories.view_memory", "POST": "memories.add_conversation"}
    pagination_class = NewestFirst  # as OpenAPI shows it
    opens_own_transactions = frozenset({"POST"})

    @extend_schema(
        operation_id="memories_list",
        parameters=[OpenApiParameter("patient_id", str, required=True), *filter_parameters()],
        responses=MemorySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """The live memories of a patient, newest first, in pages."""
        if not (external_id := request.query_params.get("patient_id")):
            raise ValidationError({"patient_id": ["Say whose memories: add ?patient_id=..."]})
        return page_of_memories(request, self, visible_patient(request, external_id))

    @extend_schema(request=ConversationSerializer, responses={201: IngestedSerializer, 202: IngestedSerializer})
    def post(self, request: Request) -> Response:
        """Add what was said. 201 with the memories made of it; 202 with the run to follow if it is read later."""
        said = _checked(ConversationSerializer, request.data)
        actor = actor_of(request)
        with acting_as(actor):
            patient = visible_patient(request, said["patient_id"])
            intake = _taken_in(patient, said, by=actor, inline=not said["background"])
        run = intake.run if said["background"] else carry_out_now(intake, by=actor)
        return Response(became(run), status=status_of(run))


class ConversationBatchView(APIView):
    permissions_required = {"POST": "memories.add_conversation"}

    @extend_schema(
        operation_id="memories_batch",
        request=ConversationSerializer(many=True),
        responses={202: IngestedSerializer(many=True)},
    )
    def post(self, request: Request) -> Response:
        """Add several conversations: all of them, or none if one is refused. They are read in the background."""
        batch: ListSerializer = ListSerializer(
            data=request.data, child=ConversationSerializer(), allow_empty=False, max_length=MAX_BATCH
        )
        batch.is_valid(raise_exception=True)
        actor = actor_of(request)
        patients = {said["patient_id"]: visible_patient(request, said["patient_id"]) for said in batch.validated_data}
        for patient in sorted(patients.values(), key=lambda patient: patient.pk):
            lock_patient(patient.pk)  # in one order, so that two batches never wait for each other
        runs = [_taken_in(patients[said["patient_id"]], said, by=actor).run for said in batch.validated_data]
        return Response([became(run) for run in runs], status=202)


def page_of_memories(request: Request, view: APIView, patient: Patient) -> Response:
    """A page of a patient's live memories, by the filters of the query string, on record."""
    memories = filter_memories(Memory.objects.for_patient(patient).live().with_details(), request.query_params)
    paginator = NewestFirst()
    page = paginator.paginate_queryset(memories, request, view=view) or []
    record(Event.LIST, patient_id=patient.pk, objects=[memory.pk for memory in page], resource=Memory)
    return paginator.get_paginated_response(MemorySerializer(page, many=True).data)


def _taken_in(patient: Patient, said: dict[str, Any], *, by: Actor, inline: bool = False) -> Intake:
    return take_in(
        patient=patient,
        utterances=said["conversation"],
        by=by,
        said_at=said.get("said_at"),
        title=said["title"],
        source_id=said["source_id"],
        inline=inline,
        scope=said["scope"],
        agent_id=said["agent_id"],
        is_instruction="kind" in said,
    )


def status_of(run: ExtractionRun) -> int:
    """201 once it is read, 202 while it waits."""
    return 201 if run.state == RunState.DONE else 202


def became(run: ExtractionRun) -> dict[str, Any]:
    """What became of a conversation, as it is answered."""
    answer = {
        "memories_created": len(run.made),
        "memory_ids": run.made,
        "memories_reinforced": len(run.reinforced),
        "conversation_id": run.conversation_id,
        "run_id": run.pk,
        "state": run.state,
    }
    if run.error:
        answer["detail"] = f"Kept, and tried again later: {run.error}."
    return answer


class RunView(APIView):
    permissions_required = {"GET": "memories.view_memory"}

    @extend_schema(responses=IngestedSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:
        """What became of a conversation."""
        run = ExtractionRun.objects.visible_to(actor_of(request)).filter(pk=run_id).first()
        if run is None:
            raise NotFound("No run with this id is in your care: check the id.")
        record(Event.READ, patient_id=run.patient_id, objects=[run.pk], resource=ExtractionRun)
        return Response(became(run))


class MemorySearchView(APIView):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True
    opens_own_transactions = frozenset({"POST"})

    @extend_schema(request=SearchSerializer, responses=SearchResultSerializer)
    def post(self, request: Request) -> Response:
        """The memories of a patient that answer a question, best first, critical ones that are relevant before all."""
        asked = _checked(SearchSerializer, request.data)
        prepare_query(asked["query"])
        with acting_as(actor_of(request)):
            patient = visible_patient(request, asked["patient_id"])
            result = search(
                patient=patient, query=asked["query"], limit=asked["limit"], filters=SearchFilters(**asked["filters"])
            )
            found = [hit.memory.pk for hit in result.hits]
            record(Event.SEARCH, patient_id=patient.pk, objects=found, resource=Memory, query=asked["query"])
        return Response(made_once(SearchResultSerializer).to_representation(result))


class MemoryView(APIView):
    permissions_required = {
        "GET": "memories.view_memory",
        "PATCH": "memories.change_memory",
        "DELETE": "memories.change_memory",
    }

    @extend_schema(responses=LinkedMemorySerializer)
    def get(self, request: Request, memory_id: UUID) -> Response:
        """A memory with the words it rests on, and its links."""
        memory = visible_memory(request, memory_id)
        record(Event.READ, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory)
        return Response(LinkedMemorySerializer(memory).data)

    @extend_schema(request=MemoryChangesSerializer, responses=MemorySerializer)
    def patch(self, request: Request, memory_id: UUID) -> Response:
        """Change a memory that is neither an allergy nor a medication."""
        memory = visible_memory(request, memory_id)
        changes = _checked(MemoryChangesSerializer, request.data)
        if not changes:
            raise ValidationError("Name at least one field to change: content, priority, metadata or expires_at.")
        return Response(MemorySerializer(actions.edit(memory, by=user_of(request), **changes)).data)

    @extend_schema(request=RemovalSerializer, responses={204: None})
    def delete(self, request: Request, memory_id: UUID) -> Response:
        """Take a memory that is neither an allergy nor a medication out of every recall; its history stays."""
        memory = visible_memory(request, memory_id)
        removal = _checked(RemovalSerializer, request.data)
        actions.delete(memory, by=user_of(request), **removal)
        return Response(status=204)


class MemoryHistoryView(APIView):
    permissions_required = {"GET": "memories.view_memory"}

    @extend_schema(responses=ChangeSerializer(many=True))
    def get(self, request: Request, memory_id: UUID) -> Response:
        """Who changed what, when and why, oldest first."""
        memory = visible_memory(request, memory_id)
        record(Event.HISTORY, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory)
        return Response(ChangeSerializer(history_of(memory), many=True).data)


class DecisionView(APIView):
    """A clinician's decision about a memory, with its reason."""

    permissions_required = {"POST": "memories.review_memory"}
    decide: Callable[..., Memory] = staticmethod(actions.confirm)

    @extend_schema(request=DecisionSerializer, responses=MemorySerializer)
    def post(self, request: Request, memory_id: UUID) -> Response:
        memory = visible_memory(request, memory_id)
        decision = _checked(DecisionSerializer, request.data)
        return Response(MemorySerializer(self.decide(memory, by=user_of(request), **decision)).data)


class CorrectionView(APIView):
    """A clinician says what is true instead: a new confirmed memory, which the old one points to."""

    permissions_required = {"POST": "memories.review_memory"}

    @extend_schema(request=CORRECTION, responses=MemorySerializer)
    def post(self, request: Request, memory_id: UUID) -> Response:
        memory = visible_memory(request, memory_id)
        correction = _checked(correction_of(memory.category), request.data)
        details = correction.pop("details", {})
        return Response(MemorySerializer(actions.correct(memory, by=user_of(request), **correction, **details)).data)


def _checked(serializer_class: type, data: Any) -> dict[str, Any]:
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
