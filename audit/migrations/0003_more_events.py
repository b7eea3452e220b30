"""Reasons for what is on record: automatic sign out, emergency access, disclosure."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0010_on_record"),
    ]

    operations = [
        migrations.AlterField(
            model_name="accesslog",
            name="event",
            field=models.CharField(
                choices=[
                    ("read", "Read"),
                    ("list", "List"),
                    ("search", "Search"),
                    ("summary", "Summary"),
                    ("history", "History"),
                    ("export", "Export"),
                    ("create", "Create"),
                    ("update", "Update"),
                    ("delete", "Delete"),
                    ("confirm", "Confirm"),
                    ("correct", "Correct"),
                    ("refute", "Refute"),
                    ("entered-in-error", "Entered in error"),
                    ("extract", "Extract"),
                    ("login", "Sign in"),
                    ("logout", "Sign out"),
                    ("auto-logoff", "Automatic sign out"),
                    ("emergency", "Emergency access"),
                    ("disclose", "Disclosure"),
                    ("access", "Access"),
                ],
                max_length=20,
            ),
        ),
    ]
