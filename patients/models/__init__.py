from patients.models.access import AccessKey, CareAssignment, EmergencyAccess
from patients.models.patient import KnownAllergies, Patient, PatientQuerySet
from patients.models.user import User

__all__ = [
    "AccessKey",
    "CareAssignment",
    "EmergencyAccess",
    "KnownAllergies",
    "Patient",
    "PatientQuerySet",
    "User",
]
