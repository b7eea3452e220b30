from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.actors import acting_as, system_actor
from audit.models import Event, Outcome, Seal
from audit.recording import record
from audit.verifying import verify_log

VERIFIER = system_actor("verify_log")


class Command(BaseCommand):
    help = (
        "Compare the logs with their seals, and the newest seal with the file that is kept outside of the database. "
        "Names each entry that was edited, deleted, inserted or moved, and a tail that was cut, and fails."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        verified = verify_log(by=VERIFIER)
        outcome = Outcome.FAILED if verified.findings else Outcome.SUCCESS
        with acting_as(VERIFIER):
            record(Event.READ, resource=Seal, outcome=outcome, reason=f"{len(verified.findings)} findings")
        for finding in verified.findings:
            self.stdout.write(f"{finding.what}: {finding.of} (seal {finding.seal})")
        self.stdout.write(
            f"{verified.entries} entries under {verified.seals} seals, {verified.unsealed} not sealed yet. "
            f"Newest seal: {verified.head or 'none'}"
        )
        if verified.findings:
            raise CommandError(f"The log is not as it was sealed: {len(verified.findings)} findings.")
