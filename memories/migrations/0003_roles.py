"""The groups that roles are, with the permissions of `patients.roles`."""

from django.db import migrations

from patients.role_groups import roles_as_groups


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0002_guarantees"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auditlog", "0017_add_actor_email"),
    ]

    operations = [roles_as_groups()]
