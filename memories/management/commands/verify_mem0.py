import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.actors import system_actor
from memories.importers.importing import run_by
from memories.importers.people import People, UsersRefused, read_map
from memories.importers.sources import FILE_KINDS, SourceRefused, recognise
from memories.importers.verifying import Question, Verification, verify


class Command(BaseCommand):
    help = (
        "Compare a source of mem0 with what was imported from it: each row by its words, and whether a search finds it "
        "among the first three. Ends with 1 if a row is missing or different."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("--map-users", type=Path, metavar="FILE", help="as for import_mem0")
        parser.add_argument("--kind", choices=sorted(FILE_KINDS), help="as for import_mem0")
        parser.add_argument("--sample", type=int, default=100, metavar="N", help="search for N memories (100)")
        parser.add_argument(
            "--queries",
            type=Path,
            metavar="FILE",
            help='questions, a line each: {"user_id", "query", "id": what to find}',
        )
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = verify(
                recognise(options["source"], kind=options["kind"] or "", api_key=settings.MEM0_API_KEY),
                people=People(read_map(options["map_users"]) if options["map_users"] else {}),
                by=run_by(system_actor("verify import")),
                sample=options["sample"],
                questions=_questions(options["queries"]) if options["queries"] else (),
            )
        except (SourceRefused, UsersRefused) as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(json.dumps(found.as_json(), indent=2) if options["json"] else "\n".join(_told(found)))
        if not found.is_whole:
            raise CommandError("The source holds what was not imported, as said above: import it again.", returncode=1)


def _questions(path: Path) -> list[Question]:
    try:
        asked = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return [Question(str(one["user_id"]), str(one["query"]), str(one["id"])) for one in asked]
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError):
        raise CommandError(f"{path}: each line must be an object with user_id, query and id.") from None


def _told(found: Verification) -> list[str]:
    told = found.as_json()
    lines = [f"{number:8d} {what}" for what, number in told["rows"].items()]
    for what, rate in (("of the sampled memories", told["search"]), ("of the questions given", told["queries"])):
        if rate["asked"]:
            lines.append(f"{rate['in_top_3']} of {rate['asked']} {what} found in the top 3: {rate['rate']:.1%}")
    lines += [f"Missing: {place}" for place in found.missing]
    return lines + [f"Different: {place}" for place in found.different]
