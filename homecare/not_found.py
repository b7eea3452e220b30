"""What an address answers at which there is nothing, or at which something went wrong."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found, server_error

#: What programs ask, and get JSON from.
PROGRAMS = ("/api/", "/mem0/")
FAILED = "This could not be answered, and nothing was changed: try again, and tell your administrator if it stays."
NO_SUCH_ADDRESS = "There is nothing at this address: /api/docs/ has every route."


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: to programs in the API's own shape, unless HTML is what is asked for first; elsewhere a page."""
    if _is_asked_by_program(request):
        return JsonResponse({"detail": NO_SUCH_ADDRESS}, status=404)
    return page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    """500, to programs and people likewise."""
    if _is_asked_by_program(request):
        return JsonResponse({"detail": FAILED}, status=500)
    return server_error(request)


def _is_asked_by_program(request: HttpRequest) -> bool:
    wants_page = request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    return request.path_info.startswith(PROGRAMS) and not wants_page
