"""`client.get()`, `update()`, `delete()`, `history()`, the batches, `delete_all()` and `feedback()`."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid5

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from audit.models import Event
from audit.recording import record
from memories import actions
from memories.api.mem0.base import Mem0View, checked, patients_of, required_filters, the_memory
from memories.api.mem0.filters import VERDICTS
from memories.api.mem0.recalling import chosen
from memories.api.mem0.shapes import (
    BatchDeleteSerializer,
    BatchUpdateSerializer,
    FeedbackSerializer,
    UpdateSerializer,
    origins_of,
    shown,
)
from memories.choices import CRITICAL_CATEGORIES
from memories.feedback import give_feedback
from memories.history import history_of
from memories.models import Memory
from patients.api import user_of

REASON = "Deleted by a mem0 client."
SCOPES = ("user_id", "agent_id", "run_id", "app_id")


class MemoryView(Mem0View):
    permissions_required = {
        "GET": "memories.view_memory",
        "PUT": "memories.change_memory",
        "DELETE": "memories.change_memory",
    }

    def get(self, request: Request, memory_id: str) -> Response:
        memory = the_memory(request, memory_id)
        record(Event.READ, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory)
        return Response(_shown(memory))

    def put(self, request: Request, memory_id: str) -> Response:
        """Change a memory that is neither an allergy nor a medication: those are for staff to decide about."""
        memory = the_memory(request, memory_id)
        changes = checked(UpdateSerializer, request.data)
        return Response(_shown(actions.edit(memory, by=user_of(request), **changes)))

    def delete(self, request: Request, memory_id: str) -> Response:
        """Take a memory out of every recall; its history stays."""
        actions.delete(the_memory(request, memory_id), by=user_of(request), reason=REASON)
        return Response({"message": "Memory deleted successfully!"})


def _shown(memory: Memory) -> dict[str, Any]:
    return shown(memory, origins_of([memory]).get(memory.pk))


class MemoryHistoryView(Mem0View):
    permissions_required = {"GET": "memories.view_memory"}

    def get(self, request: Request, memory_id: str) -> Response:
        """What became of a memory, oldest first; of a deleted one, too."""
        memory = the_memory(request, memory_id, deleted_too=True)
        record(Event.HISTORY, patient_id=memory.patient_id, objects=[memory.pk], resource=Memory)
        return Response(list(_history(memory)))


def _history(memory: Memory) -> Iterator[dict[str, Any]]:
    """Each change of the memory itself, with its sentence before and after."""
    origin = _shown(memory)
    kept = {name: origin[name] for name in ("user_id", "agent_id", "app_id", "session_id", "categories", "metadata")}
    words = [
        {"role": mention.turn.role, "content": mention.quote} for mention in memory.mentions.select_related("turn")
    ]
    sentence: str | None = None
    for number, change in enumerate(history_of(memory)):
        if change.event not in ("memory created", "memory updated"):
            continue
        before, after = sentence, change.changes.get("content", [None, sentence])[1]
        yield {
            "id": str(uuid5(memory.pk, str(number))),
            "memory_id": str(memory.pk),
            "input": words,
            "old_memory": before,
            "new_memory": after,
            "event": _event(change.event, change.changes),
            **kept,
            "actor": change.actor,
            "changes": change.changes,
            "created_at": memory.recorded_at.isoformat(),
            "updated_at": change.at.isoformat(),
        }
        sentence = after


def _event(event: str, changes: dict[str, Any]) -> str:
    if event == "memory created":
        return "ADD"
    return "DELETE" if {"deleted_at", "superseded_by"} & set(changes) else "UPDATE"


class BatchView(Mem0View):
    """All of a batch, or, when one of it cannot be, nothing."""

    permissions_required = {"PUT": "memories.change_memory", "DELETE": "memories.change_memory"}

    def put(self, request: Request) -> Response:
        entries = checked(BatchUpdateSerializer, request.data)["memories"]
        for entry in entries:
            memory = the_memory(request, entry.pop("memory_id"))
            actions.edit(memory, by=user_of(request), **entry)
        return Response({"message": f"Successfully updated {len(entries)} memories"})

    def delete(self, request: Request) -> Response:
        entries = checked(BatchDeleteSerializer, request.data)["memories"]
        for memory_id in dict.fromkeys(entry["memory_id"] for entry in entries):
            actions.delete(the_memory(request, memory_id), by=user_of(request), reason=REASON)
        return Response({"message": f"Successfully deleted {len(entries)} memories"})


class DeleteAllView(Mem0View):
    permissions_required = {"DELETE": "memories.change_memory"}

    def delete(self, request: Request) -> Response:
        """Take the normal memories of one patient out of every recall, those of an agent or a run if one is named.

        Allergies and medications stay, and so does everybody's history.
        """
        scope = request.query_params.dict()
        if unknown := sorted(set(scope) - set(SCOPES)):
            raise ValidationError(
                f"delete_all() takes {', '.join(SCOPES)} as arguments of their own, and not {', '.join(unknown)[:100]}:"
                " nothing was deleted."
            )
        if "user_id" not in scope:
            raise ValidationError("delete_all() without a user_id would forget everybody: nothing was deleted.")
        filters = required_filters(scope)
        memories = chosen(patients_of(request, filters), filters.condition)
        for memory in memories.exclude(category__in=CRITICAL_CATEGORIES):
            actions.delete(memory, by=user_of(request), reason=REASON)
        kept = memories.critical().count()
        message = "Memories deleted successfully!"
        if kept:
            message = f"Memories deleted, except for allergies and medications ({kept}): staff decide about those."
        return Response({"message": message})


class FeedbackView(Mem0View):
    permissions_required = {"POST": "memories.add_memory"}

    def post(self, request: Request) -> Response:
        """Say how good a memory is. A bad one is put to staff; nothing is changed by it."""
        asked = checked(FeedbackSerializer, request.data)
        memory = the_memory(request, asked["memory_id"])
        verdict, reason = asked["feedback"], asked["feedback_reason"] or ""
        given = give_feedback(
            memory, by=user_of(request), verdict=VERDICTS[verdict] if verdict else None, reason=reason
        )
        return Response({"id": str(given.pk), "feedback": verdict, "feedback_reason": reason or None})
