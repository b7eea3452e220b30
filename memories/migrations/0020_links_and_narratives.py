"""Links between memories, and the summary text of a patient."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from audit.database import protect_patient_rows, revoke_change

# Row-level security lets the trigger see the actor's own patients alone: an unseen memory is refused like an unknown one.
ENDS_ARE_ONE_PATIENTS = """
CREATE FUNCTION memories_check_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM memories_memory
        WHERE id IN (NEW.source_id, NEW.target_id) AND patient_id = NEW.patient_id) <> 2 THEN
        RAISE EXCEPTION 'a link joins two memories of its patient' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER memories_memorylink_one_patient BEFORE INSERT OR UPDATE ON memories_memorylink
    FOR EACH ROW EXECUTE FUNCTION memories_check_link();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0010_memory_words"),
        ("patients", "0003_access_log_readers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MemoryLink",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("treats", "treats"),
                            ("causes", "causes"),
                            ("prescribed-by", "prescribed by"),
                            ("cares-for", "cares for"),
                            ("same-as", "same as"),
                        ],
                        max_length=20,
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("removal_reason", models.CharField(blank=True, max_length=500)),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
                (
                    "removed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "set_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="links_out", to="memories.memory"
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="links_in", to="memories.memory"
                    ),
                ),
            ],
            options={
                "ordering": ["created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("patient", "source", "target", "kind"), name="memories_memorylink_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source", models.F("target")), _negated=True),
                        name="memories_memorylink_joins_two",
                        violation_error_message="A memory is not linked to itself.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="memories_memorylink_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("removed_at__isnull", True),
                            models.Q(("removed_by__isnull", False), models.Q(("removal_reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="memories_memorylink_removed_by_someone",
                        violation_error_message="Say who removed this, and why.",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="PatientNarrative",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("sentences", models.JSONField(default=list)),
                (
                    "made_of",
                    models.CharField(help_text="A fingerprint of the memories that it tells of.", max_length=64),
                ),
                (
                    "model",
                    models.CharField(
                        blank=True, help_text="The language model that worded it; none: ours.", max_length=100
                    ),
                ),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("patient",), name="memories_patientnarrative_one")],
            },
        ),
        migrations.RunSQL(
            ENDS_ARE_ONE_PATIENTS,
            "DROP TRIGGER memories_memorylink_one_patient ON memories_memorylink; DROP FUNCTION memories_check_link();",
        ),
        revoke_change("memories_memorylink", "DELETE, TRUNCATE"),
        revoke_change("memories_patientnarrative", "DELETE, TRUNCATE"),
        protect_patient_rows("memories_memorylink"),
        protect_patient_rows("memories_patientnarrative"),
    ]
