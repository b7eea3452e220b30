"""mem0's routes, as its client sends them: with a trailing slash. Without one they answer too."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path, re_path

from memories.api.mem0 import adding, changing, entities, recalling


def both(route: str, view: Callable[..., HttpResponse]) -> list[URLPattern]:
    return [path(f"{route}/", view), path(route, view)]


urlpatterns = [
    *both("v1/ping", entities.PingView.as_view()),
    *both("v3/memories/add", adding.AddView.as_view()),
    *both("v3/memories/search", recalling.SearchView.as_view()),
    *both("v3/memories", recalling.GetAllView.as_view()),
    *both("v1/event/<uuid:event_id>", adding.EventView.as_view()),
    *both("v1/memories", changing.DeleteAllView.as_view()),
    *both("v1/memories/<str:memory_id>/history", changing.MemoryHistoryView.as_view()),
    *both("v1/memories/<str:memory_id>", changing.MemoryView.as_view()),
    *both("v1/batch", changing.BatchView.as_view()),
    *both("v1/entities", entities.EntitiesView.as_view()),
    *both("v2/entities/user/<str:external_id>/profile", recalling.ProfileView.as_view()),
    *both("v2/entities/<str:kind>/<str:name>", entities.EntityView.as_view()),
    *both("v2/profiles/jobs", recalling.ProfileJobsView.as_view()),
    *both("v2/profiles/jobs/<uuid:job_id>", recalling.ProfileJobView.as_view()),
    *both("v2/profiles/settings", recalling.ProfileSettingsView.as_view()),
    *both("v1/exports/get", entities.FetchedExportView.as_view()),
    *both("v1/exports", entities.ExportsView.as_view()),
    *both("v1/summary", recalling.SummaryView.as_view()),
    *both("v1/feedback", changing.FeedbackView.as_view()),
    re_path(r"^api/v1/(?:orgs|webhooks)/", entities.UnsupportedView.as_view()),
    re_path(r"", entities.UnknownView.as_view()),
]
