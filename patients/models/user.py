from typing import Any

from django.contrib.auth.models import AbstractUser

from audit.actors import Actor, ActorKind


class User(AbstractUser):
    """A person or a program that works with patients. Roles are groups; see `patients.roles`."""

    class Meta(AbstractUser.Meta):
        constraints = []

    def as_actor(self, **circumstances: Any) -> Actor:
        """This user as the one who acts. Reads the user's groups, so it runs inside `acting_as`."""
        roles = frozenset(self.groups.values_list("name", flat=True))
        return Actor(ActorKind.USER, id=str(self.pk), label=self.username, roles=roles, **circumstances)
