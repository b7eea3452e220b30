"""Who takes emergency access, and who reviews it: a clinician for themselves, a privacy officer for somebody else."""

from django.db import migrations

from audit.database import limit_writes
from patients.role_groups import roles_as_groups

SYSTEM = "(SELECT homecare_sees_all())"
OFFICER = "(SELECT homecare_has_role('Privacy officer'))"
OWN = "user_id = (SELECT homecare_user_id())"
BEFORE = (
    f"{SYSTEM} OR (SELECT homecare_has_role('Administrator')) OR {OWN}"
    " OR patient_id IN (SELECT homecare_visible_patients())"
)
NOW = f"{SYSTEM} OR {OFFICER} OR {OWN}"

ALTER = "ALTER POLICY patients_emergencyaccess_visible ON patients_emergencyaccess USING ({0}) WITH CHECK ({0});"


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0015_emergency_review"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auditlog", "0017_add_actor_email"),
    ]

    operations = [
        migrations.RunSQL(ALTER.format(NOW), ALTER.format(BEFORE)),
        limit_writes(
            "patients_emergencyaccess",
            "INSERT",
            check=f"{SYSTEM} OR (SELECT homecare_has_role('Clinician')) AND {OWN} AND reviewed_at IS NULL",
        ),
        limit_writes(
            "patients_emergencyaccess",
            "UPDATE",
            check=f"{SYSTEM} OR {OFFICER} AND NOT {OWN} AND reviewed_by_id = (SELECT homecare_user_id())",
        ),
        roles_as_groups(),
    ]
