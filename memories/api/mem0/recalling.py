"""`client.search()`, `get_all()`, `get_summary()` and profiles."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record, record_each
from memories.api.mem0.base import (
    Mem0View,
    Unsupported,
    checked,
    page_of,
    patients_of,
    required_filters,
    the_patient,
)
from memories.api.mem0.shapes import (
    GetAllSerializer,
    ProfileJobSerializer,
    SearchSerializer,
    SummarySerializer,
    only,
    origins_of,
    shown,
)
from memories.choices import Category
from memories.embedding import prepare_query
from memories.models import Memory, MemoryQuerySet
from memories.models.memory import LIVE
from memories.prompting import with_status
from memories.search import Hit, SearchFilters, search
from memories.summary import Summary, summarise
from memories.tasks import ask_for_narrative
from patients.api import actor_of, visible_patient
from patients.models import Patient

PAGE_SIZE = 100


class SearchView(Mem0View):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True
    opens_own_transactions = frozenset({"POST"})

    def post(self, request: Request) -> Response:
        """The memories of the patients named that answer a question, relevant critical ones first."""
        asked = checked(SearchSerializer, request.data)
        filters = required_filters(asked["filters"], *_conditions(asked))
        prepare_query(asked["query"])
        with acting_as(actor_of(request)):
            hits: list[Hit] = []
            for patient in patients_of(request, filters):
                hits += self._search(patient, asked, filters.condition)
            origins = origins_of(hit.memory for hit in hits)
        best = sorted(hits, key=lambda hit: (-hit.score_parts["promoted"], -hit.relevance_score))[: asked["top_k"]]
        results = [
            {**shown(hit.memory, origins.get(hit.memory.pk), session="run_id"), "score": hit.relevance_score}
            for hit in best
        ]
        return Response({"results": [only(asked["fields"], result) for result in results]})

    def _search(self, patient: Patient, asked: dict[str, Any], condition: Q) -> list[Hit]:
        result = search(
            patient=patient, query=asked["query"], limit=asked["top_k"], filters=SearchFilters(also=condition)
        )
        hits = [hit for hit in result.hits if hit.relevance_score >= asked["threshold"]]
        found = [hit.memory.pk for hit in hits]
        record(Event.SEARCH, patient_id=patient.pk, objects=found, resource=Memory, query=asked["query"])
        return hits


class GetAllView(Mem0View):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True

    def post(self, request: Request) -> Response:
        """The memories of the patients named, newest first, in pages."""
        asked = checked(GetAllSerializer, request.data)
        filters = required_filters(asked["filters"], *_conditions(asked))
        patients = patients_of(request, filters)
        memories = chosen(patients, filters.condition, expired_too=asked["show_expired"])
        page, answer = page_of(request, memories, memories.count(), page_size=PAGE_SIZE)
        record_each(Event.LIST, _by_patient(page, patients), resource=Memory)
        origins = origins_of(page)
        results = [only(asked["fields"], shown(memory, origins.get(memory.pk))) for memory in page]
        return Response({**answer, "results": results})


def chosen(patients: Sequence[Patient], condition: Q, *, expired_too: bool = False) -> MemoryQuerySet:
    """The live memories of these patients that fulfil the condition, newest first."""
    memories = Memory.objects.filter(LIVE) if expired_too else Memory.objects.live()
    return memories.filter(condition, patient__in=patients).with_details().order_by("-recorded_at", "-id")


def _conditions(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The options that filter, in the filters' own language."""
    created = {"gte": asked.get("start_date"), "lte": asked.get("end_date")}
    return [
        {"categories": {"in": asked["categories"]}} if asked["categories"] else {},
        {"metadata": asked["metadata"]} if asked["metadata"] else {},
        {"created_at": {name: day for name, day in created.items() if day}} if any(created.values()) else {},
    ]


def _by_patient(page: Sequence[Memory], patients: Sequence[Patient]) -> dict[object, list[object]]:
    shown_of: dict[object, list[object]] = {patient.pk: [] for patient in patients}
    for memory in page:
        shown_of[memory.patient_id].append(memory.pk)
    return shown_of


# --- summary, profile ------------------------------------------------------------------------------------------------


class SummaryView(Mem0View):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True

    def post(self, request: Request) -> Response:
        """What is to be known of the one patient that the filters name."""
        patient = the_patient(request, required_filters(checked(SummarySerializer, request.data)["filters"]))
        summary = _summarised(patient)
        return Response(
            {
                "user_id": patient.external_id,
                "summary": summary.narrative.text,
                "total_memories": summary.total_memories,
                "memories_by_category": summary.memories_by_category,
                "critical_items": [shown(memory) for memory in summary.critical_items],
            }
        )


class ProfileView(Mem0View):
    permissions_required = {"GET": "memories.view_memory"}

    def get(self, request: Request, external_id: str) -> Response:
        """The profile of a patient: their summary, which is never older than their memories."""
        summary = _summarised(visible_patient(request, external_id))
        by_category = {
            category: [with_status(item) for item in summary.critical_items if item.category == category]
            for category in (Category.ALLERGY, Category.MEDICATION)
        }
        known = bool(summary.total_memories or summary.critical_items)
        return Response(
            {
                "profile": {
                    "summary": summary.narrative.text,
                    "allergies": by_category[Category.ALLERGY],
                    "medications": by_category[Category.MEDICATION],
                }
                if known
                else None,
                "status": "succeeded" if known else "insufficient_data",
                "entity_type": "user",
                "entity_id": external_id,
                "updated_at": summary.narrative.made_at.isoformat(),
                "generation_count": 1 if known else 0,
            }
        )


def _summarised(patient: Patient) -> Summary:
    summary = summarise(patient)
    record(Event.SUMMARY, patient_id=patient.pk, objects=summary.shown, resource=Memory)
    return summary


class ProfileJobsView(Mem0View):
    permissions_required = {"POST": "memories.view_memory"}
    reads_only = True

    def post(self, request: Request) -> Response:
        """Have the text of a patient's summary worded anew. The job is named after the patient."""
        asked = checked(ProfileJobSerializer, request.data)
        if asked["operation"] != "trigger":
            raise Unsupported(
                "Profiles are not sampled here: each is made from its patient's memories when it is read."
            )
        patient = visible_patient(request, asked["entity_id"])
        summary = _summarised(patient)
        ask_for_narrative(summary)
        return Response(
            {
                "job_id": str(patient.pk),
                "status": _status(summary),
                "status_url": f"/v2/profiles/jobs/{patient.pk}/",
                "operation": "trigger",
                "entity_type": "user",
                "entity_count_reserved": 1,
                "event_id": str(patient.pk),
                "replayed": False,
            },
            status=202,
        )


class ProfileJobView(Mem0View):
    permissions_required = {"GET": "memories.view_memory"}

    def get(self, request: Request, job_id: UUID) -> Response:
        """Whether the text is as new as the memories."""
        patient = Patient.objects.visible_to(actor_of(request)).filter(pk=job_id).first()
        if patient is None:
            raise NotFound("No job with this id is in your care: check the id.")
        status = _status(_summarised(patient))
        done = int(status == "succeeded")
        job = {"status": status, "total": 1, "completed": done, "succeeded": done}
        return Response({"job": {**job, "failed": 0, "skipped": 0, "enumeration_complete": True}})


def _status(summary: Summary) -> str:
    """Whether a language model is still to word the text anew. Without one it is as new as the memories."""
    return "pending" if summary.narrative.is_stale and settings.EXTRACTOR == "llm" else "succeeded"


class ProfileSettingsView(Mem0View):
    permissions_required = {"GET": "memories.view_memory", "POST": "memories.view_memory"}

    def get(self, request: Request) -> Response:
        """Profiles are always there, and have no settings."""
        return Response({"enabled": True, "capabilities": {}, "entities": {}})

    def post(self, request: Request) -> Response:
        raise Unsupported("Profiles have no settings here: ask for a shape of your own with create_memory_export().")
