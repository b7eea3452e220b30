"""The groups that roles are, with the permissions of `patients.roles`."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

from patients.roles import PERMISSIONS


def make_groups(apps, schema_editor):
    alias = schema_editor.connection.alias
    for label in ("audit", "auditlog", "patients", "memories"):
        create_permissions(installed.get_app_config(label), verbosity=0, using=alias)
    Group, Permission = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for role, names in PERMISSIONS.items():
        group, _ = Group.objects.using(alias).get_or_create(name=role)
        group.permissions.set(
            Permission.objects.using(alias).get(content_type__app_label=app, codename=codename)
            for app, codename in (name.split(".") for name in names)
        )


def remove_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias).filter(name__in=PERMISSIONS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0002_guarantees"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auditlog", "0017_add_actor_email"),
    ]

    operations = [migrations.RunPython(make_groups, remove_groups)]
