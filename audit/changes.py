"""Changes as django-auditlog keeps them, without what says nothing; and in words for people."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: How auditlog writes relations that it does not follow.
_RELATION = re.compile(r"\w+\.\w+\.None")
NOTHING = (None, "", "None", "[]", "{}")


def clean_changes(changes: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Fields, each with its value before and after; fields that were and are empty are left out.

    >>> clean_changes({"as_needed": ["None", "True"], "dose": ["None", ""]})
    {'as_needed': [None, 'True']}
    """
    cleaned = {
        name: [_value(value) for value in values[:2]]
        for name, values in changes.items()
        if isinstance(values, list | tuple)
    }
    return {name: values for name, values in cleaned.items() if values != [None, None]}


def readable_changes(changes: Mapping[str, Any], *, leave_out: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    """As `clean_changes`, with field names in words and "" for nothing.

    >>> readable_changes({"as_needed": ["None", "True"], "dose": ["None", ""]})
    {'As needed': ('', 'True')}
    """
    return {
        name.replace("_", " ").capitalize(): (_worded(before), _worded(after))
        for name, (before, after) in clean_changes(changes).items()
        if name not in leave_out
    }


def _value(value: Any) -> Any:
    return None if value in NOTHING or _RELATION.fullmatch(str(value)) else value


def _worded(value: Any) -> str:
    return "" if value is None else str(value)
