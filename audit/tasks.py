"""What a worker does for the log."""

from django.db import close_old_connections
from procrastinate.contrib.django import app

from audit.actors import Door, system_actor
from audit.seals import seal_log

SEALER = system_actor("seal_log", door=Door.JOB)


@app.periodic(cron="* * * * *")
@app.task(name="audit.seal_log", queueing_lock="seal_log")
def seal(timestamp: int) -> None:
    """Seal what was written since the last minute."""
    close_old_connections()
    try:
        seal_log(by=SEALER)
    finally:
        close_old_connections()
