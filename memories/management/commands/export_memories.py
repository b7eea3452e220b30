from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import acting_as, system_actor
from memories.exporting import FORMS, export
from memories.importers.importing import run_by
from patients.models import Patient


class Command(BaseCommand):
    help = (
        "Write what is remembered, of one patient or of all: as mem0's get_all, as JSON Lines with words and statuses, "
        "as CSV, or as FHIR R4 bundles. Each patient's export is on record."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=sorted(FORMS), required=True)
        parser.add_argument("--patient", metavar="ID", help="this one alone, instead of all")
        parser.add_argument("--output", type=Path, metavar="FILE", help="a new file, readable by its owner alone")

    def handle(self, *args: Any, **options: Any) -> None:
        with acting_as(run_by(system_actor("export"))):
            patients = Patient.objects.order_by("external_id")
            if options["patient"]:
                patients = patients.filter(external_id=options["patient"])
                if not patients.exists():
                    raise CommandError(f"There is no patient {options['patient']}: check the id.")
            pieces = export(patients.iterator(), options["format"])
            if options["output"]:
                self._write(options["output"], pieces)
            else:
                for piece in pieces:
                    self.stdout.write(piece, ending="")

    def _write(self, path: Path, pieces: Iterator[str]) -> None:
        try:
            path.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise CommandError(f"{path} is there already: name a new file.") from None
        except OSError as error:
            raise CommandError(f"Cannot write {path}: {error.strerror}.") from None
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
        self.stderr.write(f"Written to {path}")
