"""What the database itself holds to: words that stay, statuses that only a clinician changes, rows by patient."""

from django.db import migrations

from audit.database import append_only, protect_patient_rows, revoke_change

SEARCH_LAYOUT = """
DO $$ BEGIN EXECUTE (
    SELECT 'ALTER TABLE memories_memoryindex DROP CONSTRAINT ' || quote_ident(conname)
    FROM pg_constraint WHERE conrelid = 'memories_memoryindex'::regclass AND contype = 'p'
); END $$;
ALTER TABLE memories_memoryindex ADD CONSTRAINT memories_memoryindex_pkey
    PRIMARY KEY (patient_id, embedding_model, memory_id) INCLUDE (embedding);
ALTER TABLE memories_memoryindex ALTER COLUMN embedding SET STORAGE PLAIN;
ALTER TABLE memories_memoryindex SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
CREATE INDEX memories_memoryindex_words ON memories_memoryindex USING gin (words);
"""

# The words of a mention are the words of its turn, at its place, or there is no mention.
QUOTE_IS_VERBATIM = """
CREATE FUNCTION memories_check_quote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM memories_turn t JOIN memories_memory m ON m.id = NEW.memory_id
        WHERE t.id = NEW.turn_id AND t.patient_id = NEW.patient_id AND m.patient_id = NEW.patient_id
        AND substr(t.text, NEW.start + 1, NEW."end" - NEW.start) = NEW.quote
    ) THEN
        RAISE EXCEPTION 'a mention quotes its turn word by word' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER memories_mention_verbatim BEFORE INSERT ON memories_mention
    FOR EACH ROW EXECUTE FUNCTION memories_check_quote();
"""

# A status is a clinician's decision in the clinician's own name; no way leads back to unconfirmed or out of an error;
# and nothing but a person retires an allergy.
STATUS_IS_A_DECISION = """
CREATE FUNCTION memories_check_status() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := CASE WHEN TG_OP = 'UPDATE' THEN OLD.verification_status ELSE 'unconfirmed' END;
BEGIN
    IF NEW.verification_status <> before THEN
        IF NOT (before = 'unconfirmed' OR before = 'confirmed' AND NEW.verification_status IN ('refuted', 'entered-in-error')
                OR before = 'refuted' AND NEW.verification_status = 'entered-in-error')
           OR NEW.verification_status = 'unconfirmed' THEN
            RAISE EXCEPTION 'no way leads from % to %', before, NEW.verification_status USING ERRCODE = 'check_violation';
        END IF;
        IF homecare_actor_kind() NOT IN ('user', 'key') OR NOT homecare_has_role('Clinician')
           OR NEW.verified_by_id IS DISTINCT FROM homecare_user_id() THEN
            RAISE EXCEPTION 'only a clinician decides, in their own name' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.category = 'allergy' AND homecare_actor_kind() NOT IN ('user', 'key')
       AND (NEW.superseded_by_id, NEW.deleted_at, NEW.expires_at, NEW.clinical_status, NEW.content, NEW.category, NEW.fact_key)
           IS DISTINCT FROM
           (OLD.superseded_by_id, OLD.deleted_at, OLD.expires_at, OLD.clinical_status, OLD.content, OLD.category, OLD.fact_key)
    THEN
        RAISE EXCEPTION 'only a person changes or retires an allergy' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER memories_memory_status BEFORE INSERT OR UPDATE ON memories_memory
    FOR EACH ROW EXECUTE FUNCTION memories_check_status();
"""

PATIENT_TABLES = (
    "memories_conversation",
    "memories_turn",
    "memories_extractionrun",
    "memories_memory",
    "memories_mention",
    "memories_allergydetail",
    "memories_medicationdetail",
    "memories_memoryindex",
    "memories_reviewtask",
)

# Nothing here is ever deleted: it is retired, and its history stays. The index alone is derived.
KEPT_TABLES = (
    "memories_conversation",
    "memories_extractionrun",
    "memories_memory",
    "memories_allergydetail",
    "memories_medicationdetail",
    "memories_reviewtask",
)


class Migration(migrations.Migration):
    dependencies = [("memories", "0001_initial"), ("patients", "0003_access_log_readers")]

    operations = [
        migrations.RunSQL(SEARCH_LAYOUT, migrations.RunSQL.noop),
        migrations.RunSQL(
            QUOTE_IS_VERBATIM,
            "DROP TRIGGER memories_mention_verbatim ON memories_mention; DROP FUNCTION memories_check_quote();",
        ),
        migrations.RunSQL(
            STATUS_IS_A_DECISION,
            "DROP TRIGGER memories_memory_status ON memories_memory; DROP FUNCTION memories_check_status();",
        ),
        append_only("memories_turn"),
        revoke_change("memories_turn"),
        append_only("memories_mention"),
        revoke_change("memories_mention"),
        *(revoke_change(table, "DELETE, TRUNCATE") for table in KEPT_TABLES),
        *(protect_patient_rows(table) for table in PATIENT_TABLES),
    ]
