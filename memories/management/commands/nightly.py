from typing import Any, TextIO, cast
from uuid import UUID

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import track

from audit.actors import acting_as, system_actor
from memories.nightly import Tended, patients_to_tend, tend
from patients.models import Patient

ACTOR = system_actor("nightly")


class Command(BaseCommand):
    help = "Do now what is done by night: expiry, ageing, grouping of near-duplicates, summary texts. Safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(TextIO, self.stdout), highlight=False)
        keys = patients_to_tend(by=ACTOR)
        tended = [self._tend(key) for key in track(keys, "By night", console=console, disable=not console.is_terminal)]
        console.print(in_one_line(tended))

    def _tend(self, key: UUID) -> Tended:
        with acting_as(ACTOR):
            patient = Patient.objects.get(pk=key)
        return tend(patient, by=ACTOR)


def in_one_line(tended: list[Tended]) -> str:
    """`3 patients: 1 memory expired, 4 aged, 2 linked as near-duplicates, 3 summary texts made.`"""
    expired, aged = sum(each.expired for each in tended), sum(each.aged for each in tended)
    linked, made = sum(each.linked for each in tended), sum(each.narrated for each in tended)
    return (
        f"{len(tended)} patients: {expired} memories expired, {aged} stepped back or came back, "
        f"{linked} linked as near-duplicates, {made} summary texts made."
    )
