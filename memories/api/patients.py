"""`/api/v1/patients/{id}/...`: what is remembered about one patient as a whole."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.models import Event
from audit.recording import record
from memories.api.serializers import SummarySerializer
from memories.models import Memory
from memories.summary import summarise
from patients.api import visible_patient


class SummaryView(APIView):
    permissions_required = {"GET": "memories.view_memory"}

    @extend_schema(responses=SummarySerializer)
    def get(self, request: Request, external_id: str) -> Response:
        """What is to be known before a visit."""
        patient = visible_patient(request, external_id)
        summary = summarise(patient)
        shown = {*summary.critical_items, *summary.recent_observations, *summary.upcoming_appointments}
        record(Event.SUMMARY, patient_id=patient.pk, objects=[memory.pk for memory in shown], resource=Memory)
        return Response(SummarySerializer(summary).data)
