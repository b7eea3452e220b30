"""Memories in a shape of the caller's own: a JSON schema filled in by the names of its properties. No LLM.

>>> fill({"properties": {"allergies": {"type": "array"}}}, memories)
{"allergies": ["Allergic to penicillin (unconfirmed, said today)."]}
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memories.choices import Category
from memories.models import Memory
from memories.prompting import with_status

Schema = Mapping[str, Any]

#: How a property is known to be about a category: by the beginning of a word in its name, or else in its description.
STEMS: Mapping[Category, tuple[str, ...]] = {
    Category.MEDICAL_HISTORY: ("history", "condition", "diagnos", "problem", "illness", "disease"),
    Category.ALLERGY: ("allerg", "intoleran"),
    Category.MEDICATION: ("medicat", "medicine", "drug", "prescri"),
    Category.PREFERENCE: ("prefer", "like", "wish"),
    Category.OBSERVATION: ("observ", "symptom", "vital", "note"),
    Category.APPOINTMENT: ("appointment", "visit"),
}
EVERYTHING = ("memor", "fact")
#: A schema may refer to itself; no deeper than this.
DEEPEST = 10

#: What a property of one memory's object may ask for.
DETAILS: Mapping[str, Callable[[Memory], object]] = {
    "id": lambda memory: str(memory.pk),
    "category": lambda memory: memory.category,
    "priority": lambda memory: memory.priority,
    "verification_status": lambda memory: memory.verification_status,
    "clinical_status": lambda memory: memory.clinical_status,
    "last_said_at": lambda memory: memory.last_said_at.isoformat(),
    "created_at": lambda memory: memory.recorded_at.isoformat(),
    **dict.fromkeys(("name", "about"), lambda memory: memory.about),
    **dict.fromkeys(("content", "memory", "text", "description"), with_status),
    **dict.fromkeys(("substance", "allergen"), lambda memory: _detail(memory, "substance")),
    **dict.fromkeys(("drug", "medication"), lambda memory: _detail(memory, "drug")),
    **dict.fromkeys(("dose", "dosage"), lambda memory: _detail(memory, "dose")),
    **{
        name: lambda memory, name=name: _detail(memory, name)  # type: ignore[misc] # because it is bound here
        for name in ("reaction", "severity", "route", "frequency", "status")
    },
}


def fill(schema: Schema, memories: Sequence[Memory]) -> dict[str, Any]:
    """The schema's object with what these memories say. What none of them says is None, or an empty list."""
    return _object(schema, memories, _Definitions(schema))


class _Definitions:
    """What a schema's `$ref`s stand for."""

    def __init__(self, schema: Schema) -> None:
        self._named = {
            f"#/{place}/{name}": meant
            for place in ("$defs", "definitions")
            for name, meant in _mapping(schema.get(place)).items()
        }

    def resolved(self, schema: object) -> Schema:
        """The schema that is meant: of a reference its target, of alternatives the first that is not null."""
        for _ in range(DEEPEST):
            known = _mapping(schema)
            if "$ref" in known:
                schema = self._named.get(str(known["$ref"]))
            elif alternatives := [
                _mapping(one) for one in known.get("anyOf") or () if _mapping(one).get("type") != "null"
            ]:
                schema = alternatives[0]
            else:
                return known
        return {}


def _object(schema: Schema, memories: Sequence[Memory], definitions: _Definitions, depth: int = 0) -> dict[str, Any]:
    return {
        name: _property(name, definitions.resolved(wanted), memories, definitions, depth + 1)
        for name, wanted in _mapping(schema.get("properties")).items()
    }


def _property(name: str, wanted: Schema, memories: Sequence[Memory], definitions: _Definitions, depth: int) -> Any:
    kind = wanted.get("type", "array")
    if kind == "object" and depth < DEEPEST:
        return _object(wanted, memories, definitions, depth)
    meant = [memory for memory in memories if _is_about(memory, name, str(wanted.get("description", "")))]
    if kind == "array":
        return [_item(memory, definitions.resolved(wanted.get("items"))) for memory in meant]
    return " ".join(with_status(memory) for memory in meant) or None if kind == "string" else None


def _item(memory: Memory, wanted: Schema) -> Any:
    """A memory as one entry of a list. An allergy or a medication brings its status along, if the schema lets it."""
    if wanted.get("type") != "object":
        return with_status(memory)
    asked = dict.fromkeys(_mapping(wanted.get("properties")))
    if memory.is_critical and wanted.get("additionalProperties") is not False:
        asked["verification_status"] = None
    return {name: DETAILS[name](memory) if name in DETAILS else None for name in asked}


def _is_about(memory: Memory, name: str, description: str) -> bool:
    for said in (name, description):
        words = said.replace("_", " ").lower().split()
        if any(word.startswith(EVERYTHING) for word in words):
            return True
        categories = [category for category, stems in STEMS.items() if any(word.startswith(stems) for word in words)]
        if categories:
            return memory.category == categories[0]
    return False


def _detail(memory: Memory, name: str) -> object:
    detail = getattr(memory, str(memory.category), None)
    return getattr(detail, name, None) or None


def _mapping(value: object) -> Schema:
    return value if isinstance(value, Mapping) else {}
