"""The first credentials of a machine, kept in a file that only its owner reads: `NAME=value` lines, for a shell too."""

import os
import secrets
from pathlib import Path

#: Nothing that reads as another character, and nothing that a shell understands.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """Four groups of four, to be copied or typed: 79 random bits."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))


def read_credentials(path: Path) -> dict[str, str]:
    """What is kept, by name; nothing if there is no file yet."""
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, equals, value in pairs if equals}


def keep_credentials(path: Path, kept: dict[str, str]) -> None:
    """Replace the file in one step, readable by its owner alone from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in kept.items())
    fresh.replace(path)
