import sys
from collections import Counter
from dataclasses import replace
from getpass import getuser
from pathlib import Path
from typing import Any, TextIO, cast

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from audit.actors import Actor, Door, acting_as, system_actor
from memories.ingestion import ConversationRefused, Intake, carry_out_now, take_in
from memories.management.persevering import persevere
from memories.models import RunState
from memories.transcripts import Transcript, parse_transcripts
from patients.models import Patient, User


class Command(BaseCommand):
    help = (
        "Take in what was said about a patient from a file: text (Speaker: words), .json or .jsonl. "
        "What was taken in before is not taken in again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--patient", required=True, metavar="ID", help="the patient's id, such as patient_123")
        parser.add_argument("--as", dest="username", metavar="USERNAME", help="on whose behalf, with that one's rights")
        parser.add_argument("--background", action="store_true", help="leave the reading to the worker")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        actor = persevere(lambda: self._actor(options["username"]))
        patient = persevere(lambda: self._patient(options["patient"], actor))
        found = parse_transcripts(self._read(path), name=path.name)
        intake = _Intakes(patient, actor, inline=not options["background"])
        self.stdout.ending = ""  # rich ends its own lines
        console = Console(file=cast(TextIO, self.stdout), highlight=False)
        with _progress(console) as progress:
            for conversation in progress.track(found.conversations, description=path.name):
                intake.add(conversation)
        console.print(intake.in_one_line())
        problems = [*found.problems, *intake.problems]
        for problem in problems:
            self.stderr.write(problem)
        if problems or not found.conversations:
            raise CommandError(_what_to_do(len(problems)), returncode=1)

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise CommandError(f"Cannot read {path}: {error.strerror}.") from None

    def _actor(self, username: str | None) -> Actor:
        """The named user, or else the command itself, with the login name of who runs it as the reason."""
        if username is None:
            return replace(system_actor("ingest"), reason=f"run by {getuser()}")
        with acting_as(system_actor("ingest")):
            user = User.objects.filter(username=username, is_active=True).first()
            if user is None:
                raise CommandError(f"There is no active user {username}: check the name.")
            if not user.has_perm("memories.add_conversation"):
                raise CommandError(f"The role of {username} does not add conversations: name a caregiver or clinician.")
            return user.as_actor(door=Door.COMMAND)

    def _patient(self, external_id: str, actor: Actor) -> Patient:
        with acting_as(actor):
            patient = Patient.objects.visible_to(actor).filter(external_id=external_id).first()
        if patient is None:
            raise CommandError(f"There is no patient {external_id} that {actor.label} may see: nothing was taken in.")
        return patient


class _Intakes:
    """Takes in conversations one by one, and counts what became of them."""

    def __init__(self, patient: Patient, actor: Actor, *, inline: bool) -> None:
        self.patient = patient
        self.actor = actor
        self.inline = inline
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []

    def add(self, conversation: Transcript) -> None:
        try:
            intake = persevere(lambda: self._take_in(conversation))
        except ConversationRefused as refusal:
            self.problems.append(f"{conversation.place.capitalize()}: {refusal}")
            return
        except DatabaseError as error:
            kind = type(error).__name__
            raise CommandError(f"The database fails at {conversation.place} ({kind}): run this again later.") from None
        self.counts["new" if intake.is_new else "known"] += 1
        if self.inline:
            self._carry_out(intake)

    def _take_in(self, conversation: Transcript) -> Intake:
        return take_in(
            patient=self.patient,
            utterances=conversation.utterances,
            by=self.actor,
            said_at=conversation.said_at,
            title=conversation.title,
            source="file",
            source_id=conversation.source_id,
            inline=self.inline,
        )

    def _carry_out(self, intake: Intake) -> None:
        """Read it now; if that fails, the words are kept, and the queued job reads them later."""
        if intake.run.state == RunState.DONE:
            return
        try:
            run = persevere(lambda: carry_out_now(intake, by=self.actor))
        except Exception:  # noqa: BLE001 because its text may quote a patient
            self.counts["later"] += 1
            return
        self.counts["later"] += run.state != RunState.DONE
        self.counts.update(made=len(run.made), reinforced=len(run.reinforced))

    def in_one_line(self) -> str:
        counts = self.counts
        line = f"{counts['new']} conversations taken in, {counts['known']} known before"
        if self.inline:
            line += f"; {counts['made']} memories new, {counts['reinforced']} said again"
        later = counts["later"] if self.inline else counts["new"]
        return f"{line}; {later} left to the worker." if later else f"{line}."


def _progress(console: Console) -> Progress:
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*bar, console=console, disable=not sys.stdout.isatty())


def _what_to_do(problems: int) -> str:
    if not problems:
        return "The file holds no conversation: nothing was taken in."
    return f"{problems} of its parts could not be taken in, as said above: mend them, and run this again."
