from dataclasses import fields
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from memories.benchmark.report import as_table
from memories.benchmark.run import Sizes, run, run_pages

WIDTH = 150
SIZES = {
    "patients": "patients of the nurse who asks",
    "memories": "memories of each of them",
    "large": "memories of the one who has many",
    "rounds": "calls of each kind",
    "seconds": "of each throughput",
}


class Command(BaseCommand):
    help = "Measure search, write and memory beside the least that could do the same, in a database made for the run."

    def add_arguments(self, parser: CommandParser) -> None:
        for size in fields(Sizes):
            kind = float if size.name == "seconds" else int
            text = f"{SIZES[size.name]} (default {size.default})"
            parser.add_argument(f"--{size.name}", type=kind, default=size.default, help=text)
        parser.add_argument("--pages", action="store_true", help="measure the pages of staff instead")
        parser.add_argument("--check", action="store_true", help="fail when a target is missed")

    def handle(self, *args: Any, **options: Any) -> None:
        sizes = Sizes(**{name: options[name] for name in SIZES})
        measure = run_pages if options["pages"] else run
        circumstances, lines = measure(sizes, tell=self.stderr.write)
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(IO[str], self.stdout), width=WIDTH, highlight=False)
        console.print(f"{circumstances}; {sizes.patients} patients x {sizes.memories} memories. Times are p50 / p95.\n")
        console.print(as_table(lines))
        missed = [line.what for line in lines if line.met is False]
        if options["check"] and missed:
            raise CommandError(f"Missed: {', '.join(missed)}.")
