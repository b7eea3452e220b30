"""Runs the product's pipeline on dialogues whose facts are known elsewhere. Never reads the facts, nor the note."""

from collections.abc import Iterable, Iterator
from typing import Any

from audit.actors import acting_as, system_actor
from memories.choices import AllergyAssertion, Category, MedicationStatus
from memories.extraction.candidates import Utterance
from memories.extraction.reading import role_of
from memories.ingestion import carry_out, take_in
from memories.models import Memory
from patients.models import Patient

EVALUATION = system_actor("evaluation")
#: What the dialogues' annotation calls the statuses of a medication.
STATUS_WORDS = {
    MedicationStatus.ACTIVE: "active",
    MedicationStatus.INTENDED: "planned",
    MedicationStatus.STOPPED: "stopped",
    MedicationStatus.NOT_TAKEN: "negated",
    MedicationStatus.UNKNOWN: "active",
}


def evaluate_extraction(items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What each dialogue is remembered as: `{"id", "allergies", "medications", "conditions", "no_known_…"}`.

    An item is `{"id", "utterances": [{"speaker", "text"}]}`. Each is one conversation of a patient of its own.
    """
    for item in items:
        with acting_as(EVALUATION):
            patient = Patient.objects.create(external_id=f"evaluated-{item['id']}")
        actor = system_actor("evaluation", patient_id=patient.pk)
        utterances = [Utterance(said["speaker"], said["text"], role_of(said["speaker"])) for said in item["utterances"]]
        run = take_in(patient=patient, utterances=utterances, by=actor, source="evaluation", inline=True).run
        carry_out(run_id=run.pk, patient_id=patient.pk, by=actor)
        with acting_as(actor):
            memories = list(Memory.objects.for_patient(patient).live().with_details().order_by("recorded_at"))
        yield {"id": item["id"], **_prediction(memories)}


def _prediction(memories: list[Memory]) -> dict[str, Any]:
    of = {category: [memory for memory in memories if memory.category == category] for category in Category}
    allergies = [memory.allergy for memory in of[Category.ALLERGY]]
    asserted = {allergy.assertion for allergy in allergies}
    return {
        "allergies": [
            {"substance": allergy.substance, "reaction": allergy.reaction}
            for allergy in allergies
            if allergy.assertion == AllergyAssertion.SUBSTANCE
        ],
        "medications": [
            {
                "name": memory.medication.drug,
                "dose": memory.medication.dose,
                "status": STATUS_WORDS[MedicationStatus(memory.medication.status)],
            }
            for memory in of[Category.MEDICATION]
        ],
        "conditions": [
            {"name": memory.metadata.get("said_as", memory.about)} for memory in of[Category.MEDICAL_HISTORY]
        ],
        "no_known_allergies": AllergyAssertion.NONE_KNOWN in asserted,
        "no_known_drug_allergies": AllergyAssertion.NO_DRUG_KNOWN in asserted,
    }
