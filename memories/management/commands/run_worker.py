import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from procrastinate.contrib.django import app


class Command(BaseCommand):
    help = "Carry out queued extraction runs until stopped. Run as many as you like, on as many machines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--concurrency", type=int, default=2, help="jobs at a time (default 2)")
        parser.add_argument("--until-empty", action="store_true", help="stop when the queue is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(work(concurrency=options["concurrency"], wait=not options["until_empty"]))


async def work(*, concurrency: int, wait: bool) -> None:
    """Work off the queue: first the jobs that a dead worker left, then whatever comes."""
    with app.replace_connector(app.connector.get_worker_connector()) as worker_app:
        async with worker_app.open_async():
            for job in await worker_app.job_manager.get_stalled_jobs():
                await worker_app.job_manager.retry_job(job)
            await worker_app.run_worker_async(
                concurrency=concurrency,
                wait=wait,
                delete_jobs="successful",
                update_heartbeat_interval=5,
                stalled_worker_timeout=20,
                install_signal_handlers=True,
            )
