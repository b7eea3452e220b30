"""Who may read the access log and the log of changes: the privacy officer all of it, a clinician of own patients."""

from django.db import migrations

from audit.database import append_only, protect_rows, revoke_change

READERS = (
    "(SELECT homecare_sees_all()) OR (SELECT homecare_has_role('Privacy officer'))"
    " OR (SELECT homecare_has_role('Clinician')) AND {patient} IN (SELECT homecare_visible_patients())"
)

#: A row names the one who writes it, whoever that is.
OWN_NAME = (
    "actor_kind = (SELECT homecare_actor_kind()) AND"
    " (actor_kind IN ('system', 'anonymous') OR actor_id = (SELECT homecare_user_id())::text)"
)


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0002_row_level_security"),
        ("auditlog", "0017_add_actor_email"),
    ]

    operations = [
        protect_rows("audit_accesslog", using=READERS.format(patient="patient_id"), check=OWN_NAME),
        # An entry about a patient is read by whoever may see the patient, and by its author, who may have just
        # registered the patient; anybody who acts may write one.
        protect_rows(
            "auditlog_logentry",
            using=(
                "(SELECT homecare_sees_all()) OR (SELECT homecare_has_role('Privacy officer'))"
                " OR NOT coalesce(additional_data, '{}'::jsonb) ? 'patient'"
                " OR (additional_data ->> 'patient')::uuid IN (SELECT homecare_visible_patients())"
                " OR actor_id = (SELECT homecare_user_id())"
            ),
            check="(SELECT homecare_actor_kind()) <> ''",
        ),
        append_only("auditlog_logentry"),
        revoke_change("auditlog_logentry"),
    ]
