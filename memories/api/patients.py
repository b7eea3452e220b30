"""`/api/v1/patients/{id}/...`: what is remembered about one patient as a whole."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from memories.api.recall_serializers import ContextRequestSerializer, ContextSerializer, SummarySerializer
from memories.context import build_context, question_of
from memories.embedding import prepare_query
from memories.models import Memory
from memories.summary import summarise
from memories.tasks import ask_for_narrative
from patients.api import actor_of, visible_patient


class SummaryView(APIView):
    permissions_required = {"GET": "memories.view_memory"}

    @extend_schema(responses=SummarySerializer)
    def get(self, request: Request, external_id: str) -> Response:
        """What is to be known before a visit. A summary text that no longer fits is left to the worker to make anew."""
        patient = visible_patient(request, external_id)
        summary = summarise(patient)
        record(Event.SUMMARY, patient_id=patient.pk, objects=summary.shown, resource=Memory)
        ask_for_narrative(summary)
        return Response(SummarySerializer(summary, context={"request": request}).data)


class ContextView(APIView):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True
    opens_own_transactions = frozenset({"POST"})

    @extend_schema(request=ContextRequestSerializer, responses=ContextSerializer)
    def post(self, request: Request, external_id: str) -> Response:
        """A text block for a prompt: every allergy and medication, what bears on the question, and your passages."""
        asked = ContextRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        prepare_query(question_of(asked.validated_data.get("query", ""), asked.validated_data.get("conversation", ())))
        with acting_as(actor_of(request)):
            patient = visible_patient(request, external_id)
            context = build_context(patient, **asked.validated_data)
            told = context.memory_ids.values()
            record(Event.READ, patient_id=patient.pk, objects=told, resource=Memory, query=context.query)
        return Response(ContextSerializer(context).data)
