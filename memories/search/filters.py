"""What a search is narrowed down to, before anything is ranked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from django.db.models import Q

from memories.choices import Category, Kind, Priority, Scope, VerificationStatus


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Narrow down a search; several values of one filter mean any of them, and an empty filter lets everything pass.

    `…_after` includes its instant, `…_before` does not. `valid_at` asks for what held at that time. `also` is any
    other condition on memories.
    """

    category: Sequence[Category | str] = ()
    priority: Sequence[Priority | str] = ()
    kind: Sequence[Kind | str] = ()
    scope: Scope | str = ""
    scope_id: str = ""
    verification_status: Sequence[VerificationStatus | str] = ()
    said_after: datetime | None = None
    said_before: datetime | None = None
    recorded_after: datetime | None = None
    recorded_before: datetime | None = None
    valid_at: datetime | None = None
    also: Q = field(default_factory=Q)

    @property
    def condition(self) -> Q:
        """What a memory must fulfil; empty, and so false, when nothing is filtered."""
        condition = self.also
        for narrowing in fields(self):
            value = getattr(self, narrowing.name)
            if value and narrowing.name in _LOOKUPS:
                condition &= Q(**{_LOOKUPS[narrowing.name]: value})
        if self.valid_at:
            condition &= Q(valid_from__isnull=True) | Q(valid_from__lte=self.valid_at)
            condition &= Q(valid_to__isnull=True) | Q(valid_to__gte=self.valid_at)
        return condition


_LOOKUPS = {
    "category": "category__in",
    "priority": "priority__in",
    "kind": "kind__in",
    "scope": "scope",
    "scope_id": "scope_id",
    "verification_status": "verification_status__in",
    "said_after": "last_said_at__gte",
    "said_before": "last_said_at__lt",
    "recorded_after": "recorded_at__gte",
    "recorded_before": "recorded_at__lt",
}
