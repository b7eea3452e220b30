"""What the browser tests are about: one patient, what was said about her, and the people around her."""

from dataclasses import dataclass
from datetime import timedelta

from memories.ingestion import give_up, take_in
from memories.models import Conversation
from patients.models import CareAssignment, Patient, User
from patients.roles import Role
from tests.conftest import actor_for, directing, person
from tests.memories.talk import MONDAY, hear, said

FIRST_VISIT = (
    "Nurse: Good morning, Mrs. Hale. Any allergies I should know of?",
    "Patient: Penicillin. I came out in hives all over when I was forty.",
    "Nurse: And what do you take every day?",
    "Patient: Lisinopril, ten milligrams every morning. And metformin 500 mg twice a day with food.",
    "Nurse: How did you sleep?",
    "Patient: Badly, my knee hurt all night. And please, no visits before nine, I'm not a morning person.",
    "Nurse: You see Dr. Okafor on March 12th at 10 am, don't forget.",
)
SECOND_VISIT = (
    "Carl: She told me she is not allergic to penicillin after all, she had amoxicillin last winter.",
    "Carl: She seemed dizzy when she got up this morning, blood pressure 102/60.",
)


@dataclass(frozen=True, slots=True)
class Story:
    nora: User
    carl: User
    uma: User
    paula: User
    adam: User
    mrs_hale: Patient


def tell() -> Story:
    """The cast, and two visits read by the real pipeline. Uma, a nurse too, cares for somebody else."""
    with directing():
        nora, uma = person("nora", Role.CLINICIAN), person("uma", Role.CLINICIAN)
        carl, paula = person("carl", Role.CAREGIVER), person("paula", Role.PRIVACY_OFFICER)
        adam = person("adam", Role.ADMINISTRATOR)
        patient = Patient.objects.create(
            external_id="patient_123", given_name="Edith", family_name="Hale", birth_date="1941-06-02"
        )
        CareAssignment.objects.create(user=nora, patient=patient, role=Role.CLINICIAN)
        CareAssignment.objects.create(user=carl, patient=patient, role=Role.CAREGIVER)
    hear(patient, nora, *FIRST_VISIT)
    hear(patient, carl, *SECOND_VISIT, said_at=MONDAY + timedelta(days=3))
    _fail_to_read(patient, carl)
    return Story(nora, carl, uma, paula, adam, patient)


def _fail_to_read(patient: Patient, by: User) -> Conversation:
    actor = actor_for(by)
    intake = take_in(
        patient=patient, utterances=said("She asked for the window to be left open."), by=actor, title="Short note"
    )
    give_up(run_id=intake.run.pk, patient_id=patient.pk, by=actor, reason="the language model did not answer")
    return intake.conversation
