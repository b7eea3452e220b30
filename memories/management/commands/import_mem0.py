import json
import sys
from pathlib import Path
from typing import Any, TextIO, cast

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from audit.actors import system_actor
from memories.importers.importing import Importing, ImportStopped, run_by
from memories.importers.people import People, UsersRefused, read_map
from memories.importers.report import EVENT_OUTCOMES, ROW_OUTCOMES, Report
from memories.importers.sources import FILE_KINDS, SourceRefused, Sources, recognise

#: Broken places that the table shows; the JSON has more.
SHOWN = 10


class Command(BaseCommand):
    help = (
        "Bring memories in from mem0: JSON of get_all, a CSV or dump of its table, history.db, OpenMemory's zip, a "
        "folder of these, postgresql://...?table=memories, or https://api.mem0.ai with MEM0_API_KEY. What was imported "
        "before is left alone; nothing at the source is changed. Killed, it goes on where it was when it is run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("--map-users", type=Path, metavar="FILE", help="whose patient each user is (CSV or JSON)")
        parser.add_argument("--create-patients", action="store_true", help="make patients of users who are none yet")
        parser.add_argument("--dry-run", action="store_true", help="say what would become of each row; store nothing")
        parser.add_argument("--strict", action="store_true", help="stop at the first row that cannot be read")
        parser.add_argument("--kind", choices=sorted(FILE_KINDS), help="what the files are, if the guess is wrong")
        parser.add_argument("--background", action="store_true", help="store now, and leave the rest to the worker")
        parser.add_argument("--quarantine", type=Path, metavar="FILE", help="where rows without a patient go")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(TextIO, self.stdout), highlight=False)
        importing = self._importing(options)
        try:
            importing.survey()
            self._carry_out(importing, console, show=sys.stdout.isatty() and not options["json"])
            report = importing.finish()
        except (ImportStopped, SourceRefused) as refusal:
            raise CommandError(str(refusal)) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
        else:
            print_report(report, console)

    def _importing(self, options: dict[str, Any]) -> Importing:
        try:
            mapped = read_map(options["map_users"]) if options["map_users"] else {}
            sources = _recognised(options)
        except (UsersRefused, SourceRefused) as refusal:
            raise CommandError(str(refusal)) from None
        return Importing(
            sources,
            people=People(mapped, create=options["create_patients"]),
            by=run_by(system_actor("import")),
            strict=options["strict"],
            inline=not options["background"],
            dry_run=options["dry_run"],
            quarantine=options["quarantine"],
        )

    def _carry_out(self, importing: Importing, console: Console, *, show: bool) -> None:
        bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*bar, console=console, disable=not show) as progress:
            for step in importing.steps():
                shown = progress.add_task(step.name, total=step.total)
                for done in step.work:
                    progress.advance(shown, done)


def _recognised(options: dict[str, Any]) -> Sources:
    return recognise(options["source"], kind=options["kind"] or "", api_key=settings.MEM0_API_KEY)


def print_report(report: Report, console: Console) -> None:
    """The report as a table: what was read, what became of it, and why."""
    told = report.as_json()
    kinds = ", ".join(sorted(set(report.kinds.values())))
    title = f"{'Rehearsal: nothing is stored. ' if report.dry_run else ''}{report.source}, read as {kinds}"
    table = Table("", "rows", "history", "why", title=title, title_justify="left")
    table.add_row("read", str(told["rows"]["read"]), str(told["history"]["read"]), "")
    for outcome in dict.fromkeys((*ROW_OUTCOMES, *EVENT_OUTCOMES)):
        rows, history = told["rows"].get(outcome, 0), told["history"].get(outcome, 0)
        if rows or history or outcome in ("imported", "quarantined", "skipped"):
            table.add_row(outcome, str(rows), str(history), _why(told, outcome))
    console.print(table)
    for line in _remarks(report, told):
        console.print(line, soft_wrap=True, markup=False)


def _why(told: dict[str, Any], outcome: str) -> str:
    reasons = [told[what]["reasons"].get(outcome, {}) for what in ("rows", "history")]
    return "; ".join(f"{reason}: {number}" for each in reasons for reason, number in each.items())


def _remarks(report: Report, told: dict[str, Any]) -> list[str]:
    remarks = []
    if report.relations_dropped:
        remarks.append(f"{report.relations_dropped} relations dropped: mem0's graph is not brought along.")
    if report.unknown_users:
        remarks.append(f"Users who are no patients here: {', '.join(report.unknown_users)}.")
    if report.patients_created:
        remarks.append(f"{report.patients_created} patients made.")
    remarks += [f"Not read: {each['place']}: {each['reason']}." for each in report.broken[:SHOWN]]
    if len(report.broken) > SHOWN:
        remarks.append(f"Not read: {len(report.broken) - SHOWN} more; --json lists them.")
    remarks += [f"Passed over: {each}" for each in report.passed_over]
    if report.quarantine:
        remarks.append(f"What could not be stored is kept in {report.quarantine}")
    rates = told["rows_a_second"]
    if rates:
        remarks.append(", ".join(f"{name.replace('_', ' ')}: {rate:.0f} rows a second" for name, rate in rates.items()))
    return remarks
