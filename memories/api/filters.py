"""Typed filters of the memory list. An unknown one is a 400, never silently nothing."""

from datetime import datetime

import django_filters
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError

from memories.choices import Category, Kind, Priority, Scope, VerificationStatus
from memories.models import Memory, MemoryQuerySet

#: What the pages add to the query themselves.
PAGING = {"cursor", "page_size", "format"}


class MemoryFilter(django_filters.FilterSet):
    category = django_filters.MultipleChoiceFilter(choices=Category.choices)
    priority = django_filters.MultipleChoiceFilter(choices=Priority.choices)
    kind = django_filters.MultipleChoiceFilter(choices=Kind.choices)
    scope = django_filters.ChoiceFilter(choices=Scope.choices)
    scope_id = django_filters.CharFilter(max_length=100)
    verification_status = django_filters.MultipleChoiceFilter(choices=VerificationStatus.choices)
    said_after = django_filters.IsoDateTimeFilter("last_said_at", lookup_expr="gte")
    said_before = django_filters.IsoDateTimeFilter("last_said_at", lookup_expr="lt")

    class Meta:
        model = Memory
        fields: list[str] = []


def filter_memories(memories: MemoryQuerySet, params: QueryDict) -> MemoryQuerySet:
    """Apply the filters of a query string. Raises `ValidationError` (400) for an unknown one or a wrong value."""
    known = {"patient_id", *PAGING, *MemoryFilter.base_filters}
    if unknown := sorted(set(params) - known):
        raise ValidationError({name: [f"Unknown filter; known are: {', '.join(sorted(known))}."] for name in unknown})
    filters = MemoryFilter(params, queryset=memories)
    if not filters.is_valid():
        raise ValidationError(filters.errors)
    return filters.qs


def filter_parameters() -> list[OpenApiParameter]:
    """The filters, as the OpenAPI schema shows them."""
    return [_shown(name, narrowing) for name, narrowing in MemoryFilter.base_filters.items()]


def _shown(name: str, narrowing: django_filters.Filter) -> OpenApiParameter:
    if isinstance(narrowing, django_filters.ChoiceFilter | django_filters.MultipleChoiceFilter):
        values = [value for value, _ in narrowing.extra["choices"]]
        return OpenApiParameter(name, str, enum=values, many=isinstance(narrowing, django_filters.MultipleChoiceFilter))
    return OpenApiParameter(name, datetime if isinstance(narrowing, django_filters.IsoDateTimeFilter) else str)
