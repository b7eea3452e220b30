"""A question that was put off to the next visit stays open, and when a question became obsolete is known."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0048_sent_by_programs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="reviewtask",
            name="ask_again_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="reviewtask",
            name="ask_again_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="reviewtask",
            name="ask_again_note",
            field=models.CharField(blank=True, help_text="What to ask at the next visit.", max_length=500),
        ),
        migrations.AddField(
            model_name="reviewtask",
            name="obsolete_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="reviewtask",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ask_again_at__isnull", True),
                    models.Q(
                        ("ask_again_at__isnull", False),
                        ("ask_again_by__isnull", False),
                        models.Q(("ask_again_note", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="memories_reviewtask_asked_again_by_someone",
            ),
        ),
    ]
