"""`/api/v1/patients/{id}/...`: what is remembered about one patient as a whole."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from memories.api.filters import filter_parameters
from memories.api.memories import NewestFirst, page_of_memories
from memories.api.recall_serializers import ContextRequestSerializer, ContextSerializer, SummarySerializer
from memories.api.serializers import MemorySerializer, OptedOutSerializer, OptOutSerializer
from memories.context import Context, build_context, question_of
from memories.embedding import prepare_query
from memories.models import Memory
from memories.opting_out import OPTED_OUT, opt_out
from memories.summary import summarise
from memories.tasks import ask_for_narrative
from patients.api import PatientView as PatientsOwnView
from patients.api import actor_of, user_of, visible_patient
from patients.models import Patient, User


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
            record_told(patient, context)
        return Response(ContextSerializer(context).data)


def record_told(patient: Patient, context: Context) -> None:
    """Put on record which memories a context tells, and what was asked for them."""
    told = context.memory_ids.values()
    record(Event.READ, patient_id=patient.pk, objects=told, resource=Memory, query=context.query)


class PatientView(PatientsOwnView):
    """A patient, whose opting out takes what was extracted out of every recall."""

    def patient_changed(self, patient: Patient, fields: set[str], *, by: User) -> None:
        if "opted_out_at" in fields and patient.is_opted_out:
            opt_out(patient, by=by, reason=OPTED_OUT)


class PatientMemoriesView(APIView):
    permissions_required = {"GET": "memories.view_memory", "DELETE": "patients.change_patient"}
    pagination_class = NewestFirst  # as OpenAPI shows it

    @extend_schema(
        operation_id="patients_memories_list", parameters=filter_parameters(), responses=MemorySerializer(many=True)
    )
    def get(self, request: Request, external_id: str) -> Response:
        """The live memories of a patient, newest first, in pages."""
        return page_of_memories(request, self, visible_patient(request, external_id))

    @extend_schema(request=OptOutSerializer, responses={200: OptedOutSerializer})
    def delete(self, request: Request, external_id: str) -> Response:
        """The patient opts out: nothing more is remembered, and what was extracted leaves every recall.

        Allergies stay, and what staff confirmed of medications; so does the record of it all.
        """
        patient = visible_patient(request, external_id)
        asked = OptOutSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(OptedOutSerializer(opt_out(patient, by=user_of(request), **asked.validated_data)).data)
