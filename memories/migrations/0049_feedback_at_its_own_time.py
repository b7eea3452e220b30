"""When feedback was changed is in the log of changes, which nothing about a patient escapes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0038_roles_that_export"),
    ]

    operations = [
        migrations.RemoveField(
            model_name="memoryfeedback",
            name="updated_at",
        ),
    ]
