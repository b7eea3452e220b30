"""The words of memories become rows, so that search knows how rare a word is with one patient."""

import django.db.models.deletion
from django.db import migrations, models

from audit.database import protect_patient_rows

WORD_LAYOUT = """
DO $$ BEGIN EXECUTE (
    SELECT 'ALTER TABLE memories_memoryword DROP CONSTRAINT ' || quote_ident(conname)
    FROM pg_constraint WHERE conrelid = 'memories_memoryword'::regclass AND contype = 'p'
); END $$;
ALTER TABLE memories_memoryword ALTER COLUMN weight TYPE real;
ALTER TABLE memories_memoryword ADD CONSTRAINT memories_memoryword_pkey
    PRIMARY KEY (patient_id, lexeme, memory_id) INCLUDE (weight);
ALTER TABLE memories_memoryword SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02);
"""


class Migration(migrations.Migration):
    dependencies = [("memories", "0003_roles")]

    operations = [
        migrations.CreateModel(
            name="MemoryWord",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "patient_id", "lexeme", "memory_id",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                ("lexeme", models.TextField(db_collation="C")),
                ("weight", models.FloatField(help_text="1 for the memory's own words, less for those around it.")),
                (
                    "memory",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name="+",
                        to="memories.memory",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE,
                        related_name="+", to="patients.patient",
                    ),
                ),
            ],
            options={"verbose_name": "word"},
        ),
        migrations.RunSQL(WORD_LAYOUT, migrations.RunSQL.noop),
        protect_patient_rows("memories_memoryword"),
        migrations.RemoveField(model_name="memoryindex", name="words"),
    ]  # fmt: skip
