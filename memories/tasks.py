"""Jobs of the queue. Each holds keys and no story, may run twice, and never lets an exception's text reach a log."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import close_old_connections, transaction
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from audit.actors import Door, acting_as, system_actor
from memories.importers.bringing_in import bring_in, waiting_patients
from memories.indexing import embed_pending
from memories.ingestion import carry_out, give_up
from memories.models import ExtractionRun, RunState
from memories.narrative import refresh_narrative
from memories.nightly import patients_to_tend, tend
from memories.notifying import notify, recipients
from memories.summary import Summary
from patients.models import Patient

QUEUE_ACTOR = system_actor("queue", door=Door.JOB)

#: How long a job waits for the caller who carries its run out inline.
INLINE_GRACE = timedelta(minutes=2)
#: How long the rows of an import wait for the command that stored them; and for the batches that follow.
IMPORT_GRACE = timedelta(minutes=10)
BATCH_GRACE = timedelta(seconds=5)
MAX_ATTEMPTS = 6
RETRY = RetryStrategy(max_attempts=MAX_ATTEMPTS, exponential_wait=3)


class RunUnfinished(Exception):
    """The run is to be tried again. Carries the kind of the failure, never its text."""


@app.task(name="memories.extract", retry=RETRY, pass_context=True)
def extract(context: JobContext, *, run_id: str, patient_id: str) -> None:
    """Carry out one extraction run; after the last attempt, mark it failed."""
    close_old_connections()
    try:
        failure = _attempt(run_id, patient_id)
        if failure and context.job.attempts + 1 >= MAX_ATTEMPTS:
            give_up(run_id=run_id, patient_id=patient_id, by=QUEUE_ACTOR, reason=failure)
            return
    finally:
        close_old_connections()
    if failure:
        raise RunUnfinished(failure)


def _attempt(run_id: str, patient_id: str) -> str:
    """Try once. The reason of a failure, or "" if the run is done."""
    try:
        run = carry_out(run_id=run_id, patient_id=patient_id, by=QUEUE_ACTOR)
    except Exception as error:  # noqa: BLE001 because whatever it is, its text may quote a patient and must not be logged
        return f"stopped by {type(error).__name__}"
    return run.error if run.state == RunState.PENDING else ""


def enqueue_extraction(run: ExtractionRun, *, inline: bool) -> None:
    """Queue a run's job in the running transaction.

    The queue's own locks are not used: a job that waits for its next attempt would hold up the patient's later ones.
    `lock_patient` lets one job at a time change a patient's memories.
    """
    wait = {"seconds": INLINE_GRACE.seconds} if inline else None
    extract.configure(schedule_in=wait).defer(run_id=str(run.pk), patient_id=str(run.patient_id))


@app.task(name="memories.embed_missing", retry=RETRY)
def embed_missing() -> None:
    """Embed the memories that were indexed without a vector."""
    _carefully(lambda: list(embed_pending(by=QUEUE_ACTOR)))


def enqueue_embedding() -> None:
    """Queue the embedding of what waits for it in the running transaction, unless it is queued."""
    with suppress(AlreadyEnqueued), transaction.atomic():
        embed_missing.configure(queueing_lock="embed_missing").defer()


@app.task(name="memories.bring_in_all", retry=RETRY)
def bring_in_all() -> None:
    """Queue a job for each patient with imported rows that nobody has read yet, so that all workers share them."""

    def queue() -> None:
        patients = waiting_patients(by=QUEUE_ACTOR)
        with acting_as(QUEUE_ACTOR):
            for patient_id in patients:
                bring_in_patient.defer(patient_id=str(patient_id))

    _carefully(queue)


@app.task(name="memories.bring_in_patient", retry=RETRY)
def bring_in_patient(*, patient_id: str) -> None:
    """Make memories of the imported rows of one patient."""
    _for_patient(patient_id, lambda patient: list(bring_in(patient.pk, by=QUEUE_ACTOR)))


def enqueue_imported(*, inline: bool) -> None:
    """Queue the reading of imported rows in the running transaction, unless it is queued. An import that reads them
    itself is given time to, and the job does what it left when it was killed.
    """
    with suppress(AlreadyEnqueued), transaction.atomic():
        wait = {"seconds": IMPORT_GRACE.seconds} if inline else {"seconds": BATCH_GRACE.seconds}
        bring_in_all.configure(queueing_lock=f"bring_in_all:{inline}", schedule_in=wait).defer()


@app.periodic(cron="* * * * *")
@app.task(name="memories.rescue_stalled_jobs", queueing_lock="rescue_stalled_jobs", pass_context=True)
async def rescue_stalled_jobs(context: JobContext, timestamp: int) -> None:
    """Put the jobs of workers that died back into the queue."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        await manager.retry_job(job)


# --- what waits for a person ----------------------------------------------------------------------------------------


@app.periodic(cron=settings.NOTIFY_CRON)
@app.task(name="memories.notify_reviewers", queueing_lock="notify_reviewers")
def notify_reviewers(timestamp: int) -> None:
    """Queue a job for each who is to be told of urgent questions, so that one address out of order delays no other."""
    close_old_connections()
    try:
        for recipient in recipients(by=QUEUE_ACTOR):
            with acting_as(QUEUE_ACTOR), suppress(AlreadyEnqueued), transaction.atomic():
                notify_one.configure(queueing_lock=f"notify:{recipient}").defer(recipient=recipient)
    finally:
        close_old_connections()


@app.task(name="memories.notify_one", retry=RETRY)
def notify_one(*, recipient: str) -> None:
    """Tell one recipient of what is urgent and has not been told yet."""
    _carefully(lambda: notify(recipient, by=QUEUE_ACTOR))


# --- by night --------------------------------------------------------------------------------------------------------


@app.periodic(cron=settings.NIGHTLY_CRON)
@app.task(name="memories.nightly", queueing_lock="nightly")
def nightly(timestamp: int) -> None:
    """Queue a job for each patient of whom anything is remembered, so that all workers share the night's work."""
    close_old_connections()
    try:
        with acting_as(QUEUE_ACTOR):
            for patient_id in patients_to_tend(by=QUEUE_ACTOR):
                tend_patient.defer(patient_id=str(patient_id))
    finally:
        close_old_connections()


@app.task(name="memories.tend_patient", retry=RETRY)
def tend_patient(*, patient_id: str) -> None:
    """Expire, age and group the memories of one patient, and bring the summary text up to date."""
    _for_patient(patient_id, lambda patient: tend(patient, by=QUEUE_ACTOR))


@app.task(name="memories.narrate", retry=RETRY)
def narrate(*, patient_id: str) -> None:
    """Bring the summary text of one patient up to date."""
    _for_patient(patient_id, lambda patient: refresh_narrative(patient, by=QUEUE_ACTOR))


def ask_for_narrative(summary: Summary) -> None:
    """Queue the making of a summary text that a language model is to word anew, unless it is queued."""
    if summary.narrative.is_stale and settings.EXTRACTOR == "llm":
        _enqueue_narrative(summary.patient)


def _enqueue_narrative(patient: Patient) -> None:
    with suppress(AlreadyEnqueued), transaction.atomic():
        narrate.configure(queueing_lock=f"narrate:{patient.pk}").defer(patient_id=str(patient.pk))


def _for_patient(patient_id: str, work: Callable[[Patient], object]) -> None:
    """Do this for the patient of this key, as `_carefully` does it."""

    def find_and_work() -> None:
        with acting_as(QUEUE_ACTOR):
            patient = Patient.objects.get(pk=patient_id)
        work(patient)

    _carefully(find_and_work)


def _carefully(work: Callable[[], object]) -> None:
    """Do this on connections that live. Raises `RunUnfinished` with the kind of a failure, never its text."""
    close_old_connections()
    failure = ""
    try:
        work()
    except Exception as error:  # noqa: BLE001 because whatever it is, its text may quote a patient and must not be logged
        failure = f"stopped by {type(error).__name__}"
    finally:
        close_old_connections()
    if failure:
        raise RunUnfinished(failure)
