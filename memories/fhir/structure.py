"""Whether a resource is built as FHIR R4 says, by `fhir.resources`. For commands, jobs and tests: it is heavy."""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from memories.fhir.codes import wrong_codes


def problems_of(bundle: Mapping[str, Any]) -> list[str]:
    """What is wrong with a bundle: its structure by the library, the codes of its resources by us. Quotes no values."""
    return [*_structure(bundle), *_codes(bundle)]


def _structure(bundle: Mapping[str, Any]) -> Iterator[str]:
    try:
        get_fhir_model_class("Bundle").model_validate(bundle)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            yield f"{'.'.join(str(part) for part in problem['loc'])}: {problem['type']}"


def _codes(bundle: Mapping[str, Any]) -> Iterator[str]:
    for number, entry in enumerate(bundle.get("entry") or ()):
        resource = entry.get("resource") or {}
        yield from (f"entry.{number}.{resource.get('resourceType')}.{field}: code" for field in wrong_codes(resource))
