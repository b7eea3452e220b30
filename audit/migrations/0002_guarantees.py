"""Rights of the application role, and an access log that only grows."""

from django.db import migrations

from audit.database import append_only, grant_to_application, revoke_change

FUNCTIONS = """
CREATE FUNCTION homecare_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION homecare_actor_kind() RETURNS text LANGUAGE sql STABLE AS
    $$ SELECT coalesce(current_setting('homecare.actor_kind', true), '') $$;

CREATE FUNCTION homecare_user_id() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('homecare.user_id', true), '')::bigint $$;

CREATE FUNCTION homecare_key_id() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('homecare.key_id', true), '')::uuid $$;

CREATE FUNCTION homecare_patient_id() RETURNS uuid LANGUAGE sql STABLE AS
    $$ SELECT nullif(current_setting('homecare.patient_id', true), '')::uuid $$;

CREATE FUNCTION homecare_has_role(role text) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT role = ANY (string_to_array(coalesce(current_setting('homecare.roles', true), ''), ',')) $$;

CREATE FUNCTION homecare_sees_all() RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT homecare_actor_kind() = 'system' AND homecare_patient_id() IS NULL $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION homecare_sees_all(); DROP FUNCTION homecare_has_role(text); DROP FUNCTION homecare_patient_id();
DROP FUNCTION homecare_key_id(); DROP FUNCTION homecare_user_id(); DROP FUNCTION homecare_actor_kind();
DROP FUNCTION homecare_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        grant_to_application(),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        append_only("audit_accesslog"),
        revoke_change("audit_accesslog"),
        revoke_change("django_migrations", "INSERT, UPDATE, DELETE, TRUNCATE"),
    ]
