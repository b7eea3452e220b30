"""An access key with the one it stands for, in one statement: every request of a program begins with it."""

import math
import time
from functools import cache
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, models
from django.utils import timezone

from audit.models import Event
from audit.recording import record
from patients.models import AccessKey, KeyUse, User

AN_HOUR = 3600.0
#: When this process last kept that a key is used, on the monotonic clock.
_kept: dict[UUID, float] = {}

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
  AND coalesce((SELECT last_used_at FROM patients_keyuse WHERE key_id = access_key.id), access_key.created_at)
      > now() - make_interval(days => %s)
"""


def usable_key(token: str) -> tuple[AccessKey, frozenset[str]] | None:
    """The key of this token, if it is usable, and the names of its user's roles.

    Its `user` has their permissions at hand.
    """
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [AccessKey.hash_token(token), settings.ACCESS_KEY_IDLE_DAYS])
        row = cursor.fetchone()
    if row is None:
        _sign_out_idle(token)
        return None
    *values, roles, permissions = row
    key_fields, user_fields = _fields(AccessKey), _fields(User)
    key = AccessKey.from_db(DEFAULT_DB_ALIAS, key_fields, values[: len(key_fields)])
    key.user = User.from_db(DEFAULT_DB_ALIAS, user_fields, values[len(key_fields) :])
    key.user._perm_cache = set(permissions)  # type: ignore[attr-defined] # where Django looks first
    _keep_use(key)
    return key, frozenset(roles)


def _keep_use(key: AccessKey) -> None:
    """Keep that the key is used, once an hour in each process."""
    now = time.monotonic()
    if now - _kept.get(key.pk, -math.inf) > AN_HOUR:
        KeyUse.objects.update_or_create(key=key, defaults={"last_used_at": timezone.now()})
        _kept[key.pk] = now


def _sign_out_idle(token: str) -> None:
    """A key that lay unused for too long is revoked when it comes back, and that is on record once."""
    for key in AccessKey.objects.idle().for_token(token):
        key.revoked_at = timezone.now()
        key.save()
        reason = f"Unused for {settings.ACCESS_KEY_IDLE_DAYS} days"
        record(Event.AUTO_LOGOFF, objects=[key.pk], resource=AccessKey, reason=reason)


@cache
def _statement() -> str:
    aliases: dict[str, type[models.Model]] = {"access_key": AccessKey, "holder": User}
    columns = [f'{alias}."{f.column}"' for alias, model in aliases.items() for f in model._meta.concrete_fields]
    return _KEY.format(columns=", ".join(columns))


@cache
def _fields(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]
