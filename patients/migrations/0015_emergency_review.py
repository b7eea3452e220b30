"""What the review of an emergency access found, and no access of more than a day."""

import datetime

import django.db.models.expressions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0020_changes_on_record"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="emergencyaccess",
            options={"ordering": ["-granted_at"], "verbose_name_plural": "emergency accesses"},
        ),
        migrations.AddField(
            model_name="emergencyaccess",
            name="finding",
            field=models.CharField(blank=True, help_text="What the review found.", max_length=500),
        ),
        migrations.AddConstraint(
            model_name="emergencyaccess",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "until__lte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("granted_at"), "+", models.Value(datetime.timedelta(days=1))
                        ),
                    )
                ),
                name="patients_emergencyaccess_one_day_at_most",
            ),
        ),
    ]
