from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from audit.actors import system_actor
from memories.embedding import EmbeddingUnavailable, get_embedder
from memories.indexing import embed_pending

INDEXER = system_actor("embed_memories")


class Command(BaseCommand):
    help = (
        "Embed the memories that the embedder of the settings has not embedded yet. To change the embedder, run this "
        "with its settings first, and start the site with them afterwards: the vectors of both stay side by side."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="index every memory anew, words and topics too")

    def handle(self, *args: Any, **options: Any) -> None:
        batches = embed_pending(by=INDEXER, everything=options["all"])
        total, done = next(batches), 0
        try:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task("embedding", total=total)
                for size in batches:
                    done += size
                    progress.advance(task, size)
        except EmbeddingUnavailable as error:
            raise CommandError(f"{error} {done} of {total} are done; run this again for the rest.") from None
        self.stdout.write(f"{total} memories embedded by {get_embedder().name}.")
