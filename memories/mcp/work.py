"""What the tools and resources do: each one domain call as its caller, on record."""

from collections.abc import Sequence
from typing import Any

from audit.actors import acting_as
from audit.models import Event
from audit.recording import record, record_each
from memories.choices import Category
from memories.context import build_context
from memories.embedding import prepare_query
from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.ingestion import take_in
from memories.mcp.answers import (
    ContextAnswer,
    FoundMemory,
    Kept,
    OpenTask,
    PatientInCare,
    PatientsInCare,
    ReviewTasks,
    SearchAnswer,
    Turn,
)
from memories.mcp.callers import Caller
from memories.models import Memory, ReviewTask
from memories.prompting import with_status
from memories.search import SearchFilters, search
from memories.summary import Summary, summarise
from patients.models import Patient

SOURCE = "mcp"
MOST_PATIENTS = 200


def list_patients(caller: Caller) -> PatientsInCare:
    caller.require("patients.view_patient")
    with acting_as(caller.actor):
        patients = Patient.objects.visible_to(caller.actor)
        shown = list(patients[:MOST_PATIENTS])
        record_each(Event.LIST, {patient.pk: [patient.pk] for patient in shown} or {None: []}, resource=Patient)
        named = [PatientInCare(patient_id=patient.external_id, name=patient.name) for patient in shown]
        return PatientsInCare(patients=named, total=patients.count())


def search_memories(
    caller: Caller, patient_id: str, query: str, *, limit: int, categories: Sequence[Category]
) -> SearchAnswer:
    caller.require("memories.view_memory")
    prepare_query(query)
    with acting_as(caller.actor):
        patient = caller.patient(patient_id)
        result = search(patient=patient, query=query, limit=limit, filters=SearchFilters(category=categories))
        found = [hit.memory.pk for hit in result.hits]
        record(Event.SEARCH, patient_id=patient.pk, objects=found, resource=Memory, query=query)
    return SearchAnswer(results=[FoundMemory.of(hit) for hit in result.hits], note=result.degraded)


def get_patient_context(caller: Caller, patient_id: str, question: str, *, token_budget: int | None) -> ContextAnswer:
    caller.require("memories.view_memory")
    if question:
        prepare_query(question)
    with acting_as(caller.actor):
        patient = caller.patient(patient_id)
        context = build_context(patient, query=question, token_budget=token_budget)
        shown = context.memory_ids.values()
        record(Event.READ, patient_id=patient.pk, objects=shown, resource=Memory, query=context.query)
    ids = {short: str(key) for short, key in context.memory_ids.items()}
    return ContextAnswer(text=context.text, memory_ids=ids, tokens=context.tokens, note=context.note)


def add_conversation(caller: Caller, patient_id: str, turns: Sequence[Turn], **sent: Any) -> Kept:
    """Store what was said; a worker reads it."""
    caller.require("memories.add_conversation", reads=False)
    with acting_as(caller.actor):
        patient = caller.patient(patient_id)
    utterances = [Utterance(turn.role, turn.content, role_of(turn.role)) for turn in turns]
    run = take_in(patient=patient, utterances=utterances, by=caller.actor, source=SOURCE, **sent).run
    return Kept(conversation_id=str(run.conversation_id), state=run.state, memory_ids=[str(key) for key in run.made])


def list_review_tasks(caller: Caller, patient_id: str, *, limit: int) -> ReviewTasks:
    caller.require("memories.view_reviewtask")
    with acting_as(caller.actor):
        tasks = ReviewTask.objects.visible_to(caller.actor).open().by_urgency()
        if patient_id:
            tasks = tasks.for_patient(caller.patient(patient_id))
        shown = list(tasks.select_related("patient", "memory__allergy", "memory__medication")[:limit])
        by_patient: dict[Any, list[object]] = {}
        for task in shown:
            by_patient.setdefault(task.patient_id, []).append(task.pk)
        record_each(Event.LIST, by_patient or {None: []}, resource=ReviewTask)
        return ReviewTasks(tasks=[OpenTask.of(task) for task in shown], total=tasks.count())


# --- resources -------------------------------------------------------------------------------------------------------


def patient_summary(caller: Caller, patient_id: str) -> dict[str, Any]:
    """A patient at a glance."""
    caller.require("memories.view_memory")
    with acting_as(caller.actor):
        patient = caller.patient(patient_id)
        summary = summarise(patient)
        record(Event.SUMMARY, patient_id=patient.pk, objects=summary.shown, resource=Memory)
        return _as_read(summary)


def _as_read(summary: Summary) -> dict[str, Any]:
    return {
        "patient_id": summary.patient.external_id,
        "summary": summary.narrative.text,
        "known_allergies": summary.patient.get_known_allergies_status_display(),
        "allergies_and_medications": [with_status(item) for item in summary.critical_items],
        "recent_observations": [item.content for item in summary.recent_observations],
        "upcoming_appointments": [item.content for item in summary.upcoming_appointments],
        "memories_by_category": summary.memories_by_category,
        "open_review_tasks": summary.open_review_tasks,
    }
