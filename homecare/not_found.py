"""What an address answers at which there is nothing."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import page_not_found

NO_SUCH_ADDRESS = "There is nothing at this address: /api/docs/ has every route."


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: below /api/ in the API's own shape, unless HTML is what is asked for first; elsewhere a page."""
    wants_page = request.get_preferred_type(["application/json", "text/html"]) == "text/html"
    if request.path_info.startswith("/api/") and not wants_page:
        return JsonResponse({"detail": NO_SUCH_ADDRESS}, status=404)
    return page_not_found(request, exception)
