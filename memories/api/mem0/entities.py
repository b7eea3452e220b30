"""`MemoryClient()` itself, `client.users()`, exports, and what has no meaning here."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn
from uuid import NAMESPACE_URL, uuid5

from django.db.models import Max, Min
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from audit.models import Event
from audit.recording import record, record_each
from memories.api.mem0.base import Mem0View, Unsupported, checked, page_of, required_filters, the_patient
from memories.api.mem0.recalling import chosen
from memories.api.mem0.shapes import Ignored, OptionsSerializer
from memories.models import Conversation, Memory, MemoryExport
from memories.shaping import fill
from patients.api import actor_of, user_of
from patients.models import Patient

#: The kinds of entities beside users, and what conversations know of them.
ORIGINS = {"agent": "agent_id", "app": "app_id", "run": "session_id"}
PAGE_SIZE = 100
UNSUPPORTED = (
    "This server has no such thing: organizations, projects, members and webhooks of mem0 have no meaning here."
    " Settings are the operator's; docs/from-mem0.md names what each method does."
)


class PingView(Mem0View):
    permissions_required = {"GET": "memories.view_memory"}

    def get(self, request: Request) -> Response:
        """What the client asks first. It reports a `user_email` to its maker, so that there is none."""
        return Response({"status": "ok", "org_id": "homecare", "project_id": "memory", "user_email": None})


class EntitiesView(Mem0View):
    permissions_required = {"GET": "patients.view_patient"}

    def get(self, request: Request) -> Response:
        """The patients in your care, and the agents, apps and runs that spoke of them."""
        patients = list(Patient.objects.visible_to(actor_of(request)).order_by("external_id"))
        entities = [*map(_user, patients)]
        for kind, field in ORIGINS.items():
            entities += _origins(request, kind, field)
        page, answer = page_of(request, entities, len(entities), page_size=PAGE_SIZE)
        listed = {entity["name"] for entity in page if entity["type"] == "user"}
        seen: dict[Any, list[object]] = {p.pk: [p.pk] for p in patients if p.external_id in listed}
        record_each(Event.LIST, seen or {None: []}, resource=Patient)
        totals = {f"total_{kind}s": sum(entity["type"] == kind for entity in entities) for kind in ("user", *ORIGINS)}
        return Response({**answer, "results": page, **totals})


def _user(patient: Patient) -> dict[str, Any]:
    return _entity(str(patient.pk), patient.external_id, "user", patient.created_at, patient.updated_at)


def _origins(request: Request, kind: str, field: str) -> Iterator[dict[str, Any]]:
    spoken = Conversation.objects.visible_to(actor_of(request)).exclude(**{field: ""}).order_by(field)
    for name, first, last in spoken.values_list(field).annotate(Min("recorded_at"), Max("recorded_at")):
        yield _entity(str(uuid5(NAMESPACE_URL, f"{kind}:{name}")), name, kind, first, last)


def _entity(key: str, name: str, kind: str, first: Any, last: Any) -> dict[str, Any]:
    times = {"created_at": first.isoformat(), "updated_at": last.isoformat()}
    return {"id": key, "name": name, "type": kind, "owner": None, "metadata": None, **times}


class EntityView(Mem0View):
    permissions_required = {"DELETE": "memories.change_memory"}

    def delete(self, request: Request, kind: str, name: str) -> NoReturn:
        """Refused: `reset()` and `delete_users()` ask this for everybody, one after the other."""
        raise PermissionDenied(
            "Nobody is removed here, and nothing was deleted: to take the memories of one patient out of recall, use"
            " delete_all(user_id=...)."
        )


# --- exports ---------------------------------------------------------------------------------------------------------


class ExportSerializer(OptionsSerializer):
    schema = serializers.JSONField()
    filters = serializers.DictField(required=False, default=dict)
    user_id = serializers.CharField(max_length=64, required=False, default="")
    agent_id = serializers.CharField(max_length=100, required=False, default="")
    run_id = serializers.CharField(max_length=100, required=False, default="")
    app_id = serializers.CharField(max_length=100, required=False, default="")
    export_instructions = Ignored()

    def validate_schema(self, schema: Any) -> dict[str, Any]:
        if isinstance(schema, str):
            try:
                schema = json.loads(schema)
            except ValueError:
                schema = None
        if not isinstance(schema, dict) or not isinstance(schema.get("properties"), dict):
            raise serializers.ValidationError("Send a JSON schema of an object, with its properties.")
        return schema


class FetchedExportSerializer(OptionsSerializer):
    memory_export_id = serializers.UUIDField(required=False)
    filters = serializers.DictField(required=False, default=dict)
    user_id = serializers.CharField(max_length=64, required=False, default="")
    agent_id = serializers.CharField(max_length=100, required=False, default="")
    run_id = serializers.CharField(max_length=100, required=False, default="")
    app_id = serializers.CharField(max_length=100, required=False, default="")


def _filters_of(asked: dict[str, Any]) -> dict[str, Any]:
    """What is asked for, in the filters' language: `filters`, and the ids beside them."""
    beside = {name: asked[name] for name in ("user_id", "agent_id", "run_id", "app_id") if asked[name]}
    return {"AND": [part for part in (asked["filters"], beside) if part]}


class ExportsView(Mem0View):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True

    def post(self, request: Request) -> Response:
        """Order the memories of one patient in a shape of your own."""
        asked = checked(ExportSerializer, request.data)
        filters = _filters_of(asked)
        patient = the_patient(request, required_filters(filters))
        order = MemoryExport.objects.create(
            patient=patient, schema=asked["schema"], filters=filters, asked_by=user_of(request)
        )
        record(Event.CREATE, patient_id=patient.pk, objects=[order.pk], resource=MemoryExport)
        return Response(
            {"message": "Memory export request received: fetch it by its id.", "id": str(order.pk)}, status=201
        )


class FetchedExportView(Mem0View):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True

    def post(self, request: Request) -> Response:
        """The schema of an order, filled with what is remembered now. Without an id: the latest with these filters."""
        asked = checked(FetchedExportSerializer, request.data)
        orders = MemoryExport.objects.visible_to(actor_of(request)).filter(asked_by=user_of(request))
        if key := asked.get("memory_export_id"):
            order = orders.filter(pk=key).first()
        else:
            filters = _filters_of(asked)
            patient = the_patient(request, required_filters(filters))
            order = orders.for_patient(patient).filter(filters=filters).first()
        if order is None:
            raise NotFound("There is no such export: create one with create_memory_export(), and use its id.")
        memories = list(chosen([order.patient], required_filters(order.filters).condition))
        record(Event.EXPORT, patient_id=order.patient_id, objects=[memory.pk for memory in memories], resource=Memory)
        return Response(fill(order.schema, memories))


# --- the rest --------------------------------------------------------------------------------------------------------


class UnsupportedView(Mem0View):
    """Everything else that mem0's client knows to ask for."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request, **kwargs: str) -> NoReturn:
        raise Unsupported(UNSUPPORTED)

    post = put = patch = delete = get


class UnknownView(Mem0View):
    permission_classes = [IsAuthenticated]

    def get(self, request: Request, **kwargs: str) -> NoReturn:
        raise NotFound("There is nothing at this address of mem0's protocol: docs/from-mem0.md names what there is.")

    post = put = patch = delete = get
