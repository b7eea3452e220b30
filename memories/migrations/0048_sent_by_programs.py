"""What programs send along with a conversation, what they ask to have exported, and what they say of memories."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from audit.database import protect_patient_rows, revoke_change


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0040_roles_of_care_teams"),
        ("patients", "0003_access_log_readers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="agent_id",
            field=models.CharField(blank=True, help_text="The agent that sent it, by its own name.", max_length=100),
        ),
        migrations.AddField(
            model_name="conversation",
            name="app_id",
            field=models.CharField(blank=True, help_text="The software that sent it.", max_length=100),
        ),
        migrations.AddField(
            model_name="conversation",
            name="keeps_every_turn",
            field=models.BooleanField(
                default=False, help_text="A turn of which nothing critical is made is remembered word by word."
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="memories_expire_at",
            field=models.DateTimeField(blank=True, help_text="Never said of what is critical.", null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="sent_metadata",
            field=models.JSONField(blank=True, default=dict, help_text="What its memories are to carry."),
        ),
        migrations.AddField(
            model_name="conversation",
            name="session_id",
            field=models.CharField(blank=True, help_text="The session that it was said in.", max_length=100),
        ),
        migrations.CreateModel(
            name="MemoryExport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("schema", models.JSONField()),
                ("filters", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["patient", "-created_at"], name="memories_export_recent")],
            },
        ),
        migrations.CreateModel(
            name="MemoryFeedback",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("positive", "Positive"),
                            ("negative", "Negative"),
                            ("very-negative", "Very negative"),
                        ],
                        max_length=15,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "given_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "memory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="feedback", to="memories.memory"
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
                "verbose_name_plural": "memory feedback",
                "ordering": ["created_at"],
                "constraints": [
                    models.UniqueConstraint(fields=("memory", "given_by"), name="memories_memoryfeedback_once")
                ],
            },
        ),
        revoke_change("memories_memoryexport"),
        revoke_change("memories_memoryfeedback", "DELETE, TRUNCATE"),
        protect_patient_rows("memories_memoryexport"),
        protect_patient_rows("memories_memoryfeedback"),
    ]
