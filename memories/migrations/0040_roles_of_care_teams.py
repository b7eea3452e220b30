"""Roles may do what care teams, emergency access and keys of one's own need."""

from django.db import migrations

from patients.role_groups import roles_as_groups


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0020_links_and_narratives"),
        ("patients", "0014_care_team_rules"),
    ]

    operations = [roles_as_groups()]
