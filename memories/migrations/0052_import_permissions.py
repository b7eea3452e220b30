"""Administrators may import."""

from django.db import migrations

from patients.role_groups import roles_as_groups


class Migration(migrations.Migration):
    dependencies = [("memories", "0051_imports")]

    operations = [roles_as_groups()]
