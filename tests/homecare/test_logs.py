"""No word of a patient reaches a log, whatever goes wrong."""

import logging
from io import StringIO

import pytest
from django.conf import settings

from homecare.logs import QuietFormatter, RouteInsteadOfPath
from tests.conftest import ApiClient

SECRET = "Edith-Hale-has-scabies"


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Everything that the configured handler would print."""
    stream = StringIO()
    handler = next(handler for handler in logging.getLogger().handlers if _is_ours(handler))
    monkeypatch.setattr(handler, "stream", stream)
    return stream


def _is_ours(handler: logging.Handler) -> bool:
    return isinstance(handler.formatter, QuietFormatter)


def test_exception_is_told_without_its_message(log: StringIO) -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(f"no {SECRET}") from error
    except ValueError:
        logging.getLogger("memories").exception("It failed.")
    told = log.getvalue()
    assert "It failed." in told
    assert "ValueError at" in told
    assert "KeyError at" in told
    assert "test_exception_is_told_without_its_message" in told
    assert SECRET not in told


def test_failing_request_names_its_route_and_nobody(
    log: StringIO, nora_api: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("patients.api.visible_patient", fail)
    nora_api.raise_request_exception = False
    assert nora_api.get(f"/api/v1/patients/{SECRET}").status_code == 500
    assert nora_api.get(f"/api/v1/nowhere/{SECRET}").status_code == 404
    told = log.getvalue()
    assert "patients/<str:external_id>" in told
    assert SECRET not in told


def test_only_our_handler_is_configured() -> None:
    assert list(settings.LOGGING["handlers"]) == ["console"]
    assert RouteInsteadOfPath.__name__ in settings.LOGGING["filters"]["routes"]["()"]
