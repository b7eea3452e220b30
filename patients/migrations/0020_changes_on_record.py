"""No change of people, patients and care relations without an entry of the log, whichever way it is written."""

from django.db import migrations

from audit.database import links_on_record, on_record


class Migration(migrations.Migration):
    dependencies = [("patients", "0014_care_team_rules"), ("audit", "0010_on_record")]

    operations = [
        on_record("patients_patient", model="patients.patient", ignoring="updated_at"),
        on_record("patients_user", model="patients.user", ignoring="last_login"),
        on_record("patients_careassignment", model="patients.careassignment"),
        on_record("patients_careteam", model="patients.careteam"),
        on_record("patients_teammember", model="patients.teammember"),
        on_record("patients_teampatient", model="patients.teampatient"),
        on_record("patients_emergencyaccess", model="patients.emergencyaccess"),
        on_record("patients_accesskey", model="patients.accesskey"),
        links_on_record("patients_user_groups", model="patients.user", key="user_id", field="groups"),
        links_on_record(
            "patients_accesskey_patients", model="patients.accesskey", key="accesskey_id", field="patients"
        ),
        links_on_record("patients_accesskey_teams", model="patients.accesskey", key="accesskey_id", field="teams"),
    ]
