"""Who has been told of which urgent question: rows of a patient, only ever added to."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models

from audit.database import append_only, protect_patient_rows, revoke_change


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0045_files"),
        ("patients", "0014_care_team_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReviewNotice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "urgency",
                    models.CharField(choices=[("high", "High severity"), ("overdue", "Overdue")], max_length=10),
                ),
                ("told", models.CharField(max_length=40)),
                ("sent_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "patient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="patients.patient"
                    ),
                ),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="memories.reviewtask"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("patient", "task", "urgency", "told"), name="memories_reviewnotice_told_once"
                    )
                ],
            },
        ),
        protect_patient_rows("memories_reviewnotice"),
        append_only("memories_reviewnotice"),
        revoke_change("memories_reviewnotice"),
    ]
