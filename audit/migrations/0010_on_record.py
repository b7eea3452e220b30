"""In which transaction an entry was written; and what refuses a change that no entry of its transaction tells of."""

from django.db import migrations

from audit.database import let_owner_decide

# A number that grows with the transactions, whichever server they ran on: `restore` moves on where a new one counts anew.
TRANSACTION = """
CREATE FUNCTION homecare_transaction() RETURNS bigint LANGUAGE sql VOLATILE AS
    $$ SELECT pg_current_xact_id()::text::bigint + 0 $$;
ALTER TABLE audit_accesslog ADD COLUMN transaction bigint NOT NULL DEFAULT homecare_transaction();
ALTER TABLE auditlog_logentry ADD COLUMN transaction bigint NOT NULL DEFAULT homecare_transaction();
CREATE INDEX audit_accesslog_transaction ON audit_accesslog (transaction);
CREATE INDEX auditlog_logentry_transaction ON auditlog_logentry (transaction);
"""

FORGET_TRANSACTION = """
ALTER TABLE auditlog_logentry DROP COLUMN transaction; ALTER TABLE audit_accesslog DROP COLUMN transaction;
DROP FUNCTION homecare_transaction();
"""

# Both run at commit, as the owner, whom FORCE would otherwise keep out of the logs. The owner's own changes are those of
# migrations, and it could take the triggers off.
FUNCTIONS = """
CREATE FUNCTION audit_require_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    ignored text[] := TG_ARGV[3];
    action_of_entry int := CASE TG_OP WHEN 'INSERT' THEN 0 WHEN 'UPDATE' THEN 1 ELSE 2 END;
    unsaid text[];
    said text[];
BEGIN
    IF session_user = current_user THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(column_name) INTO unsaid FROM jsonb_each(after) AS is_now (column_name, value)
        WHERE value IS DISTINCT FROM before -> column_name AND column_name <> ALL (ignored);
        IF unsaid IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    SELECT coalesce(array_agg(field), '{}') INTO said
    FROM auditlog_logentry entry, jsonb_object_keys(entry.changes) AS field
    WHERE entry.object_pk = coalesce(after, before) ->> TG_ARGV[2] AND entry.transaction = homecare_transaction()
      AND entry.action = action_of_entry AND entry.content_type_id =
          (SELECT id FROM django_content_type WHERE app_label = TG_ARGV[0] AND model = TG_ARGV[1]);
    IF cardinality(said) = 0 OR EXISTS (
        SELECT FROM unnest(unsaid) AS column_name
        WHERE column_name <> ALL (said) AND regexp_replace(column_name, '_id$', '') <> ALL (said)
    ) THEN
        RAISE EXCEPTION '%: this % is not on record: save objects one by one', TG_TABLE_NAME, lower(TG_OP)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_require_entry_of_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    touched jsonb := CASE WHEN TG_OP = 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END;
BEGIN
    IF session_user <> current_user AND NOT EXISTS (
        SELECT FROM auditlog_logentry entry
        WHERE entry.object_pk = touched ->> TG_ARGV[2]
          AND entry.transaction = homecare_transaction() AND entry.changes ? TG_ARGV[3] AND entry.content_type_id =
              (SELECT id FROM django_content_type WHERE app_label = TG_ARGV[0] AND model = TG_ARGV[1])
    ) THEN
        RAISE EXCEPTION '%: this % is not on record: set it through its object', TG_TABLE_NAME, lower(TG_OP)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION audit_require_access() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    patient uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.patient_id ELSE NEW.patient_id END;
BEGIN
    IF session_user <> current_user AND NOT EXISTS (
        SELECT FROM audit_accesslog entry
        WHERE entry.transaction = homecare_transaction() AND entry.patient_id = patient
    ) THEN
        RAISE EXCEPTION '%: this % is not on record: record the access to the patient', TG_TABLE_NAME, lower(TG_OP)
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
"""

DROP_FUNCTIONS = """
DROP FUNCTION audit_require_access(); DROP FUNCTION audit_require_entry_of_link(); DROP FUNCTION audit_require_entry();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0030_mcp_door"), ("auditlog", "0017_add_actor_email")]

    operations = [
        migrations.RunSQL(TRANSACTION, FORGET_TRANSACTION),
        let_owner_decide("audit_accesslog"),
        let_owner_decide("auditlog_logentry"),
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
    ]
