"""`/api/v1/files`: letters, lists and transcripts, which become conversations and stay on record as they were sent."""

from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from memories.api.memories import became
from memories.api.serializers import IngestedSerializer, StrictSerializer
from memories.files.opening import FileRefused, open_file
from memories.files.taking_in import take_in_file
from memories.models import SourceFile
from patients.api import actor_of, visible_patient
from patients.paging import PagesByTime

NO_SUCH_FILE = "No file with this id is in your care: check the id."


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"


class NewestFirst(PagesByTime):
    ordering = ("-recorded_at", "-id")


class UploadSerializer(StrictSerializer):
    """A PDF, VTT, SRT, JSON or plain text, by what is in it."""

    patient_id = serializers.CharField(max_length=64)
    file = serializers.FileField()
    title = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)
    said_at = serializers.DateTimeField(required=False, help_text="When it was said; now, if neither it nor you say.")


class FileSerializer(serializers.ModelSerializer):
    patient_id = serializers.CharField(source="patient.external_id")

    class Meta:
        model = SourceFile
        fields = ["id", "patient_id", "name", "media_type", "size", "sha256", "recorded_at"]
        read_only_fields = fields


class TakenInSerializer(serializers.Serializer):
    file = FileSerializer()
    conversations = IngestedSerializer(many=True)
    is_new = serializers.BooleanField(help_text="False: these bytes were sent for this patient before.")


class FilesView(APIView):
    permissions_required = {"POST": "memories.add_conversation"}
    parser_classes = [MultiPartParser]
    opens_own_transactions = frozenset({"POST"})

    @extend_schema(request={"multipart/form-data": UploadSerializer}, responses={202: TakenInSerializer})
    def post(self, request: Request) -> Response:
        """Send a file about a patient. It is kept as it is, and what it says is read in the background."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            raise TooLarge(f"This is too large: send a file of at most {settings.MAX_FILE_BYTES // 1024**2} MB.")
        asked = UploadSerializer(data=cast(QueryDict, request.data).dict())
        asked.is_valid(raise_exception=True)
        sent: dict[str, Any] = asked.validated_data
        actor = actor_of(request)
        with acting_as(actor):
            patient = visible_patient(request, sent["patient_id"])
        content = sent["file"].read()
        try:
            opened = open_file(content, name=sent["file"].name)
        except FileRefused as refusal:
            raise ValidationError({"file": [str(refusal)]}) from None
        taken = take_in_file(
            opened,
            content,
            name=sent["file"].name,
            patient=patient,
            by=actor,
            said_at=sent.get("said_at"),
            title=sent["title"],
        )
        answer = {
            "file": FileSerializer(taken.file).data,
            "conversations": [became(intake.run) for intake in taken.intakes],
            "is_new": taken.is_new,
        }
        return Response(answer, status=202)


class PatientFilesView(APIView):
    permissions_required = {"GET": "memories.view_conversation"}
    pagination_class = NewestFirst  # as OpenAPI shows it

    @extend_schema(operation_id="patients_files_list", responses=FileSerializer(many=True))
    def get(self, request: Request, external_id: str) -> Response:
        """The files about a patient, newest first, in pages."""
        patient = visible_patient(request, external_id)
        files = SourceFile.objects.for_patient(patient).select_related("patient").defer("content")
        paginator = self.pagination_class()
        page: list[SourceFile] = paginator.paginate_queryset(files, request, view=self) or []
        record(Event.LIST, patient_id=patient.pk, objects=[file.pk for file in page], resource=SourceFile)
        return paginator.get_paginated_response(FileSerializer(page, many=True).data)


class FileView(APIView):
    permissions_required = {"GET": "memories.view_conversation"}

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, file_id: UUID) -> HttpResponse:
        """A file as it was sent, to be saved and not to be shown."""
        file = SourceFile.objects.visible_to(actor_of(request)).filter(pk=file_id).first()
        if file is None:
            raise NotFound(NO_SUCH_FILE)
        record(Event.EXPORT, patient_id=file.patient_id, objects=[file.pk], resource=SourceFile)
        return download(file)


def download(file: SourceFile) -> HttpResponse:
    """The bytes of a file, under a name that tells nobody's: no browser opens or runs it."""
    response = HttpResponse(bytes(file.content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = (
        f'attachment; filename="file-{file.pk}{_ENDINGS.get(file.media_type, "")}"'
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response


_ENDINGS = {
    "application/pdf": ".pdf",
    "application/json": ".json",
    "application/x-subrip": ".srt",
    "text/vtt": ".vtt",
    "text/plain": ".txt",
}
