from collections.abc import Sequence
from dataclasses import dataclass

from audit.actors import Actor, Door, acting_as, system_actor
from audit.models import Event
from audit.recording import record
from memories.demonstration.cast import Part, Scene
from memories.ingestion import carry_out_now, take_in
from memories.models import ExtractionRun
from patients.models import CareAssignment, Patient, User
from patients.roles import Role

NURSE = "nurse"


class NotReady(Exception):
    """Why the demonstration cannot be told; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Staged:
    """A part once its patient exists and its conversations have gone through the pipeline."""

    part: Part
    patient: Patient
    runs: Sequence[ExtractionRun]


def stage(part: Part) -> tuple[Actor, Staged]:
    """Say everything of a part to the product, as the nurse whom the patient is assigned to. Idempotent.

    Returns the nurse too. Raises `NotReady`.
    """
    with acting_as(system_actor("demonstration")):
        nurse = _nurse()
        patient = _patient_of(nurse, part)
        actor = nurse.as_actor(door=Door.COMMAND)
    runs = [_say(scene, patient, actor) for scene in part.scenes]
    return actor, Staged(part, patient, runs)


def _nurse() -> User:
    nurse = User.objects.filter(username=NURSE, groups__name=Role.CLINICIAN).first()
    if nurse is None:
        raise NotReady(f"There is no clinician called {NURSE}: run `manage.py bootstrap` first.")
    return nurse


def _patient_of(nurse: User, part: Part) -> Patient:
    patient, is_new = Patient.objects.get_or_create(external_id=part.external_id, defaults=part.identity)
    if is_new:
        record(Event.CREATE, patient_id=patient.pk, objects=[patient.pk], resource=Patient)
    if patient.family_name != part.identity["family_name"]:
        raise NotReady(f"The id {part.external_id} is another patient's here: the demonstration needs it for its own.")
    if not CareAssignment.objects.current().filter(user=nurse, patient=patient).exists():
        CareAssignment.objects.create(user=nurse, patient=patient, role=Role.CLINICIAN)
    return patient


def _say(scene: Scene, patient: Patient, actor: Actor) -> ExtractionRun:
    intake = take_in(
        patient=patient,
        utterances=scene.utterances,
        by=actor,
        said_at=scene.said_at,
        title=scene.title,
        source="demonstration",
        source_id=scene.source_id,
        inline=True,
    )
    return carry_out_now(intake, by=actor)
