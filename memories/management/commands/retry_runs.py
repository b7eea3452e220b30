from argparse import ArgumentTypeError
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import acting_as, system_actor
from memories.ingestion import start_again
from memories.models import ExtractionRun

RETRIER = system_actor("retry_runs")


class Command(BaseCommand):
    help = (
        "List the conversations whose reading has failed, each with the reason; with ids or --all, have the worker "
        "read them again. A run that a later one has followed is not listed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("runs", nargs="*", type=_run_id, default=[], metavar="ID", help="runs to start again")
        which.add_argument("--all", action="store_true", help="start every failed run again")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_as(RETRIER):
            failed = list(ExtractionRun.objects.unread().order_by("created_at"))
            chosen = failed if options["all"] else _chosen(failed, options["runs"])
            for run in chosen:
                start_again(run=run)
        if options["all"] or options["runs"]:
            self.stdout.write(f"{len(chosen)} started again: the worker reads them.")
            return
        for run in failed:
            self.stdout.write(f"{run.pk}  {run.created_at:%Y-%m-%d %H:%M}  {run.error}")
        self.stdout.write(f"{len(failed)} failed. Start them again with --all, or with their ids.")


def _run_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is no id of a run: this command lists them.") from None


def _chosen(failed: list[ExtractionRun], ids: list[UUID]) -> list[ExtractionRun]:
    """Raises `CommandError`, before anything is started, if one of these has not failed."""
    by_id = {run.pk: run for run in failed}
    if unknown := [str(id) for id in ids if id not in by_id]:
        raise CommandError(f"No failed run waits under {', '.join(unknown)}: run this without ids for a list.")
    return [by_id[id] for id in dict.fromkeys(ids)]
