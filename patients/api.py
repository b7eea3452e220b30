"""`/api/v1/patients`: the patients whom the caller may see."""

from typing import Any, cast

from django.core.validators import RegexValidator
from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, transaction
from drf_spectacular.utils import extend_schema
from psycopg.errors import UniqueViolation
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit.actors import Actor
from audit.models import Event
from audit.recording import record, record_each
from patients.identification import ActingRequest
from patients.models import AccessKey, CareAssignment, Patient, User
from patients.paging import PagesByTime
from patients.roles import Role

PLAIN_ID = r"^[A-Za-z0-9][A-Za-z0-9_.:@-]*\Z"
NARROWED_KEY = "This key is for named patients: register one with a key for all your patients, or sign in."
NO_SUCH_PATIENT = "No patient with this id is in your care: check the id, or ask for an assignment."
#: By the database's own rule of who is seen, as `PatientQuerySet.visible_to` has it: every request about a patient
#: begins with this, and composing that queryset takes longer than the rest of the request.
VISIBLE = """
SELECT {columns} FROM patients_patient WHERE external_id = %s AND id IN (SELECT homecare_visible_patients())
"""


def acting_request(request: Request) -> ActingRequest:
    """The request below DRF's, as `ActingMiddleware` made it."""
    return cast(ActingRequest, request._request)


def actor_of(request: Request) -> Actor:
    return acting_request(request).actor


def user_of(request: Request) -> User:
    """The user who asks, in person or by a key."""
    return cast(User, request.user)


def find_visible(external_id: str) -> Patient | None:
    """The patient of this id, if the one who acts may see them."""
    fields = Patient._meta.concrete_fields
    with connection.cursor() as cursor:
        cursor.execute(VISIBLE.format(columns=", ".join(str(field.column) for field in fields)), [external_id])
        row = cursor.fetchone()
    return None if row is None else Patient.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], row)


def visible_patient(request: Request, external_id: str) -> Patient:
    """The patient of this id, if the one who acts may see them. Raises `NotFound` for an unknown one just the same."""
    patient = find_visible(external_id)
    if patient is None:
        acting_request(request).refused_patient = external_id
        raise NotFound(NO_SUCH_PATIENT)
    return patient


class PatientSerializer(serializers.ModelSerializer):
    patient_id = serializers.CharField(
        source="external_id",
        max_length=64,
        validators=[
            RegexValidator(PLAIN_ID, "An id begins with a letter or a digit, and has only these and _ . : @ -.")
        ],
        help_text="The id that your software knows this patient by.",
    )

    class Meta:
        model = Patient
        fields = [
            "patient_id",
            "given_name",
            "family_name",
            "birth_date",
            "is_active",
            "known_allergies_status",
            "consent_given_at",
            "consent_given_by",
            "opted_out_at",
            "created_at",
            "updated_at",
        ]
        extra_kwargs = {"is_active": {"required": False}}
        read_only_fields = ["known_allergies_status", "created_at", "updated_at"]

    def update(self, patient: Patient, changes: dict[str, Any]) -> Patient:
        """Write what was sent and nothing else: the rest may have been changed since it was read."""
        for name, value in changes.items():
            setattr(patient, name, value)
        patient.save(update_fields=[*changes, "updated_at"])
        return patient

    def validate_patient_id(self, external_id: str) -> str:
        if self.instance and external_id != self.instance.external_id:
            raise serializers.ValidationError("An id stays: make another patient, or leave it out.")
        return external_id

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = attrs.get("consent_given_at", getattr(self.instance, "consent_given_at", None))
        if given and not attrs.get("consent_given_by", getattr(self.instance, "consent_given_by", "")):
            raise serializers.ValidationError({"consent_given_by": "Say who gave the consent."})
        return attrs


class NewestFirst(PagesByTime):
    ordering = "-created_at"


class PatientsView(APIView):
    """List the patients in your care, or register one, who is then assigned to you."""

    permissions_required = {"GET": "patients.view_patient", "POST": "patients.add_patient"}
    pagination_class = NewestFirst

    @extend_schema(responses=PatientSerializer(many=True), operation_id="patients_list")
    def get(self, request: Request) -> Response:
        paginator = self.pagination_class()
        page = paginator.paginate_queryset(Patient.objects.visible_to(actor_of(request)), request, view=self) or []
        record_each(Event.LIST, {patient.pk: [patient.pk] for patient in page} or {None: []}, resource=Patient)
        return paginator.get_paginated_response(PatientSerializer(page, many=True).data)

    @extend_schema(request=PatientSerializer, responses={201: PatientSerializer})
    def post(self, request: Request) -> Response:
        if isinstance(request.auth, AccessKey) and not request.auth.all_patients:
            raise PermissionDenied(NARROWED_KEY)
        serializer = PatientSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        patient = _registered(serializer)
        CareAssignment.objects.create(patient=patient, user=user_of(request), role=Role.CLINICIAN)
        record(Event.CREATE, patient_id=patient.pk, objects=[patient.pk], resource=Patient)
        return Response(PatientSerializer(patient).data, status=201)


def _registered(serializer: PatientSerializer) -> Patient:
    try:
        with transaction.atomic():
            return serializer.save()
    except IntegrityError as error:
        if not isinstance(error.__cause__, UniqueViolation):
            raise
        raise serializers.ValidationError({"patient_id": ["This id is taken: choose another."]}) from None


class PatientView(APIView):
    permissions_required = {"GET": "patients.view_patient", "PATCH": "patients.change_patient"}

    @extend_schema(responses=PatientSerializer)
    def get(self, request: Request, external_id: str) -> Response:
        patient = visible_patient(request, external_id)
        record(Event.READ, patient_id=patient.pk, objects=[patient.pk], resource=Patient)
        return Response(PatientSerializer(patient).data)

    @extend_schema(request=PatientSerializer(partial=True), responses=PatientSerializer)
    def patch(self, request: Request, external_id: str) -> Response:
        patient = Patient.objects.select_for_update(no_key=True).get(pk=visible_patient(request, external_id).pk)
        serializer = PatientSerializer(patient, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        record(Event.UPDATE, patient_id=patient.pk, objects=[patient.pk], resource=Patient)
        self.patient_changed(patient, set(serializer.validated_data), by=user_of(request))
        return Response(serializer.data)

    def patient_changed(self, patient: Patient, fields: set[str], *, by: User) -> None:
        """What follows from a change of these fields, in its transaction: the apps above say it."""
