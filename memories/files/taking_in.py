"""A file becomes conversations, and stays on record as it was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import PurePath

from audit.actors import Actor, acting_as
from audit.models import Event
from audit.recording import record
from memories.files.opening import Opened
from memories.ingestion import Intake, take_in
from memories.models import SourceFile
from memories.remembering import lock_patient
from patients.models import Patient

SOURCE = "file"


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A file on record, and its conversations. `is_new` is False if these bytes were sent for this patient before."""

    file: SourceFile
    intakes: Sequence[Intake]
    is_new: bool


def take_in_file(
    opened: Opened,
    content: bytes,
    *,
    name: str,
    patient: Patient,
    by: Actor,
    said_at: datetime | None = None,
    title: str = "",
) -> TakenIn:
    """Store the file and what it says, all or nothing; each conversation is read in the background.

    Raises `ConversationRefused`.
    """
    digest = sha256(content).hexdigest()
    name = plain_name(name)
    with acting_as(by):
        lock_patient(patient.pk)
        file, is_new = SourceFile.objects.get_or_create(
            patient=patient,
            sha256=digest,
            defaults={
                "name": name,
                "media_type": opened.media_type,
                "size": len(content),
                "content": content,
                "recorded_by_id": int(by.id) if by.is_identified else None,
            },
        )
        file.patient = patient
        event = Event.CREATE if is_new else Event.READ
        record(event, patient_id=patient.pk, objects=[file.pk], resource=SourceFile)
        intakes = [
            take_in(
                patient=patient,
                utterances=conversation.utterances,
                by=by,
                said_at=conversation.said_at or said_at,
                title=title or conversation.title or name,
                source=SOURCE,
                source_id=conversation.source_id,
                file=file,
            )
            for conversation in opened.conversations
        ]
    return TakenIn(file, intakes, is_new)


def plain_name(name: str) -> str:
    """A file's name without folders and without what is no text."""
    last = PurePath(name.replace("\\", "/")).name
    bare = "".join(character for character in last if character.isprintable())
    return bare[-200:].strip() or "file"
