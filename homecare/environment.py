"""Typed reads of the environment. A value that cannot be meant raises `ImproperlyConfigured`: what to set instead.

An empty value is none: the default holds, as if the name were not there.
"""

import logging
import re
from collections.abc import Sequence
from typing import Final
from zoneinfo import available_timezones

import environ
from django.core.exceptions import ImproperlyConfigured

env: Final = environ.Env()

BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
ORIGIN = re.compile(r"https?://[^/\s*@]+")
SERVER = re.compile(r"https?://[^/\s@]+(/\S*)?")
POSTGRES = re.compile(r"postgres(ql)?://\S+")


def text(name: str, default: str = "") -> str:
    """The value as it stands, without spaces around it."""
    return env.str(name, "").strip() or default


def boolean(name: str, default: bool) -> bool:
    """True or false, said as `true`, `yes`, `on`, `1`, or as their opposites."""
    value = text(name, str(default)).lower()
    if value not in BOOLEANS:
        raise _wrong(name, "true or false")
    return BOOLEANS[value]


def integer(name: str, default: int, *, at_least: int, at_most: int | None = None) -> int:
    """A whole number, both bounds included."""
    value = text(name, str(default))
    if not re.fullmatch(r"-?\d+", value) or not _is_within(int(value), at_least, at_most):
        raise _wrong(name, f"a whole number {_range(at_least, at_most)}")
    return int(value)


def number(name: str, default: float, *, at_least: float, at_most: float | None = None) -> float:
    """A number with or without decimals, both bounds included."""
    value = text(name, str(default))
    if not re.fullmatch(r"-?\d+(\.\d+)?", value) or not _is_within(float(value), at_least, at_most):
        raise _wrong(name, f"a number {_range(at_least, at_most)}")
    return float(value)


def choice(name: str, default: str, known: Sequence[str]) -> str:
    """One of the known words."""
    value = text(name, default)
    if value not in known:
        raise _wrong(name, " or ".join(known))
    return value


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """What stands between commas."""
    return [word for part in text(name).split(",") if (word := part.strip())] or list(default)


def choices(name: str, default: Sequence[str], known: Sequence[str]) -> list[str]:
    """Some of the known words, between commas."""
    chosen = words(name, default)
    if not set(chosen) <= set(known):
        raise _wrong(name, f"some of these, with commas between them: {', '.join(known)}")
    return chosen


def origins(name: str) -> list[str]:
    """Schemes and hosts without a path, between commas."""
    named = words(name)
    if not all(ORIGIN.fullmatch(origin) for origin in named):
        raise _wrong(name, "scheme and host without a path, such as https://app.example.org, with commas between them")
    return named


def server(name: str) -> str:
    """The address of an HTTP server, or ""."""
    address = text(name)
    if address and not SERVER.fullmatch(address):
        raise _wrong(name, "an address such as http://127.0.0.1:11434/v1")
    return address


def postgres(name: str) -> str:
    """The address of a database, or ""."""
    address = text(name)
    if address and not POSTGRES.fullmatch(address):
        raise _wrong(name, "postgresql://role:password@host/name")
    return address


def time_zone(name: str, default: str) -> str:
    zone = text(name, default)
    if zone not in available_timezones():
        raise _wrong(name, "a time zone such as UTC or America/New_York")
    return zone


def log_level(name: str, default: str) -> str:
    level = text(name, default).upper()
    if level not in logging.getLevelNamesMapping():
        raise _wrong(name, "DEBUG, INFO, WARNING, ERROR or CRITICAL")
    return level


def _is_within(value: float, at_least: float, at_most: float | None) -> bool:
    return at_least <= value and (at_most is None or value <= at_most)


def _range(at_least: float, at_most: float | None) -> str:
    return f"of {at_least} or more" if at_most is None else f"from {at_least} to {at_most}"


def _wrong(name: str, meant: str) -> ImproperlyConfigured:
    """Without the value: it might be a secret."""
    return ImproperlyConfigured(f"{name} is not what it should be: set it to {meant}.")
