"""What every admin page has in common: the role opens it, the care team fills it, and looking at it is on record."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NoReturn

from auditlog.models import LogEntry
from django.contrib import messages
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.forms import Field as FormField
from django.forms import Form, ModelChoiceField
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin

from audit.actors import Actor
from audit.changes import readable_changes
from audit.models import Event
from audit.recording import record, record_each


def granted(request: HttpRequest) -> frozenset[str]:
    """The permissions (`app.codename`) of the asker's roles. `is_superuser` adds nothing."""
    granted: frozenset[str] | None = getattr(request, "granted_by_roles", None)
    if granted is None:
        names = Permission.objects.filter(group__user=request.user.pk).values_list(
            "content_type__app_label", "codename"
        )
        granted = frozenset(f"{app}.{codename}" for app, codename in names)
        request.granted_by_roles = granted  # type: ignore[attr-defined] # because this is where it is kept
    return granted


def actor_of(request: HttpRequest) -> Actor:
    """Who asks, as `ActingMiddleware` found out."""
    return request.actor  # type: ignore[attr-defined] # because the middleware sets it


def record_shown(rows: Iterable[Any], *, resource: type[Model], query: str = "") -> None:
    """Put on record that these rows, each with a `patient_id`, were listed: an entry for each patient among them."""
    shown: dict[object, list[object]] = defaultdict(list)
    for row in rows:
        shown[row.patient_id].append(row.pk)
    record_each(Event.LIST, shown or {None: []}, resource=resource, query=query)


class RecordedAdmin(ModelAdmin):
    """An admin page whose reading is on record, which shows the rows visible to the actor and deletes nothing.

    Titles, messages and Django's own log name no patient: what a page is about stands in the page alone.
    """

    list_per_page = 50
    list_disable_select_all = True
    object_history_template = "audit/history.html"

    # --- who may ---------------------------------------------------------------------------------------------------

    def may(self, request: HttpRequest, what: str) -> bool:
        return f"{self.opts.app_label}.{get_permission_codename(what, self.opts)}" in granted(request)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, "view") or self.may(request, "change")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self.may(request, "change")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def require(self, request: HttpRequest, *permissions: str) -> None:
        """Raises `PermissionDenied` unless the asker's roles grant all of these."""
        if not granted(request).issuperset(permissions):
            raise PermissionDenied

    # --- which rows ------------------------------------------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_rows(super().get_queryset(request), request)

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        rows = kwargs.get("queryset", db_field.remote_field.model._default_manager.all())
        kwargs["queryset"] = visible_rows(rows, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_dbfield(self, db_field: Field, request: HttpRequest, **kwargs: Any) -> FormField | None:
        """Other rows are made on their own pages, not in windows beside this one."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return field and _without_links(field)

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> NoReturn:
        raise Http404

    def visible_object(self, request: HttpRequest, object_id: object) -> Any:
        """The row of this key. Raises `PermissionDenied`, or `Http404` for an unseen one as for an unknown one."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row

    # --- on record -------------------------------------------------------------------------------------------------

    def patient_of(self, row: Any) -> object:
        """The key of the patient whom a row speaks of, or None."""
        return getattr(row, "patient_id", None)

    def record_of(self, event: Event, row: Any) -> None:
        record(event, patient_id=self.patient_of(row), objects=[row.pk], resource=self.model)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        if changelist := (getattr(response, "context_data", None) or {}).get("cl"):
            self.record_list(request, changelist.result_list)
        return response

    def record_list(self, request: HttpRequest, rows: Iterable[Any]) -> None:
        shown: dict[object, list[object]] = defaultdict(list)
        for row in rows:
            shown[self.patient_of(row)].append(row.pk)
        query = request.GET.get("q", "")
        event = Event.SEARCH if query else Event.LIST
        record_each(event, shown or {None: []}, resource=self.model, query=query)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        if request.resolver_match and request.resolver_match.url_name == "autocomplete":
            record(Event.SEARCH, resource=self.model, query=search_term)
        return super().get_search_results(request, queryset, search_term)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if obj is not None:
            self.record_of(Event.READ, obj)
        context["subtitle"] = None
        context.update(show_save_and_continue=False, show_save_and_add_another=False)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.visible_object(request, object_id)
        self.record_of(Event.HISTORY, row)
        sections = self.history_sections(request, row)
        return self.page(
            request, self.object_history_template, "History", row=row, sections=sections, back=self.back_to(row)
        )

    def back_to(self, row: Any) -> str:
        """Where a history page leads back to."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])

    def history_sections(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """What became of a row: sections with a title and entries, each with at, actor, event, changes and reason."""
        logged = LogEntry.objects.get_for_object(row).order_by("timestamp")
        return [{"title": "", "entries": [logged_change(entry) for entry in reversed(logged)]}]

    def save_model(self, request: HttpRequest, obj: Any, form: Form, change: bool) -> None:
        super().save_model(request, obj, form, change)
        self.record_of(Event.UPDATE if change else Event.CREATE, obj)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Django's own log would repeat names. Changes are in django-auditlog's, accesses in the access log."""

    log_change = log_addition

    # --- answers ---------------------------------------------------------------------------------------------------

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        self.message_user(request, f"The {self.opts.verbose_name} is saved.", messages.SUCCESS)
        return self.response_post_save_add(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        self.message_user(request, f"The {self.opts.verbose_name} is saved.", messages.SUCCESS)
        return self.response_post_save_change(request, obj)

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        """A page of this admin that is no form of Django's. `title` names no patient."""
        request.current_app = self.admin_site.name
        shared = self.admin_site.each_context(request)
        return TemplateResponse(request, template, {**shared, "opts": self.opts, "title": title, **context})


def _without_links(field: FormField) -> FormField:
    if isinstance(field.widget, RelatedFieldWidgetWrapper):
        field.widget = field.widget.widget
    return field


def visible_rows(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """The rows that the asker may see, where the model knows who may."""
    return rows.visible_to(actor_of(request)) if hasattr(rows, "visible_to") else rows


def logged_change(entry: LogEntry) -> dict[str, Any]:
    """An entry of django-auditlog as a line of a history page."""
    said = entry.additional_data or {}
    changes = readable_changes(entry.changes_dict)
    event = f"{entry.content_type.name} {entry.get_action_display()}d".capitalize()
    return {"at": entry.timestamp, "actor": said.get("actor", ""), "event": event, "changes": changes}
