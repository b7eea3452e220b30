"""From a checkout to a usable database: `python -m homecare.prepare [later|due|always]`."""

import argparse
import os
import sys
from typing import Literal

import django
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections

from .postgres import PostgresUnavailable

Demo = Literal["later", "due", "always"]


def prepare(demo: Demo = "later") -> None:
    """Migrate, make the first credentials, and tell the demonstration: later, if it is due, or always.

    It is due once, for a new database, but not in production. A file keeps that until it was told, so that a
    first run that is killed does not lose it.
    """
    due = settings.VAR_DIR / "demo_due"
    if not settings.PRODUCTION and not connections["owner"].introspection.table_names():
        settings.VAR_DIR.mkdir(exist_ok=True)
        due.touch()
    call_command("migrate", database="owner", interactive=False, verbosity=0)
    call_command("check", databases=["default"])
    call_command("bootstrap")
    if demo == "always" or (demo == "due" and due.exists()):
        call_command("demo")
        due.unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m homecare.prepare", description=prepare.__doc__)
    parser.add_argument("demo", nargs="?", choices=["later", "due", "always"], default="later")
    chosen = parser.parse_args().demo
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homecare.settings")
    try:
        django.setup()
        prepare(chosen)
    except (CommandError, ImproperlyConfigured, PostgresUnavailable) as problem:
        sys.exit(str(problem))
