"""The roles that people and programs act in. Each is a Django group of this name, made by a migration."""

from django.db.models import TextChoices


class Role(TextChoices):
    CAREGIVER = "Caregiver"
    CLINICIAN = "Clinician"
    PRIVACY_OFFICER = "Privacy officer"
    ADMINISTRATOR = "Administrator"
    AGENT = "Agent"


#: A key is made by the one it stands for; an administrator makes those of agents, and revokes any.
OWN_KEYS = ("patients.view_accesskey", "patients.add_accesskey", "patients.change_accesskey")

#: What each role may do, as Django permissions. Which patients it may do it to is the care team's matter.
PERMISSIONS: dict[Role, tuple[str, ...]] = {
    Role.CAREGIVER: (
        "patients.view_patient",
        "memories.view_conversation",
        "memories.add_conversation",
        "memories.view_memory",
        "memories.add_memory",
        "memories.view_extractionrun",
        *OWN_KEYS,
    ),
    Role.CLINICIAN: (
        "patients.view_patient",
        "patients.add_patient",
        "patients.change_patient",
        "patients.view_careassignment",
        "memories.view_conversation",
        "memories.add_conversation",
        "memories.view_memory",
        "memories.add_memory",
        "memories.change_memory",
        "memories.review_memory",
        "memories.export_memory",
        "memories.view_reviewtask",
        "memories.change_reviewtask",
        "memories.view_extractionrun",
        "memories.change_extractionrun",
        "audit.view_accesslog",
        "patients.view_emergencyaccess",
        "patients.add_emergencyaccess",
        *OWN_KEYS,
    ),
    Role.PRIVACY_OFFICER: (
        "audit.view_accesslog",
        "auditlog.view_logentry",
        "patients.view_emergencyaccess",
        "patients.change_emergencyaccess",
    ),
    Role.ADMINISTRATOR: (
        "patients.view_user",
        "patients.add_user",
        "patients.change_user",
        "patients.view_careassignment",
        "patients.add_careassignment",
        "patients.change_careassignment",
        "patients.view_careteam",
        "patients.add_careteam",
        "patients.change_careteam",
        "patients.view_teammember",
        "patients.add_teammember",
        "patients.change_teammember",
        "patients.view_teampatient",
        "patients.add_teampatient",
        "patients.change_teampatient",
        *OWN_KEYS,
        "memories.view_import",
        "memories.add_import",
    ),
    Role.AGENT: (
        "patients.view_patient",
        "memories.view_conversation",
        "memories.add_conversation",
        "memories.view_memory",
        "memories.add_memory",
    ),
}
