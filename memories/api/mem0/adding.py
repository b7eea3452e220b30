"""`client.add()`, and what became of it."""

from typing import Any
from uuid import UUID

from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record
from memories.api.mem0.base import Mem0View
from memories.api.mem0.shapes import AddSerializer, end_of
from memories.ingestion import carry_out, take_in
from memories.models import ExtractionRun, Memory, RunState
from memories.prompting import with_status
from patients.api import actor_of, visible_patient

SOURCE = "mem0 client"
STATUS = {RunState.PENDING: "PENDING", RunState.DONE: "SUCCEEDED", RunState.FAILED: "FAILED"}
QUEUED = "Memory processing has been queued for background execution"


class AddView(Mem0View):
    permissions_required = {"POST": "memories.add_conversation"}
    opens_own_transactions = frozenset({"POST"})

    def post(self, request: Request) -> Response:
        """Store the messages. They are read in the background, or at once if `infer` or `async_mode` is false.

        With `infer=False` each message is remembered word by word, and what it says of allergies and medications is
        read all the same: that is never remembered without being put to staff.
        """
        asked = AddSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said, actor = asked.validated_data, actor_of(request)
        at_once = not (said["infer"] and said["async_mode"])
        with acting_as(actor):
            patient = visible_patient(request, said["user_id"])
        run = take_in(
            patient=patient,
            utterances=said["utterances"],
            by=actor,
            said_at=said.get("timestamp"),
            source=SOURCE,
            inline=at_once,
            agent_id=said["agent_id"],
            session_id=said["run_id"],
            app_id=said["app_id"],
            sent_metadata=said["metadata"],
            memories_expire_at=end_of(said.get("expiration_date")),
            keeps_every_turn=not said["infer"],
        ).run
        ignored = asked.ignored_of(request.data)
        answer: dict[str, Any] = {
            "message": QUEUED,
            "event_id": str(run.pk),
            **({"ignored": ignored} if ignored else {}),
        }
        if not at_once:
            return Response({**answer, "status": "PENDING"})
        run = carry_out(run_id=run.pk, patient_id=patient.pk, by=actor)
        with acting_as(actor):
            results = _results(run)
        message = "Memories added" if run.state == RunState.DONE else f"Kept, and tried again later: {run.error}."
        return Response({**answer, "message": message, "status": STATUS[RunState(run.state)], "results": results})


class EventView(Mem0View):
    permissions_required = {"GET": "memories.view_memory"}

    def get(self, request: Request, event_id: UUID) -> Response:
        """What became of an `add`: its `event_id` is the run that reads it."""
        runs = ExtractionRun.objects.visible_to(actor_of(request)).select_related("conversation", "patient")
        run = runs.filter(pk=event_id).first()
        if run is None:
            raise NotFound("No event with this id is in your care: check the id.")
        record(Event.READ, patient_id=run.patient_id, objects=[run.pk, *run.made], resource=ExtractionRun)
        sent = run.conversation
        ended = run.finished_at.isoformat() if run.finished_at else None
        return Response(
            {
                "id": str(run.pk),
                "event_type": "ADD",
                "status": STATUS[RunState(run.state)],
                "payload": {
                    "user_id": run.patient.external_id,
                    "agent_id": sent.agent_id or None,
                    "run_id": sent.session_id or None,
                    "app_id": sent.app_id or None,
                },
                "metadata": sent.sent_metadata or None,
                "results": _results(run),
                "created_at": run.created_at.isoformat(),
                "updated_at": ended or run.created_at.isoformat(),
                "started_at": run.created_at.isoformat(),
                "completed_at": ended,
                "latency": float(run.milliseconds),
                "graph_status": None,
                "error": run.error or None,
            }
        )


def _results(run: ExtractionRun) -> list[dict[str, Any]]:
    """The memories that a run added, and those that it only heard again; none that was deleted since."""
    keys = [*run.made, *run.reinforced]
    kept = Memory.objects.for_patient(run.patient).filter(deleted_at__isnull=True)
    found = kept.with_details().in_bulk(keys)
    return [
        {
            "id": str(key),
            "memory": with_status(found[key]),
            "data": {"memory": with_status(found[key])},
            "event": "ADD" if key in run.made else "NONE",
        }
        for key in dict.fromkeys(keys)
        if key in found
    ]
