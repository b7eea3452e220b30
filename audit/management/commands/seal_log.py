from typing import Any

from django.core.management.base import BaseCommand

from audit.actors import system_actor
from audit.seals import seal_log

SEALER = system_actor("seal_log")


class Command(BaseCommand):
    help = "Seal what was written into the logs since the last seal. A worker does it every minute."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{seal_log(by=SEALER)} entries sealed.")
