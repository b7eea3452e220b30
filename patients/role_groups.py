"""The groups that roles are, in the database. For migrations: each that changes `patients.roles` ends with this."""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db.migrations import RunPython

from patients.roles import PERMISSIONS


def roles_as_groups() -> RunPython:
    """Make each role a group with the permissions that the product gives it now."""
    return RunPython(_make_groups, _leave_groups)


def _make_groups(apps: Any, schema_editor: Any) -> None:
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


def _leave_groups(apps: Any, schema_editor: Any) -> None:
    """Nothing to undo: an earlier version of the product gives its own permissions by its own migration."""
