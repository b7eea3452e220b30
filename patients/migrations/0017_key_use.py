"""When each access key was last used; the product alone reads and writes it."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

from audit.database import protect_rows


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0016_emergency_rules"),
    ]

    operations = [
        migrations.CreateModel(
            name="KeyUse",
            fields=[
                (
                    "key",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="use",
                        serialize=False,
                        to="patients.accesskey",
                    ),
                ),
                ("last_used_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        protect_rows("patients_keyuse", using="(SELECT homecare_sees_all())"),
    ]
