"""What every route of the mem0 face shares: JSON whatever is asked for, errors as one sentence, patients for users."""

from collections.abc import Callable, Iterable
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from memories.api.errors import answer_error
from memories.api.mem0.filters import Filters, read_filters
from memories.models import Memory
from patients.api import actor_of, visible_patient
from patients.models import Patient

NO_SUCH_MEMORY = "No memory with this id is in your care: check the id."
WHOSE = "Say whose memories: filters need a user_id, the id of a patient, on every way through them."
MOST_PATIENTS = 20
MOST_ON_A_PAGE = 200


class Unsupported(APIException):
    status_code = 501
    default_code = "unsupported"


class Mem0View(APIView):
    """A route of mem0's protocol. Its client reads `detail` alone, no empty answer, and follows no redirect."""

    renderer_classes = [JSONRenderer]
    schema = None

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return answer_in_one_sentence


def answer_in_one_sentence(error: Exception, context: dict[str, Any]) -> Response | None:
    """The API's own answer to an error, told in `detail`."""
    response = answer_error(error, context)
    if response is not None and not (isinstance(response.data, dict) and isinstance(response.data.get("detail"), str)):
        response.data = {"detail": " ".join(_sentences(response.data))}
    return response


def _sentences(told: Any, name: str = "") -> Iterable[str]:
    """`{"messages": ["This field is required."]}` as `messages: This field is required.`"""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from _sentences(value, "" if key == "non_field_errors" else str(key))
    elif isinstance(told, list):
        for value in told:
            yield from _sentences(value, name)
    else:
        yield f"{name}: {told}" if name else str(told)


def checked(shape: type[serializers.Serializer], data: Any) -> dict[str, Any]:
    """What was sent, as the shape has it. Raises `ValidationError`."""
    serializer = shape(data=data)
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data


def required_filters(asked: object, *conditions: object) -> Filters:
    """The filters, narrowed by these conditions where there are any. Raises `ValidationError` if they name nobody."""
    filters = read_filters({"AND": [part for part in (asked, *conditions) if part]} if any(conditions) else asked or {})
    if filters.users is None:
        raise ValidationError(WHOSE)
    return filters


def patients_of(request: Request, filters: Filters) -> list[Patient]:
    """The patients that the filters name. Raises `NotFound` for one who is unknown or not in the caller's care."""
    users = filters.users or frozenset()
    if len(users) > MOST_PATIENTS:
        raise ValidationError(f"Name at most {MOST_PATIENTS} patients at a time.")
    return [visible_patient(request, external_id) for external_id in sorted(users)]


def the_patient(request: Request, filters: Filters) -> Patient:
    """The one patient that the filters name."""
    patients = patients_of(request, filters)
    if len(patients) != 1:
        raise ValidationError("Name exactly one patient: filters={'user_id': '...'}.")
    return patients[0]


def the_memory(request: Request, memory_id: str, *, deleted_too: bool = False) -> Memory:
    """The memory of this id. Raises `NotFound` for one that is unknown, deleted, not in the caller's care, or no id."""
    try:
        key = serializers.UUIDField().to_internal_value(memory_id)
    except ValidationError:
        raise NotFound(NO_SUCH_MEMORY) from None
    memory = Memory.objects.visible_to(actor_of(request)).with_details().filter(pk=key).first()
    if memory is None:
        raise NotFound(NO_SUCH_MEMORY)
    if memory.deleted_at and not deleted_too:
        raise NotFound("This memory was deleted: history() tells when and why.")
    return memory


def page_of(request: Request, rows: Any, count: int, *, page_size: int) -> tuple[list[Any], dict[str, Any]]:
    """One page of rows by `?page=` and `?page_size=`, and the answer that it goes into."""
    number = _whole(request, "page", 1, at_most=1_000_000)
    size = _whole(request, "page_size", page_size, at_most=MOST_ON_A_PAGE)
    start = (number - 1) * size
    links = {
        "next": _page_link(request, number + 1) if start + size < count else None,
        "previous": _page_link(request, number - 1) if number > 1 else None,
    }
    return list(rows[start : start + size]), {"count": count, **links}


def _page_link(request: Request, number: int) -> str:
    params = request.query_params.copy()
    params["page"] = str(number)
    return request.build_absolute_uri(f"?{params.urlencode()}")


def _whole(request: Request, name: str, default: int, *, at_most: int) -> int:
    told = request.query_params.get(name, str(default))
    if not (told.isascii() and told.isdigit() and len(told) < 10 and 1 <= int(told) <= at_most):
        raise ValidationError(f"{name} is a number from 1 to {at_most}.")
    return int(told)
