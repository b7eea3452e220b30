"""Memories in shapes that other software reads, so that nobody is locked in. Plain mappings; each export is on record.

What is exported comes back as what it is: an import of it into the same system changes nothing.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import md5
from typing import Any

from audit.models import Event
from audit.recording import record
from memories.choices import VerificationStatus
from memories.fhir.exporting import bundle_of
from memories.models import Memory, Mention
from memories.statements import facts_of
from patients.models import Patient

COLUMNS = (
    *(
        "id",
        "memory",
        "hash",
        "user_id",
        "created_at",
        "updated_at",
        "expiration_date",
        "state",
        "categories",
        "metadata",
    ),
    *("category", "priority", "kind", "verification_status", "clinical_status", "times_said", "last_said_at"),
)
#: What no longer counts, as mem0 calls it; by our status.
STATES = {VerificationStatus.REFUTED: "deleted", VerificationStatus.ENTERED_IN_ERROR: "deleted"}
PATIENTS_BATCH = 500


def export_patient(patient: Patient, form: str) -> str:
    """What is remembered of a patient, in the form "mem0", "jsonl", "csv" or "fhir". Runs inside `acting_as`."""
    return "".join(export([patient], form))


def export(patients: Iterable[Patient], form: str) -> Iterator[str]:
    """The text of an export of these patients, piece by piece; of each there is an entry on record before its words.

    Runs inside `acting_as`. With "fhir", several patients are several bundles, one a line.
    """
    return FORMS[form](patients)


def _mem0(patients: Iterable[Patient]) -> Iterator[str]:
    yield '{"results": ['
    before = "\n"
    for patient in patients:
        for memory in _recorded(patient, counting=True):
            yield before + json.dumps(as_mem0(memory), ensure_ascii=False)
            before = ",\n"
    yield '\n], "relations": []}\n'


def _jsonl(patients: Iterable[Patient]) -> Iterator[str]:
    for patient in patients:
        memories = _recorded(patient)
        words = _words_of(memories)
        for memory in memories:
            row = {**as_row(memory), "details": _details(memory), "mentions": words.get(memory.pk, [])}
            yield json.dumps(row, ensure_ascii=False) + "\n"


def _csv(patients: Iterable[Patient]) -> Iterator[str]:
    yield _line(COLUMNS)
    for patient in patients:
        for memory in _recorded(patient):
            row = as_row(memory)
            structured = {key: json.dumps(row[key], ensure_ascii=False) for key in ("categories", "metadata")}
            yield _line([{**row, **structured}[column] for column in COLUMNS])


def _fhir(patients: Iterable[Patient]) -> Iterator[str]:
    for patient in patients:
        yield json.dumps(bundle_of(patient, _recorded(patient)), ensure_ascii=False) + "\n"


FORMS: dict[str, Callable[[Iterable[Patient]], Iterator[str]]] = {
    "mem0": _mem0,
    "jsonl": _jsonl,
    "csv": _csv,
    "fhir": _fhir,
}


def as_mem0(memory: Memory) -> dict[str, Any]:
    """A memory as mem0's `get_all` answers it. Times that came from another store keep their offsets."""
    kept = memory.metadata.get("mem0", {})
    row = {
        "id": str(memory.pk),
        "memory": memory.content,
        "hash": md5(memory.content.encode(), usedforsecurity=False).hexdigest(),
        "metadata": {"category": memory.category, "priority": memory.priority, **memory.metadata},
        "categories": [memory.category],
        "created_at": kept.get("created_at") or memory.recorded_at.isoformat(),
        "updated_at": kept.get("updated_at") or memory.updated_at.isoformat(),
        "expiration_date": kept.get("expiration_date") or (memory.expires_at and memory.expires_at.isoformat()),
        "user_id": memory.patient.external_id,
    }
    return row | {key: kept[key] for key in ("agent_id", "run_id", "actor_id", "role") if kept.get(key)}


def as_row(memory: Memory) -> dict[str, Any]:
    """A memory with its statuses, in mem0's names where it has names."""
    return as_mem0(memory) | {
        "state": _state(memory),
        "category": memory.category,
        "priority": memory.priority,
        "kind": memory.kind,
        "verification_status": memory.verification_status,
        "clinical_status": memory.clinical_status,
        "times_said": memory.times_said,
        "last_said_at": memory.last_said_at.isoformat(),
    }


def _state(memory: Memory) -> str:
    if memory.deleted_at:
        return "deleted"
    if memory.superseded_by_id:
        return "archived"
    return STATES.get(VerificationStatus(memory.verification_status), "active")


def _recorded(patient: Patient, *, counting: bool = False) -> list[Memory]:
    """The memories of a patient, put on record as exported; `counting`: only what was neither refuted nor replaced."""
    memories = Memory.objects.for_patient(patient).with_details().order_by("recorded_at", "pk")
    found = [memory for memory in memories if not counting or _state(memory) == "active"]
    record(Event.EXPORT, patient_id=patient.pk, objects=[memory.pk for memory in found], resource=Memory)
    return found


def _details(memory: Memory) -> dict[str, Any] | None:
    facts = facts_of(memory)
    return {name: value for name, value in facts.items() if value not in ("", None)} if facts else None


def _words_of(memories: Sequence[Memory]) -> dict[Any, list[dict[str, Any]]]:
    """The words that each memory rests on."""
    spoken: dict[Any, list[dict[str, Any]]] = {}
    mentions = Mention.objects.filter(memory__in=memories).select_related("turn__conversation")
    for mention in mentions.order_by("recorded_at"):
        words = {
            "quote": mention.quote,
            "speaker": mention.speaker,
            "stance": mention.stance,
            "said_at": mention.turn.conversation.said_at.isoformat(),
        }
        spoken.setdefault(mention.memory_id, []).append(words)
    return spoken


def _line(cells: Sequence[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(["" if cell is None else cell for cell in cells])
    return line.getvalue()
