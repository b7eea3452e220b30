"""Chats: conversations that grow, belong to a scope, and can be deleted; turns with a time and a place of their own."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0052_import_permissions"),
        ("patients", "0003_access_log_readers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="deleted_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="conversation",
            name="deleted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="conversation",
            name="is_instruction",
            field=models.BooleanField(default=False, help_text="It tells how something is done: kept turn by turn."),
        ),
        migrations.AddField(
            model_name="conversation",
            name="scope",
            field=models.CharField(
                choices=[("patient", "Patient"), ("conversation", "Conversation"), ("agent", "Agent")],
                default="patient",
                help_text="Whose its memories are, but for critical ones.",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="extractionrun",
            name="first",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="extractionrun",
            name="last",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="turn",
            name="cites",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(),
                blank=True,
                default=list,
                help_text="The memories that an answer rests on.",
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="turn",
            name="place",
            field=models.CharField(blank=True, help_text="Where in its source: a page, a time.", max_length=60),
        ),
        migrations.AddField(
            model_name="turn",
            name="said_at",
            field=models.DateTimeField(
                blank=True, help_text="When, where it was not with the conversation.", null=True
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("scope", "agent"), _negated=True),
                    models.Q(("agent_id", ""), _negated=True),
                    _connector="OR",
                ),
                name="memories_conversation_agent_named",
                violation_error_message="Name the agent.",
            ),
        ),
        migrations.AddConstraint(
            model_name="conversation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("deleted_at__isnull", True), ("deleted_by__isnull", True)),
                    models.Q(("deleted_at__isnull", False), ("deleted_by__isnull", False)),
                    _connector="OR",
                ),
                name="memories_conversation_deleted_by_someone",
            ),
        ),
    ]
