"""The words that memories are described with.

Statuses use FHIR R4's codes (AllergyIntolerance, MedicationStatement, Condition), so that nothing
is translated on the way in or out.
"""

from django.db.models import TextChoices


class Category(TextChoices):
    ALLERGY = "allergy"
    MEDICATION = "medication"
    MEDICAL_HISTORY = "medical_history"
    PREFERENCE = "preference"
    OBSERVATION = "observation"
    APPOINTMENT = "appointment"


#: What a clinician reviews before it counts as true.
CRITICAL_CATEGORIES = (Category.ALLERGY, Category.MEDICATION)


class Priority(TextChoices):
    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"


class Kind(TextChoices):
    SEMANTIC = "semantic", "Fact"
    EPISODIC = "episodic", "Event"
    PROCEDURAL = "procedural", "Instruction"


class Scope(TextChoices):
    PATIENT = "patient"
    CONVERSATION = "conversation"
    AGENT = "agent"


class VerificationStatus(TextChoices):
    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"


class ClinicalStatus(TextChoices):
    ACTIVE = "active"
    INACTIVE = "inactive"
    RESOLVED = "resolved"


class MedicationStatus(TextChoices):
    """FHIR R4 MedicationStatement.status, as far as speech can say it."""

    ACTIVE = "active"
    INTENDED = "intended", "Planned"
    STOPPED = "stopped"
    NOT_TAKEN = "not-taken", "Not taken"
    UNKNOWN = "unknown"


class AllergyAssertion(TextChoices):
    """What an allergy statement asserts: one substance, or the absence of any (SNOMED 716186003, 409137002)."""

    SUBSTANCE = "substance"
    NONE_KNOWN = "no-known-allergies", "No known allergies"
    NO_DRUG_KNOWN = "no-known-drug-allergies", "No known drug allergies"


class Severity(TextChoices):
    """FHIR R4 AllergyIntolerance.reaction.severity."""

    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


class SpeakerRole(TextChoices):
    PATIENT = "patient"
    CAREGIVER = "caregiver"
    CLINICIAN = "clinician"
    AGENT = "agent"
    UNKNOWN = "unknown"
