"""What a patient's allergies are known to be as a whole: asserted by a person, revoked by what speaks against it.

A patient's status rests on a live confirmed memory, or it is "unknown": never inferred, and never left standing when
what it rested on is gone.
"""

from django.utils import timezone

from memories.choices import AllergyAssertion, Category, VerificationStatus
from memories.facts import is_contradicted
from memories.models import Memory
from patients.models import KnownAllergies, Patient, User

KNOWN_FIELDS = [
    "known_allergies_status",
    "known_allergies_asserted_by",
    "known_allergies_asserted_at",
    "updated_at",
]
STATUS = {
    AllergyAssertion.SUBSTANCE: KnownAllergies.LISTED,
    AllergyAssertion.NONE_KNOWN: KnownAllergies.NONE_KNOWN,
    AllergyAssertion.NO_DRUG_KNOWN: KnownAllergies.NO_DRUG_KNOWN,
}


def contradicting(memory: Memory) -> list[Memory]:
    """The live allergies that speak against a statement that there are none."""
    live = Memory.objects.for_patient(memory.patient).live().filter(category=Category.ALLERGY).with_details()
    return [other for other in live if is_contradicted(memory.allergy.assertion, other.allergy)]


def has_lapsed(memory: Memory) -> bool:
    """Whether it is a confirmed "no known allergies" that no longer stands: it can be confirmed anew."""
    if memory.category != Category.ALLERGY or memory.verification_status != VerificationStatus.CONFIRMED:
        return False
    asserted = STATUS[AllergyAssertion(memory.allergy.assertion)]
    return asserted not in (KnownAllergies.LISTED, memory.patient.known_allergies_status)


def assert_known(memory: Memory, *, by: User) -> None:
    """Make a confirmed statement about allergies the patient's own, attributed and dated."""
    patient = memory.patient
    patient.known_allergies_status = STATUS[AllergyAssertion(memory.allergy.assertion)]
    patient.known_allergies_asserted_by, patient.known_allergies_asserted_at = by, timezone.now()
    patient.save(update_fields=KNOWN_FIELDS)


def revoke_contradicted(memory: Memory) -> None:
    """Somebody asserted that there are no allergies, and one was said since: the assertion no longer stands."""
    if is_contradicted(memory.patient.known_allergies_status, memory.allergy):
        _revoke(memory.patient)


def revoke_unless_confirmed(patient: Patient) -> None:
    """A statement about allergies has been retired: without another confirmed one the status is unknown again."""
    confirmed = (
        Memory.objects.for_patient(patient)
        .live()
        .filter(category=Category.ALLERGY, verification_status=VerificationStatus.CONFIRMED)
    )
    statuses = {STATUS[AllergyAssertion(said)] for said in confirmed.values_list("allergy__assertion", flat=True)}
    patient.refresh_from_db(fields=["known_allergies_status"])
    if patient.known_allergies_status not in {KnownAllergies.UNKNOWN, *statuses}:
        _revoke(patient)


def _revoke(patient: Patient) -> None:
    patient.known_allergies_status = KnownAllergies.UNKNOWN
    patient.known_allergies_asserted_by = patient.known_allergies_asserted_at = None
    patient.save(update_fields=KNOWN_FIELDS)
