import json
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from audit.actors import system_actor
from memories.fhir.structure import problems_of
from memories.importers.fhir import FHIR, BundleSource, read_file
from memories.importers.importing import Importing, ImportStopped, run_by
from memories.importers.people import People
from memories.importers.sources import SourceRefused
from memories.management.commands.import_mem0 import print_report

#: Problems of a bundle's structure that are told.
SHOWN = 10


class Command(BaseCommand):
    help = "Bring a FHIR R4 bundle of one patient in, as unconfirmed memories. What was imported before is left alone."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--patient", required=True, metavar="ID", help="whose it is")
        parser.add_argument("--create-patient", action="store_true", help="make the patient if there is none yet")
        parser.add_argument("--dry-run", action="store_true", help="say what would become of it; store nothing")
        parser.add_argument("--strict", action="store_true", help="refuse a bundle that is not built as R4 says")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.ending = ""  # rich ends its own lines
        try:
            sources = read_file(options["file"], patient_id=options["patient"])
            self._tell_problems(cast(BundleSource, sources.parts[0]), strict=options["strict"])
            importing = Importing(
                sources,
                people=People(create=options["create_patient"]),
                by=run_by(system_actor("import")),
                strict=options["strict"],
                dry_run=options["dry_run"],
                system=FHIR,
            )
            report = importing.run()
        except (ImportStopped, SourceRefused) as refusal:
            raise CommandError(str(refusal)) from None
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2) + "\n")
        else:
            print_report(report, Console(file=cast(TextIO, self.stdout), highlight=False))

    def _tell_problems(self, source: BundleSource, *, strict: bool) -> None:
        problems = problems_of(source.bundle)
        for problem in problems[:SHOWN]:
            self.stderr.write(f"Not as R4 says: {problem}")
        if problems and strict:
            raise CommandError(f"The bundle has {len(problems)} problems, as said above: nothing was imported.")
