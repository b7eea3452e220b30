from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import system_actor
from audit.retention import PurgeRefused, purge_log

PURGER = system_actor("purge_log")


class Command(BaseCommand):
    help = (
        "Take entries out of the logs that were written before a day, six years ago at least. What is on legal hold "
        "stays. The database's owner does it, on record, and what is left can still be verified."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--before", required=True, type=datetime.fromisoformat, metavar="DAY", help="as 2019-01-31")
        parser.add_argument("--reason", required=True, help="why, and who asked for it; names no patient")

    def handle(self, *args: Any, **options: Any) -> None:
        before = options["before"].replace(tzinfo=UTC)
        try:
            taken = purge_log(before=before, by=PURGER, reason=options["reason"])
        except PurgeRefused as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{taken} entries taken out.")
