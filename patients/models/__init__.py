from patients.models.access import AccessKey, CareAssignment, EmergencyAccess, KeyUse
from patients.models.patient import KnownAllergies, Patient, PatientQuerySet
from patients.models.teams import CareTeam, TeamMember, TeamPatient
from patients.models.user import User

__all__ = [
    "AccessKey",
    "CareAssignment",
    "CareTeam",
    "EmergencyAccess",
    "KeyUse",
    "KnownAllergies",
    "Patient",
    "PatientQuerySet",
    "TeamMember",
    "TeamPatient",
    "User",
]
