"""Imports, the rows they brought with what became of each, and the history that a source kept."""

import django.core.serializers.json
import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from audit.database import append_only, protect_patient_rows, protect_rows, revoke_change

#: An import names no patient and holds nobody's words, but it names users and files of another system.
WHO_IMPORTS = "(SELECT homecare_sees_all()) OR (SELECT homecare_has_role('Administrator'))"


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0035_review_asked_again"),
        ("patients", "0003_access_log_readers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="What was read: a file, a folder, a table. No password.", max_length=200
                    ),
                ),
                ("options", models.JSONField(blank=True, default=dict)),
                (
                    "dry_run",
                    models.BooleanField(
                        default=False, help_text="Count what would become of each row, and store nothing."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "error",
                    models.CharField(
                        blank=True, help_text="Why it failed, in words without patient text.", max_length=500
                    ),
                ),
                (
                    "report",
                    models.JSONField(blank=True, default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "requested_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="ImportedEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.CharField(max_length=20)),
                (
                    "source_id",
                    models.CharField(
                        blank=True, help_text="The id of the memory there that it is about.", max_length=200
                    ),
                ),
                ("event_id", models.CharField(max_length=200)),
                ("event", models.CharField(help_text="As the source calls it: ADD, UPDATE, DELETE.", max_length=20)),
                ("old_text", models.TextField(blank=True)),
                ("new_text", models.TextField(blank=True)),
                ("happened_at", models.DateTimeField(null=True)),
                ("actor", models.CharField(blank=True, max_length=200)),
                ("original", models.JSONField(default=dict)),
                (
                    "brought_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="memories.import"
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
            ],
            options={
                "ordering": ["happened_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="ImportedRow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("source", models.CharField(help_text="The system it came from: mem0, fhir.", max_length=20)),
                ("source_id", models.CharField(help_text="Its id there.", max_length=200)),
                ("digest", models.CharField(help_text="SHA-256 of its words.", max_length=64)),
                ("said_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(help_text="When it stops counting, as the source had it.", null=True)),
                ("original", models.JSONField(default=dict, help_text="What the source held beside the words.")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("waiting", "Stored, not read yet"),
                            ("imported", "Imported"),
                            ("reinforced", "Said again what is remembered"),
                            ("conflicting", "Imported, and a question asked"),
                            ("withheld", "Stored, not remembered"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=60)),
                (
                    "brought_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rows", to="memories.import"
                    ),
                ),
                (
                    "memory",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imported_rows",
                        to="memories.memory",
                    ),
                ),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imported_rows",
                        to="memories.extractionrun",
                    ),
                ),
                (
                    "turn",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="imported_row", to="memories.turn"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "failed"), _negated=True),
                    models.Q(("error", ""), _negated=True),
                    _connector="OR",
                ),
                name="memories_import_failure_has_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="importedevent",
            index=models.Index(fields=["patient", "source", "source_id"], name="memories_importedevent_memory"),
        ),
        migrations.AddConstraint(
            model_name="importedevent",
            constraint=models.UniqueConstraint(
                fields=("patient", "source", "event_id"), name="memories_importedevent_once"
            ),
        ),
        migrations.AddIndex(
            model_name="importedrow",
            index=models.Index(
                condition=models.Q(("outcome", "waiting")), fields=["patient"], name="memories_importedrow_waiting"
            ),
        ),
        migrations.AddIndex(
            model_name="importedrow",
            index=models.Index(fields=["source", "source_id"], name="memories_importedrow_source"),
        ),
        migrations.AddConstraint(
            model_name="importedrow",
            constraint=models.UniqueConstraint(
                fields=("patient", "source", "source_id", "digest"), name="memories_importedrow_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="importedrow",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("outcome__in", ["waiting", "withheld"]), ("memory__isnull", False), _connector="OR"
                ),
                name="memories_importedrow_has_memory",
            ),
        ),
        protect_rows("memories_import", using=WHO_IMPORTS),
        protect_patient_rows("memories_importedrow"),
        protect_patient_rows("memories_importedevent"),
        revoke_change("memories_import", "DELETE, TRUNCATE"),
        revoke_change("memories_importedrow", "DELETE, TRUNCATE"),
        append_only("memories_importedevent"),
        revoke_change("memories_importedevent"),
    ]
