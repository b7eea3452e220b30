"""`/health/`: whether this server can do its work. Names no patient and no version."""

from django.db import connection
from django.db.utils import Error as DatabaseError
from django.http import HttpRequest, JsonResponse

from audit.actors import acting_as, system_actor

HEALTH = system_actor("health")


def health(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, else 503."""
    try:
        with acting_as(HEALTH), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "could not be reached"}, status=503)
    return JsonResponse({"status": "ok"})


health.acts_for_nobody = True  # type: ignore[attr-defined] # because that is how a view tells the middleware
