"""Typed filters of the memory list. An unknown one is a 400, never silently nothing."""

import django_filters
from django.http import QueryDict
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
