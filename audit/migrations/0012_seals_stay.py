"""Seals and purges are only added; an entry of the log is taken out by the owner alone, after six years, off hold."""

from django.db import migrations

from audit.database import append_only, protect_rows, revoke_change

# As `homecare_refuse_change`, but for an owner who says that it purges.
RETENTION = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('homecare.purging', true) = 'on'
       AND current_user = (SELECT relowner::regrole::name FROM pg_class WHERE oid = TG_RELID)
       AND (to_jsonb(OLD) ->> TG_ARGV[0])::timestamptz < now() - interval '6 years'
       AND NOT EXISTS (
           SELECT FROM audit_legalhold WHERE lifted_at IS NULL AND (patient_id IS NULL OR patient_id::text =
               coalesce(to_jsonb(OLD) ->> 'patient_id', to_jsonb(OLD) #>> '{additional_data,patient}')))
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER audit_accesslog_append_only ON audit_accesslog;
CREATE TRIGGER audit_accesslog_append_only BEFORE UPDATE OR DELETE ON audit_accesslog
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change('recorded_at');
DROP TRIGGER auditlog_logentry_append_only ON auditlog_logentry;
CREATE TRIGGER auditlog_logentry_append_only BEFORE UPDATE OR DELETE ON auditlog_logentry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change('timestamp');
"""

FOREVER = """
DROP TRIGGER auditlog_logentry_append_only ON auditlog_logentry;
CREATE TRIGGER auditlog_logentry_append_only BEFORE UPDATE OR DELETE ON auditlog_logentry
    FOR EACH ROW EXECUTE FUNCTION homecare_refuse_change();
DROP TRIGGER audit_accesslog_append_only ON audit_accesslog;
CREATE TRIGGER audit_accesslog_append_only BEFORE UPDATE OR DELETE ON audit_accesslog
    FOR EACH ROW EXECUTE FUNCTION homecare_refuse_change();
DROP FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_seals"), ("patients", "0003_access_log_readers")]

    operations = [
        append_only("audit_seal"),
        revoke_change("audit_seal"),
        append_only("audit_purge"),
        revoke_change("audit_purge", "INSERT, UPDATE, DELETE, TRUNCATE"),
        revoke_change("audit_legalhold", "INSERT, UPDATE, DELETE, TRUNCATE"),
        protect_rows(
            "audit_legalhold",
            using="(SELECT homecare_sees_all()) OR (SELECT homecare_has_role('Privacy officer'))",
        ),
        # The owner places and lifts holds, and the trigger below must see them whatever a session says of its actor.
        migrations.RunSQL(
            "CREATE POLICY audit_legalhold_owner ON audit_legalhold TO CURRENT_USER USING (true) WITH CHECK (true);",
            "DROP POLICY audit_legalhold_owner ON audit_legalhold;",
        ),
        migrations.RunSQL(RETENTION, FOREVER),
    ]
