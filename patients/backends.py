from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import QuerySet

from patients.models import User


class RoleBackend(ModelBackend):
    """What somebody may do follows from their roles alone: nobody has a permission of their own."""

    def _get_user_permissions(self, user_obj: User) -> QuerySet[Permission]:
        return Permission.objects.none()
