"""mem0's filter language, as one condition on memories: the queryset stays the one that everything else uses.

>>> read_filters({"AND": [{"user_id": "patient_123"}, {"created_at": {"gte": "2026-01-01"}}]})
Filters(users=frozenset({"patient_123"}), condition=<Q: ...>)

Whatever it does not know is refused by name, and so is a wildcard: nothing is silently all, or silently nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any
from uuid import UUID

from django.db.models import CharField, Exists, F, Func, JSONField, OuterRef, Q, Value
from django.db.models.fields.json import (
    KeyTextTransform,
    KeyTransform,
    KeyTransformGt,
    KeyTransformGte,
    KeyTransformLt,
    KeyTransformLte,
)
from django.db.models.functions import Coalesce
from django.db.models.lookups import Contains, Exact, IContains
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from rest_framework.exceptions import ValidationError

from memories.choices import Category
from memories.models import MemoryFeedback, Mention, Verdict

MOST_CONDITIONS = 200
LONGEST_VALUE = 500
WILDCARD = "*"

#: The categories that mem0 sorts by, in ours.
MEM0_CATEGORIES: Mapping[str, tuple[Category, ...]] = {
    "health": tuple(category for category in Category if category != Category.PREFERENCE),
    "user_preferences": (Category.PREFERENCE,),
}
#: What was said in or by whom, as the conversations of a memory's mentions know it.
ORIGINS = {"agent_id": "agent_id", "run_id": "session_id", "session_id": "session_id", "app_id": "app_id"}
TIMES = {
    "created_at": "recorded_at",
    "updated_at": "updated_at",
    "timestamp": "last_said_at",
    "expiration_date": "expires_at",
}
VERDICTS = {
    "POSITIVE": Verdict.POSITIVE,
    "NEGATIVE": Verdict.NEGATIVE,
    "VERY_NEGATIVE": Verdict.VERY_NEGATIVE,
}

#: A value without an operator means the operator "eq".
EQUALITY = ("eq", "ne", "in")
ORDER = ("gt", "gte", "lt", "lte")
COMPARED = dict(zip(ORDER, (KeyTransformGt, KeyTransformGte, KeyTransformLt, KeyTransformLte), strict=True))
TEXT = ("contains", "icontains")


@dataclass(frozen=True, slots=True)
class Filters:
    """`users` are the patients that the filters name, None if they leave open whose memories are meant."""

    users: frozenset[str] | None
    condition: Q


def read_filters(filters: object) -> Filters:
    """Raises `ValidationError` (400), whose message names what is not understood."""
    return _Reader().node(filters)


class _Reader:
    def __init__(self) -> None:
        self.conditions = 0

    def node(self, node: object) -> Filters:
        """`{"field": ..., "OR": [...]}`: all that stands beside each other must hold."""
        if not isinstance(node, dict):
            raise ValidationError("Filters are an object, as in {'user_id': 'patient_123'}.")
        if not node:
            raise ValidationError("Filters without a condition: name at least the patient, as in {'user_id': '...'}.")
        return _all(self._part(name, value) for name, value in node.items())

    def _part(self, name: str, value: object) -> Filters:
        self.conditions += 1
        if self.conditions > MOST_CONDITIONS:
            raise ValidationError(f"Filters have at most {MOST_CONDITIONS} conditions.")
        if name in ("AND", "OR", "NOT"):
            parts = [self.node(part) for part in _parts(name, value)]
            return {"AND": _all, "OR": _any, "NOT": _none}[name](iter(parts))
        if name not in FIELDS:
            known = ", ".join(sorted(FIELDS))
            raise ValidationError(f"Unknown filter {name[:50]!r}; known are AND, OR, NOT and {known}.")
        condition = FIELDS[name](name, value)
        return Filters(_named(value) if name == "user_id" else None, condition)


def _parts(name: str, value: object) -> list[Any]:
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise ValidationError(f"{name} needs at least one condition.")
    return parts


def _all(parts: Any) -> Filters:
    parts = list(parts)
    named = [part.users for part in parts if part.users is not None]
    return Filters(reduce(and_, named) if named else None, reduce(and_, (part.condition for part in parts)))


def _any(parts: Any) -> Filters:
    parts = list(parts)
    named = [part.users for part in parts]
    users = None if None in named else reduce(or_, named)
    return Filters(users, reduce(or_, (part.condition for part in parts)))


def _none(parts: Any) -> Filters:
    return Filters(None, ~_any(parts).condition)


def _named(value: object) -> frozenset[str] | None:
    """The users whom a condition on `user_id` names."""
    operator, operand = next(iter(_operations("user_id", value, EQUALITY)))
    if operator == "ne":
        return None
    return frozenset(operand if operator == "in" else [operand])


# --- conditions on one field -----------------------------------------------------------------------------------------


def _operations(name: str, value: object, allowed: tuple[str, ...]) -> list[tuple[str, Any]]:
    """(operator, operand) of a condition. Raises `ValidationError` for an operator that the field has not."""
    operations = list(value.items()) if isinstance(value, dict) else [("eq", value)]
    if isinstance(value, list):
        operations = [("in", value)]
    if not operations:
        raise ValidationError(f"{name} needs a value, or one of the operators {', '.join(allowed)}.")
    for operator, operand in operations:
        if operator == WILDCARD or operand == WILDCARD or (isinstance(operand, list) and WILDCARD in operand):
            raise ValidationError(f"{name}: wildcards are refused; name what is meant.")
        if operator not in allowed:
            raise ValidationError(f"{name} has no operator {operator[:50]!r}; it has {', '.join(allowed)}.")
        if operator == "in" and not (isinstance(operand, list) and 0 < len(operand) <= MOST_CONDITIONS):
            raise ValidationError(f"{name}: 'in' takes a list of 1 to {MOST_CONDITIONS} values.")
    return operations


def _texts(name: str, value: object, allowed: tuple[str, ...]) -> list[tuple[str, Any]]:
    """The operations of a field whose values are texts."""
    operations = _operations(name, value, allowed)
    for operator, operand in operations:
        for text in operand if operator == "in" else [operand]:
            if not isinstance(text, str) or not 0 < len(text) <= LONGEST_VALUE:
                raise ValidationError(f"{name} takes texts of 1 to {LONGEST_VALUE} characters.")
    return operations


def _combined(operations: list[tuple[str, Any]], condition: Callable[[list[Any]], Q]) -> Q:
    """eq, ne and in, by what it takes to be one of several values."""
    found = [
        ~condition([operand]) if operator == "ne" else condition(operand if operator == "in" else [operand])
        for operator, operand in operations
    ]
    return reduce(and_, found)


def _user(name: str, value: object) -> Q:
    operations = _texts(name, value, EQUALITY)
    if len(operations) > 1:
        raise ValidationError("user_id takes one operator.")
    return _combined(operations, lambda names: Q(patient__external_id__in=names))


def _origin(name: str, value: object) -> Q:
    mentions = Mention.objects.filter(memory=OuterRef("pk"))
    lookup = f"turn__conversation__{ORIGINS[name]}__in"
    return _combined(_texts(name, value, EQUALITY), lambda names: Q(Exists(mentions.filter(**{lookup: names}))))


def _time(name: str, value: object) -> Q:
    """A day is meant as a whole: `lte` includes it, `gt` begins after it."""
    field, condition = TIMES[name], Q()
    for operator, operand in _operations(name, value, ("eq", "ne", *ORDER)):
        start, end = _instants(name, operand)
        within = Q(**{f"{field}__gte": start, f"{field}__lt": end})
        condition &= {
            "eq": within,
            "ne": ~within,
            "gte": Q(**{f"{field}__gte": start}),
            "gt": Q(**{f"{field}__gte": end}),
            "lt": Q(**{f"{field}__lt": start}),
            "lte": Q(**{f"{field}__lt": end}),
        }[operator]
    return condition


def _instants(name: str, value: object) -> tuple[datetime, datetime]:
    """When a day, a second (a number of them since 1970) or a moment begins, and when it is over."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            start = datetime.fromtimestamp(value, UTC)
            return start, start + timedelta(seconds=1)
        if isinstance(value, str) and (day := _day(value)):
            return _midnight(day), _midnight(day + timedelta(days=1))
        if isinstance(value, str) and (instant := parse_datetime(value)):
            aware = instant if instant.tzinfo else timezone.make_aware(instant)
            return aware.astimezone(UTC), aware.astimezone(UTC) + timedelta(microseconds=1)
    except (ValueError, OverflowError, OSError):
        pass
    raise ValidationError(f"{name} takes a date such as 2026-01-31, a time in ISO 8601, or seconds since 1970.")


def _day(value: str) -> date | None:
    return parse_date(value) if len(value) == len("2026-01-31") else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _category(name: str, value: object) -> Q:
    operations = [
        (operator, _categories(operand, is_part=operator in TEXT))
        if operator != "in"
        else (operator, [_categories(one, is_part=False) for one in operand])
        for operator, operand in _texts(name, value, (*EQUALITY, *TEXT))
    ]
    return _combined(
        [("eq" if operator in TEXT else operator, operand) for operator, operand in operations],
        lambda groups: Q(category__in={category for group in groups for category in group}),
    )


def _categories(name: str, *, is_part: bool) -> tuple[Category, ...]:
    """The categories of this name, or whose name it is a part of."""
    known = {**{category.value: (category,) for category in Category}, **MEM0_CATEGORIES}
    meant = name.lower()
    found = {c for word, group in known.items() if (meant in word if is_part else meant == word) for c in group}
    if not found:
        raise ValidationError(f"Unknown category {name[:50]!r}; known are {', '.join(known)}.")
    return tuple(found)


def _keywords(name: str, value: object) -> Q:
    """Words in the sentence of a memory; without an operator whatever their case."""
    lookups = {"contains": "content__contains", "icontains": "content__icontains", "eq": "content__icontains"}
    operations = _texts(name, value, ("eq", *TEXT))
    return reduce(and_, (Q(**{lookups[operator]: operand}) for operator, operand in operations))


def _ids(name: str, value: object) -> Q:
    return _combined(_texts(name, value, EQUALITY), lambda ids: Q(pk__in=[_uuid(name, one) for one in ids]))


def _uuid(name: str, value: str) -> UUID:
    try:
        return UUID(value)
    except ValueError:
        raise ValidationError(f"{name} takes ids of memories, which are UUIDs.") from None


def _feedback(name: str, value: object) -> Q:
    given = MemoryFeedback.objects.filter(memory=OuterRef("pk"))
    if name == "feedback_reason":
        operations = _texts(name, value, TEXT)
        return reduce(and_, (Q(Exists(given.filter(**{f"reason__{how}": text}))) for how, text in operations))
    return _combined(
        _texts(name, value, EQUALITY),
        lambda verdicts: Q(Exists(given.filter(verdict__in=[_verdict(one) for one in verdicts]))),
    )


def _verdict(name: str) -> Verdict:
    if name not in VERDICTS:
        raise ValidationError(f"Unknown feedback {name[:50]!r}; known are {', '.join(VERDICTS)}.")
    return VERDICTS[name]


# --- metadata --------------------------------------------------------------------------------------------------------


def _metadata(name: str, value: object) -> Q:
    """`{"metadata": {"shift": "night", "pain": {"gte": 4}}}`: each key by a value, or by operators."""
    if not isinstance(value, dict) or not value:
        raise ValidationError("metadata takes an object of keys and values, as in {'shift': 'night'}.")
    return reduce(and_, (_metadata_key(key, wanted) for key, wanted in value.items()))


def _metadata_key(key: str, wanted: object) -> Q:
    condition = Q()
    for operator, operand in _operations(f"metadata.{key[:50]}", wanted, (*EQUALITY, *ORDER, *TEXT)):
        if operator in EQUALITY:
            condition &= _combined([(operator, operand)], lambda values: _is_one_of(key, values))
        elif operator in ORDER:
            condition &= _is_beyond(key, operator, operand)
        else:
            condition &= _has_text(key, operator, operand)
    return condition


def _is_one_of(key: str, values: list[Any]) -> Q:
    return reduce(or_, (Q(metadata__contains={key: value}) for value in values))


def _is_beyond(key: str, operator: str, operand: object) -> Q:
    """Compared like with like: numbers with numbers, texts (such as dates in ISO 8601) with texts."""
    is_number = isinstance(operand, int | float) and not isinstance(operand, bool)
    if not is_number and not isinstance(operand, str):
        raise ValidationError(f"metadata.{key[:50]}: {operator!r} takes a number or a text.")
    stored = KeyTransform(key, F("metadata"))
    kind = Coalesce(Func(stored, function="jsonb_typeof", output_field=CharField()), Value(""))
    compared = COMPARED[operator](stored, Value(operand, JSONField()))
    return Q(Exact(kind, Value("number" if is_number else "string"))) & Q(compared)


def _has_text(key: str, operator: str, operand: object) -> Q:
    """A part of a text, or an entry of a list."""
    if not isinstance(operand, str) or not operand:
        raise ValidationError(f"metadata.{key[:50]}: {operator!r} takes a text.")
    stored = Coalesce(KeyTextTransform(key, F("metadata")), Value(""), output_field=CharField())
    lookup = Contains if operator == "contains" else IContains
    return Q(lookup(stored, operand)) | Q(metadata__contains={key: [operand]})


FIELDS: Mapping[str, Callable[[str, object], Q]] = {
    "user_id": _user,
    **dict.fromkeys(ORIGINS, _origin),
    **dict.fromkeys(TIMES, _time),
    "categories": _category,
    "metadata": _metadata,
    "keywords": _keywords,
    "memory_ids": _ids,
    "feedback": _feedback,
    "feedback_reason": _feedback,
}
