"""Who may hand out what is remembered of a patient."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("memories", "0036_review_notices")]

    operations = [
        migrations.AlterModelOptions(
            name="memory",
            options={
                "ordering": ["-recorded_at"],
                "permissions": [
                    ("review_memory", "Can confirm, correct and refute allergies and medications"),
                    ("export_memory", "Can hand out what is remembered of a patient"),
                ],
                "verbose_name_plural": "memories",
            },
        ),
    ]
