"""Each route answers with and without a trailing slash, without redirects; OpenAPI shows it without."""

from collections.abc import Callable

from django.http import HttpResponse
from django.urls import URLPattern, path

from memories import actions
from memories.api.chats import (
    ChatContextView,
    ChatMessagesView,
    ChatsView,
    ChatView,
    NewMessageView,
    NewResponseView,
    PatientChatsView,
    ReplyView,
)
from memories.api.files import FilesView, FileView, PatientFilesView
from memories.api.links import LinksView, LinkView
from memories.api.memories import (
    ConversationBatchView,
    CorrectionView,
    DecisionView,
    MemoriesView,
    MemoryHistoryView,
    MemorySearchView,
    MemoryView,
    RunView,
)
from memories.api.patients import ContextView, PatientMemoriesView, PatientView, SummaryView
from memories.api.root import RootView
from patients.api import PatientsView
from patients.emergency_api import EmergencyAccessesView, ReviewEmergencyAccessView, TakeEmergencyAccessView


def both(route: str, view: Callable[..., HttpResponse], name: str) -> list[URLPattern]:
    """The route without a trailing slash, which has the name, and with one."""
    return [path(route, view, name=name), path(f"{route}/", view)]


urlpatterns = [
    path("", RootView.as_view(), name="api-root"),
    *both("patients", PatientsView.as_view(), "patients"),
    *both("patients/<str:external_id>", PatientView.as_view(), "patient"),
    *both("patients/<str:external_id>/summary", SummaryView.as_view(), "patient-summary"),
    *both("patients/<str:external_id>/context", ContextView.as_view(), "patient-context"),
    *both("patients/<str:external_id>/context/<uuid:chat_id>", ChatContextView.as_view(), "chat-context"),
    *both("patients/<str:external_id>/chats", PatientChatsView.as_view(), "patient-chats"),
    *both("patients/<str:external_id>/memories", PatientMemoriesView.as_view(), "patient-memories"),
    *both("chats", ChatsView.as_view(), "chats"),
    *both("chats/messages", NewMessageView.as_view(), "chat-message"),
    *both("chats/responses", NewResponseView.as_view(), "chat-response"),
    *both("chats/<uuid:chat_id>", ChatView.as_view(), "chat"),
    *both("chats/<uuid:chat_id>/reply", ReplyView.as_view(), "chat-reply"),
    *both("chats/<uuid:chat_id>/messages", ChatMessagesView.as_view(), "chat-messages"),
    *both("patients/<str:external_id>/emergency-access", TakeEmergencyAccessView.as_view(), "emergency-access"),
    *both("emergency-accesses", EmergencyAccessesView.as_view(), "emergency-accesses"),
    *both("emergency-accesses/<uuid:access_id>/review", ReviewEmergencyAccessView.as_view(), "emergency-review"),
    *both("files", FilesView.as_view(), "files"),
    *both("files/<uuid:file_id>", FileView.as_view(), "file"),
    *both("patients/<str:external_id>/files", PatientFilesView.as_view(), "patient-files"),
    *both("memories", MemoriesView.as_view(), "memories"),
    *both("memories/batch", ConversationBatchView.as_view(), "memories-batch"),
    *both("memories/search", MemorySearchView.as_view(), "memory-search"),
    *both("memories/<uuid:memory_id>", MemoryView.as_view(), "memory"),
    *both("memories/<uuid:memory_id>/history", MemoryHistoryView.as_view(), "memory-history"),
    *both("memories/<uuid:memory_id>/links", LinksView.as_view(), "memory-links"),
    *both("memories/<uuid:memory_id>/links/<uuid:link_id>", LinkView.as_view(), "memory-link"),
    *both("memories/<uuid:memory_id>/confirm", DecisionView.as_view(decide=actions.confirm), "memory-confirm"),
    *both("memories/<uuid:memory_id>/refute", DecisionView.as_view(decide=actions.refute), "memory-refute"),
    *both(
        "memories/<uuid:memory_id>/entered-in-error",
        DecisionView.as_view(decide=actions.enter_in_error),
        "memory-entered-in-error",
    ),
    *both("memories/<uuid:memory_id>/reinstate", DecisionView.as_view(decide=actions.reinstate), "memory-reinstate"),
    *both("memories/<uuid:memory_id>/correct", CorrectionView.as_view(), "memory-correct"),
    *both("runs/<uuid:run_id>", RunView.as_view(), "run"),
]
