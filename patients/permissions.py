from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from patients.models import AccessKey
from patients.models.access import KeyScope

REFUSED = "Your role or your key does not allow this."


def covers(key: AccessKey, *, reads: bool) -> bool:
    """Whether the scopes of a key cover what is asked."""
    return key.allows(KeyScope.READ if reads else KeyScope.WRITE)


class IsIdentified(BasePermission):
    """A user or a key whose scopes cover the request, and who holds the permission that the view names for the method.

    A view names them as `permissions_required = {"POST": "memories.add_memory"}`; a POST that only reads says so
    with `reads_only = True`. HEAD needs what GET needs. A method without a named permission is refused.
    """

    message = REFUSED

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        reads = request.method in SAFE_METHODS or getattr(view, "reads_only", False)
        if isinstance(request.auth, AccessKey) and not covers(request.auth, reads=reads):
            return False
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method == "OPTIONS" or not hasattr(view, method.lower()):  # says what there is, or is answered by a 405
            return True
        needed = getattr(view, "permissions_required", {}).get(method)
        return needed is not None and request.user.has_perm(needed)
