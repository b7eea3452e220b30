"""The links of a memory on its page: seen from either end, set and removed with a reason."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from audit.mixins import RecordedAdmin, actor_of
from audit.models import Event
from audit.recording import record
from memories.admin.asker import user_of
from memories.links import LinkRefused, link, links_shown, unlink
from memories.models import LinkKind, Memory

MAY_LINK = "memories.change_memory"
REASON_LENGTH = 500
#: Memories that are offered at once.
OFFERED = 12
BACKWARD = "backward:"


def _relations() -> list[tuple[str, str]]:
    """What a memory can be to another one, from either end."""
    forward = [(kind.value, kind.label) for kind in LinkKind]
    return forward + [(BACKWARD + kind, kind.backward) for kind in LinkKind if kind.backward != kind.label]


class LinkForm(forms.Form):
    relation = forms.ChoiceField(label="This memory", choices=_relations, widget=UnfoldAdminSelectWidget)
    target = forms.UUIDField(error_messages={"required": "Choose the other memory.", "invalid": "Choose one of them."})
    reason = forms.CharField(
        max_length=REASON_LENGTH,
        label="Why",
        widget=UnfoldAdminTextInputWidget,
        error_messages={"required": "Say why: a link without a reason is not kept."},
    )


class RemovalForm(forms.Form):
    reason = forms.CharField(
        max_length=REASON_LENGTH, error_messages={"required": "Say why: a change without a reason is not kept."}
    )


def linkable(memory: Memory, request: HttpRequest, words: str = "") -> QuerySet[Memory]:
    """The live memories of the same patient that the asker may see and that hold all these words, the latest first."""
    others = Memory.objects.for_patient(memory.patient).live().visible_to(actor_of(request)).exclude(pk=memory.pk)
    for word in words.split():
        others = others.filter(content__icontains=word)
    return others.order_by("-last_said_at", "pk")


class LinkingAdmin(RecordedAdmin):
    """The part of the memory pages that links one memory to another."""

    def get_urls(self) -> list[Any]:
        views = {
            "link": ("link", self.link_view),
            "linkable": ("linkable", self.linkable_view),
            "unlink": ("links/<uuid:link_id>/remove", self.unlink_view),
        }
        ours = [
            path(f"<uuid:object_id>/{route}/", self.admin_site.admin_view(view), name=f"memories_memory_{name}")
            for name, (route, view) in views.items()
        ]
        return [*ours, *super().get_urls()]

    def links_of(self, memory: Memory, request: HttpRequest, *, may_link: bool) -> dict[str, Any]:
        """What the template `memories/parts/links.html` shows; it is on record what that tells of other memories."""
        shown = links_shown(memory)
        offered = list(linkable(memory, request)[:OFFERED]) if may_link and memory.is_live else []
        ends = [joined.other_end(memory) for joined in shown]
        if others := {other.pk for other in (*ends, *offered)}:
            record(Event.READ, patient_id=memory.patient_id, objects=others, resource=Memory)
        seen = [(joined, *joined.seen_from(memory)) for joined in shown]
        return {
            "links": [{"joined": joined, "relation": relation, "other": other} for joined, relation, other in seen],
            "link_form": LinkForm(auto_id="link-%s") if may_link and memory.is_live else None,
            "offered": offered,
            "may_link": may_link,
        }

    def linkable_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        """What may be linked, as somebody types. The words come in a body: no patient text stands in an address."""
        memory = self._to_change(request, object_id)
        words = request.POST.get("words", "")
        offered = list(linkable(memory, request, words)[:OFFERED])
        keys = [other.pk for other in offered]
        record(Event.SEARCH, patient_id=memory.patient_id, objects=keys, resource=Memory, query=words)
        return JsonResponse({"offered": [{"id": str(other.pk), "text": _told(other)} for other in offered]})

    def link_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        memory = self._to_change(request, object_id)
        form = LinkForm(request.POST)
        if not form.is_valid():
            return self._back(request, memory, refused=_complaint(form))
        said = form.cleaned_data
        target = linkable(memory, request).filter(pk=said["target"]).first()
        if target is None:
            return self._back(request, memory, refused="That memory cannot be linked: choose one of this patient's.")
        kind = LinkKind(said["relation"].removeprefix(BACKWARD))
        ends = (target, memory) if said["relation"].startswith(BACKWARD) else (memory, target)
        try:
            link(*ends, kind=kind, by=user_of(request), reason=said["reason"])
        except LinkRefused as refusal:
            return self._back(request, memory, refused=" ".join(refusal.messages))
        return self._back(request, memory, done="Linked, and on record.")

    def unlink_view(self, request: HttpRequest, object_id: UUID, link_id: UUID) -> HttpResponse:
        memory = self._to_change(request, object_id)
        form = RemovalForm(request.POST)
        if not form.is_valid():
            return self._back(request, memory, refused=_complaint(form))
        joined = next((joined for joined in links_shown(memory) if joined.pk == link_id), None)
        if joined is None:
            return self._back(request, memory, refused="This link is removed already.")
        unlink(joined, by=user_of(request), reason=form.cleaned_data["reason"])
        return self._back(request, memory, done="The link is removed; its history stays.")

    def _to_change(self, request: HttpRequest, object_id: UUID) -> Memory:
        self.require(request, MAY_LINK)
        memory: Memory = self.visible_object(request, object_id)
        if request.method != "POST":
            raise Http404
        return memory

    def _back(self, request: HttpRequest, memory: Memory, *, done: str = "", refused: str = "") -> HttpResponse:
        self.message_user(request, done or refused, messages.SUCCESS if done else messages.ERROR)
        return HttpResponseRedirect(reverse("admin:memories_memory_change", args=[memory.pk]))


def _told(memory: Memory) -> str:
    """An offered memory as the list names it: a critical one with its status."""
    return f"{memory.content} ({memory.status_label.lower()})" if memory.is_critical else memory.content


def _complaint(form: forms.Form) -> str:
    return " ".join(str(error) for errors in form.errors.values() for error in errors)
