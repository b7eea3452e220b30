"""`/api/v1/patients/{id}/emergency-access` and `/api/v1/emergency-accesses`."""

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.mixins import record_shown
from patients.api import NARROWED_KEY, acting_request, actor_of, user_of
from patients.emergency import EmergencyRefused, UnknownPatient, review_emergency_access, take_emergency_access
from patients.models import AccessKey, EmergencyAccess
from patients.paging import PagesByTime


class EmergencyAccessSerializer(serializers.ModelSerializer):
    """A patient goes by the key of the log: who reviews it sees no patient."""

    user = serializers.CharField(source="user.username", read_only=True)
    patient_key = serializers.UUIDField(source="patient_id", read_only=True)

    class Meta:
        model = EmergencyAccess
        fields = ["id", "user", "patient_key", "reason", "granted_at", "until", "reviewed_at", "finding"]
        read_only_fields = ["granted_at", "until", "reviewed_at", "finding"]


class ReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=500, help_text="What the emergency is.")


class FindingSerializer(serializers.Serializer):
    finding = serializers.CharField(max_length=480, help_text="What the review found.")


class NewestFirst(PagesByTime):
    ordering = "-granted_at"


class TakeEmergencyAccessView(APIView):
    """See one patient who is not in your care, for a limited time, on record and with an alert."""

    permissions_required = {"POST": "patients.add_emergencyaccess"}

    @extend_schema(request=ReasonSerializer, responses={201: EmergencyAccessSerializer})
    def post(self, request: Request, external_id: str) -> Response:
        if isinstance(request.auth, AccessKey) and not request.auth.all_patients:
            raise PermissionDenied(NARROWED_KEY)
        said = ReasonSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            access = take_emergency_access(
                external_id=external_id, reason=said.validated_data["reason"], by=user_of(request)
            )
        except UnknownPatient as unknown:
            acting_request(request).refused_patient = external_id
            raise NotFound(str(unknown)) from None
        except EmergencyRefused as refusal:
            raise serializers.ValidationError({"patient_id": [str(refusal)]}) from None
        return Response(EmergencyAccessSerializer(access).data, status=201)


class EmergencyAccessesView(APIView):
    """Your own emergency accesses; a privacy officer's list has everybody's."""

    permissions_required = {"GET": "patients.view_emergencyaccess"}
    pagination_class = NewestFirst

    @extend_schema(responses=EmergencyAccessSerializer(many=True), operation_id="emergency_accesses_list")
    def get(self, request: Request) -> Response:
        paginator = self.pagination_class()
        accesses = EmergencyAccess.objects.visible_to(actor_of(request)).select_related("user")
        page = paginator.paginate_queryset(accesses, request, view=self) or []
        record_shown(page, resource=EmergencyAccess)
        return paginator.get_paginated_response(EmergencyAccessSerializer(page, many=True).data)


class ReviewEmergencyAccessView(APIView):
    """Say what came of looking at somebody else's emergency access."""

    permissions_required = {"POST": "patients.change_emergencyaccess"}

    @extend_schema(request=FindingSerializer, responses=EmergencyAccessSerializer)
    def post(self, request: Request, access_id: str) -> Response:
        access = EmergencyAccess.objects.visible_to(actor_of(request)).filter(pk=access_id).first()
        if access is None:
            raise NotFound("No emergency access has this id: the list has each.")
        said = FindingSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        try:
            review_emergency_access(access, finding=said.validated_data["finding"], by=user_of(request))
        except ValidationError as refusal:
            raise serializers.ValidationError({"finding": refusal.messages}) from None
        access.refresh_from_db()
        return Response(EmergencyAccessSerializer(access).data)
