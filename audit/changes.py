"""Changes as django-auditlog keeps them, in words for people."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

#: How auditlog writes relations that it does not follow.
_RELATION = re.compile(r"\w+\.\w+\.None")
NOTHING = (None, "", "None", "[]", "{}")


def readable_changes(changes: Mapping[str, Any], *, leave_out: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    """Field names in words, each with its value before and after; fields that were and are empty are left out.

    >>> readable_changes({"as_needed": ["None", "True"], "dose": ["None", ""]})
    {'As needed': ('', 'True')}
    """
    return {
        name.replace("_", " ").capitalize(): (_worded(values[0]), _worded(values[1]))
        for name, values in changes.items()
        if name not in leave_out and isinstance(values, list | tuple) and _says_something(values)
    }


def _says_something(values: Sequence[Any]) -> bool:
    return any(value not in NOTHING and not _RELATION.fullmatch(str(value)) for value in values[:2])


def _worded(value: Any) -> str:
    return "" if value in NOTHING else str(value)
