"""An access key with the one it stands for, in one statement: every request of a program begins with it."""

from functools import cache

from django.db import DEFAULT_DB_ALIAS, connection, models

from patients.models import AccessKey, User

_KEY = """
SELECT {columns},
       ARRAY(SELECT name FROM patients_user_groups held JOIN auth_group ON auth_group.id = held.group_id
             WHERE held.user_id = holder.id),
       ARRAY(SELECT DISTINCT type.app_label || '.' || permission.codename
             FROM patients_user_groups held JOIN auth_group_permissions USING (group_id)
             JOIN auth_permission permission ON permission.id = permission_id
             JOIN django_content_type type ON type.id = permission.content_type_id
             WHERE held.user_id = holder.id)
FROM patients_accesskey access_key JOIN patients_user holder ON holder.id = access_key.user_id
WHERE access_key.token_hash = %s
  AND access_key.revoked_at IS NULL AND access_key.expires_at > now() AND holder.is_active
"""


def usable_key(token: str) -> tuple[AccessKey, frozenset[str]] | None:
    """The key of this token, if it is usable, and the names of its user's roles.

    Its `user` has their permissions at hand.
    """
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [AccessKey.hash_token(token)])
        row = cursor.fetchone()
    if row is None:
        return None
    *values, roles, permissions = row
    key_fields, user_fields = _fields(AccessKey), _fields(User)
    key = AccessKey.from_db(DEFAULT_DB_ALIAS, key_fields, values[: len(key_fields)])
    key.user = User.from_db(DEFAULT_DB_ALIAS, user_fields, values[len(key_fields) :])
    key.user._perm_cache = set(permissions)  # type: ignore[attr-defined] # where Django looks first
    return key, frozenset(roles)


@cache
def _statement() -> str:
    aliases: dict[str, type[models.Model]] = {"access_key": AccessKey, "holder": User}
    columns = [f'{alias}."{f.column}"' for alias, model in aliases.items() for f in model._meta.concrete_fields]
    return _KEY.format(columns=", ".join(columns))


@cache
def _fields(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
