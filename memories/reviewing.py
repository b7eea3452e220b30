"""Who may decide about a memory, and what every decision needs."""

from django.core.exceptions import PermissionDenied, ValidationError

from audit.actors import current_actor
from patients.models import User
from patients.roles import Role


class ReviewRefused(PermissionDenied):
    """This person may not decide."""


class DecisionRefused(ValidationError):
    """The decision does not fit what the memory has become; the message says what to do."""


def require_reviewer(*, by: User, reason: str) -> None:
    """Let a clinician pass, who decides in their own name and says why. Raises `ReviewRefused`, `DecisionRefused`."""
    actor = current_actor()
    if not (actor.has_role(Role.CLINICIAN) and actor.id == str(by.pk)):
        raise ReviewRefused("Only a clinician decides about this, in their own name: ask one of the care team.")
    if not reason.strip():
        raise DecisionRefused("Say why: a decision without a reason is not kept.")
