"""Hooks of the OpenAPI schema."""

from typing import Any


def without_trailing_slashes(endpoints: list[tuple[str, str, str, Any]], **kwargs: Any) -> list[Any]:
    """Show each route once, as it is documented."""
    return [endpoint for endpoint in endpoints if not endpoint[0].endswith("/")]


#: What any route may answer beside what it declares.
REFUSALS = {
    "400": "Not understood: by the name of each field, sentences that say what to do; or `detail`.",
    "401": "No key, or one that is unknown, expired or revoked.",
    "403": "The role or the key does not allow this.",
    "404": "Unknown, or not in your care.",
    "405": "There is no such method here.",
    "406": "Only JSON is answered.",
    "409": "This does not fit what has become of it: `detail` says what to do.",
    "413": "Too much at a time.",
    "415": "Only JSON is read.",
    "429": "Too often: `Retry-After` says when to come again, in seconds.",
}
DETAIL = {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}


def with_refusals(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Show what each route answers when it refuses."""
    result["components"]["schemas"]["Refusal"] = DETAIL
    for path in result["paths"].values():
        for operation in path.values():
            for status, description in REFUSALS.items():
                shape = {} if status == "400" else {"$ref": "#/components/schemas/Refusal"}
                content = {"application/json": {"schema": shape}}
                operation["responses"].setdefault(status, {"description": description, "content": content})
    return result
