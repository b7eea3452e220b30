#!/usr/bin/env python
"""Django's command-line entry. A wrong setting, or no Postgres, is one sentence that says what to do."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from homecare.postgres import PostgresUnavailable

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "homecare.settings")
    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, PostgresUnavailable) as problem:
        sys.exit(str(problem))
