"""Conversations taken in through the real pipeline."""

from datetime import UTC, datetime

from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.ingestion import carry_out, take_in
from memories.models import ExtractionRun
from patients.models import Patient, User
from tests.conftest import actor_for

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def said(*lines: str) -> list[Utterance]:
    """`"Nurse: Any allergies?"` as utterances; a line without a speaker is a note."""
    utterances = []
    for line in lines:
        speaker, colon, words = line.partition(": ")
        utterances.append(Utterance(speaker, words, role_of(speaker)) if colon else Utterance("", line))
    return utterances


def hear(patient: Patient, by: User, *lines: str, said_at: datetime = MONDAY, source_id: str = "") -> ExtractionRun:
    """Take a conversation in and carry its run out at once, as this user."""
    actor = actor_for(by)
    intake = take_in(
        patient=patient, utterances=said(*lines), by=actor, said_at=said_at, source_id=source_id, inline=True
    )
    return carry_out(run_id=intake.run.pk, patient_id=patient.pk, by=actor)
