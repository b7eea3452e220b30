"""Whom the members of a care team see, as the database knows it; and who may make a key for whom."""

from importlib import import_module

from django.db import migrations

from audit.database import let_owner_decide, limit_writes, protect_rows

# As in 0002, with care teams beside direct assignments, and keys for care teams.
VISIBLE_PATIENTS = """
CREATE OR REPLACE FUNCTION homecare_visible_patients() RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT homecare_patient_id() WHERE homecare_actor_kind() = 'system' AND homecare_patient_id() IS NOT NULL
    UNION ALL
    SELECT cared_for.patient_id
    FROM (
        SELECT patient_id FROM patients_careassignment
        WHERE user_id = (SELECT homecare_user_id()) AND starts_at <= clock_timestamp()
        AND (ends_at IS NULL OR ends_at > clock_timestamp())
        UNION ALL
        SELECT shared.patient_id FROM patients_teammember belongs JOIN patients_teampatient shared USING (team_id)
        WHERE belongs.user_id = (SELECT homecare_user_id()) AND belongs.starts_at <= clock_timestamp()
        AND (belongs.ends_at IS NULL OR belongs.ends_at > clock_timestamp())
        AND shared.starts_at <= clock_timestamp() AND (shared.ends_at IS NULL OR shared.ends_at > clock_timestamp())
        UNION ALL
        SELECT patient_id FROM patients_emergencyaccess
        WHERE user_id = (SELECT homecare_user_id()) AND granted_at <= clock_timestamp() AND until > clock_timestamp()
    ) cared_for
    WHERE (SELECT homecare_actor_kind()) = 'user'
       OR (SELECT homecare_actor_kind()) = 'key' AND (
            (SELECT all_patients FROM patients_accesskey WHERE id = homecare_key_id())
            OR cared_for.patient_id IN (
                SELECT patient_id FROM patients_accesskey_patients WHERE accesskey_id = (SELECT homecare_key_id())
                UNION ALL
                SELECT shared.patient_id
                FROM patients_accesskey_teams named JOIN patients_teampatient shared ON shared.team_id = named.careteam_id
                WHERE named.accesskey_id = (SELECT homecare_key_id()) AND shared.starts_at <= clock_timestamp()
                AND (shared.ends_at IS NULL OR shared.ends_at > clock_timestamp())))
$$;
"""
BEFORE = import_module("patients.migrations.0002_row_level_security").VISIBLE_PATIENTS.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)

ADMINISTRATOR = "(SELECT homecare_sees_all()) OR (SELECT homecare_has_role('Administrator'))"
OWN = "user_id = (SELECT homecare_user_id())"

#: A key is made by the one it stands for, so that nobody else learns the token. Programs have no hands: an
#: administrator makes theirs, for users who are an agent and nothing else.
OWN_KEY = (
    f"(SELECT homecare_sees_all()) OR {OWN} OR (SELECT homecare_has_role('Administrator'))"
    " AND (SELECT array_agg(role.name::text) FROM patients_user_groups held JOIN auth_group role ON role.id = held.group_id"
    " WHERE held.user_id = patients_accesskey.user_id) = ARRAY['Agent']"
)


class Migration(migrations.Migration):
    dependencies = [("patients", "0013_care_teams")]

    operations = [
        migrations.RunSQL(VISIBLE_PATIENTS, BEFORE),
        protect_rows("patients_teammember", using=f"{ADMINISTRATOR} OR {OWN}", check=ADMINISTRATOR),
        let_owner_decide("patients_teammember"),
        protect_rows(
            "patients_careteam",
            using=f"{ADMINISTRATOR} OR id IN (SELECT team_id FROM patients_teammember)",
            check=ADMINISTRATOR,
        ),
        protect_rows(
            "patients_teampatient",
            using=f"{ADMINISTRATOR} OR patient_id IN (SELECT homecare_visible_patients())",
            check=ADMINISTRATOR,
        ),
        let_owner_decide("patients_teampatient"),
        protect_rows("patients_accesskey", using=f"{ADMINISTRATOR} OR {OWN}"),
        limit_writes("patients_accesskey", "INSERT", check=OWN_KEY),
        limit_writes("patients_accesskey", "UPDATE", check=f"{OWN_KEY} OR revoked_at IS NOT NULL"),
        let_owner_decide("patients_accesskey"),
        protect_rows(
            "patients_accesskey_teams",
            using=f"{ADMINISTRATOR} OR accesskey_id IN (SELECT id FROM patients_accesskey)",
        ),
        let_owner_decide("patients_accesskey_teams"),
    ]
