"""Clinicians may hand out what is remembered of their patients."""

from django.db import migrations

from patients.role_groups import roles_as_groups


class Migration(migrations.Migration):
    dependencies = [("memories", "0037_export_permission")]

    operations = [roles_as_groups()]
