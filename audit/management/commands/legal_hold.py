from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from audit.actors import acting_as, system_actor
from audit.models import Event, LegalHold
from audit.recording import record

HOLDER = system_actor("legal_hold")


class Command(BaseCommand):
    help = "Keep entries of the log beyond their time, all or those about one patient, until the hold is lifted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=["list", "place", "lift"])
        parser.add_argument("--patient", metavar="UUID", help="the patient's key in the log; without it, everybody")
        parser.add_argument("--hold", type=int, metavar="NUMBER", help="the hold to lift, as `list` numbers them")
        parser.add_argument("--by", default="", help="who decided it")
        parser.add_argument("--reason", default="", help="why; names no patient")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "list":
            self._list()
        elif not options["by"] or (options["what"] == "place" and not options["reason"]):
            raise CommandError("Say who decided it with --by, and why with --reason.")
        else:
            getattr(self, f"_{options['what']}")(**options)

    def _list(self) -> None:
        with acting_as(HOLDER):
            holds = list(LegalHold.objects.filter(lifted_at__isnull=True).order_by("pk"))
        for hold in holds:
            whom = hold.patient_id or "everybody"
            self.stdout.write(f"{hold.pk}  {whom}  since {hold.placed_at:%Y-%m-%d}, {hold.placed_by}: {hold.reason}")
        self.stdout.write(f"{len(holds)} holds.")

    def _place(self, *, patient: str | None, by: str, reason: str, **options: Any) -> None:
        with acting_as(HOLDER):
            hold = LegalHold(patient_id=patient, placed_by=by, reason=reason)
            hold.save(using="owner")
            record(Event.CREATE, patient_id=patient, objects=[hold.pk], resource=LegalHold, reason=reason)
        self.stdout.write(f"Hold {hold.pk} is placed.")

    def _lift(self, *, hold: int | None, by: str, reason: str, **options: Any) -> None:
        with acting_as(HOLDER):
            placed = LegalHold.objects.using("owner").filter(pk=hold or 0, lifted_at__isnull=True).first()
            if placed is None:
                raise CommandError("No hold has this number: `legal_hold list` has them.")
            placed.lifted_at, placed.lifted_by = timezone.now(), by
            placed.save(using="owner")
            record(Event.UPDATE, patient_id=placed.patient_id, objects=[placed.pk], resource=LegalHold, reason=reason)
        self.stdout.write(f"Hold {placed.pk} is lifted.")
