from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from memories.demonstration.cast import load_cast
from memories.demonstration.staging import NotReady, Staged, stage
from memories.demonstration.telling import tell

WHERE_NEXT = """
[bold]Where to look next[/bold]
  /admin/     the review queue: each item with its words, to confirm or refute
  /api/docs/  the same over REST; the examples in README.md work as printed
"""


class Command(BaseCommand):
    help = "Tell the demonstration: what was said about two fictional patients, and what the product made of it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="say in one line what was remembered")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(TextIO, self.stdout), highlight=False)
        for number, part in enumerate(load_cast()):
            try:
                nurse, staged = stage(part)
            except NotReady as problem:
                raise CommandError(str(problem)) from None
            if options["quiet"]:
                console.print(_in_one_line(staged))
            else:
                tell(console, staged, nurse, briefly=number > 0)
        if not options["quiet"]:
            console.print(WHERE_NEXT)


def _in_one_line(staged: Staged) -> str:
    made = sum(len(run.made) for run in staged.runs)
    return f"{staged.patient.name} ({staged.patient.external_id}): {len(staged.runs)} conversations, {made} memories."
