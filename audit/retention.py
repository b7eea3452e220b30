"""Taking entries out of the logs when their time is over: by the owner of the database, and on record."""

from datetime import datetime

from django.db import connections, transaction
from django.utils import timezone

from audit.actors import Actor, acting_as
from audit.models import Event, Purge, Seal
from audit.recording import record
from audit.seals import current_key, sign

#: 45 CFR 164.316(b)(2)(i). The database holds to it too.
RETENTION_YEARS = 6
OWNER = "owner"

#: What is on hold stays; the trigger would refuse to let it go.
TAKE_OUT = (
    """
    DELETE FROM audit_accesslog entry WHERE transaction < %s AND NOT EXISTS (
        SELECT FROM audit_legalhold hold WHERE hold.lifted_at IS NULL
        AND (hold.patient_id IS NULL OR hold.patient_id = entry.patient_id))
    """,
    """
    DELETE FROM auditlog_logentry entry WHERE transaction < %s AND NOT EXISTS (
        SELECT FROM audit_legalhold hold WHERE hold.lifted_at IS NULL
        AND (hold.patient_id IS NULL OR hold.patient_id::text = entry.additional_data ->> 'patient'))
    """,
)


class PurgeRefused(ValueError):
    """The time of what is asked for is not over; the message says what may go."""


def oldest_kept(now: datetime) -> datetime:
    """What is older may go."""
    try:
        return now.replace(year=now.year - RETENTION_YEARS)
    except ValueError:  # the 29th of February
        return now.replace(year=now.year - RETENTION_YEARS, day=28)


def purge_log(*, before: datetime, by: Actor, reason: str) -> int:
    """Take out the entries of the seals that were finished before this instant. How many those were.

    Whole seals go, so that what is left can still be verified; what is on legal hold stays. Raises `PurgeRefused`.
    """
    limit = oldest_kept(timezone.now())
    if before > limit:
        raise PurgeRefused(
            f"The log is kept for {RETENTION_YEARS} years: name a day up to {limit:%Y-%m-%d}, not a later one."
        )
    with acting_as(by):
        due = Seal.objects.filter(newest_at__lt=before).order_by("-sequence").first()
        if due is None:
            return 0
        with transaction.atomic(using=OWNER):
            taken = _take_out(due)
            purge = Purge(purged_at=timezone.now(), through=due.sequence, before=before, entries=taken, reason=reason)
            purge.mac = sign(current_key(), *purge.said)
            purge.save(using=OWNER)
        record(Event.DELETE, resource=Purge, objects=[purge.pk], reason=reason)
    return taken


def _take_out(due: Seal) -> int:
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "SELECT set_config('homecare.actor_kind', 'system', true), set_config('homecare.purging', 'on', true)"
        )
        taken = 0
        for statement in TAKE_OUT:
            cursor.execute(statement, [due.until])
            taken += cursor.rowcount
    return taken
