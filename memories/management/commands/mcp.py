"""`manage.py mcp`: the Model Context Protocol, for agents."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from memories.mcp.transports import HOST, PATH, key_is_usable, serve_http, serve_stdio


class Command(BaseCommand):
    help = (
        "Serve agents by the Model Context Protocol: over standard input and output, as the user of MCP_ACCESS_KEY, or"
        " with --http PORT over HTTP, as the user of the key that each request brings."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--http", type=int, metavar="PORT", help=f"serve http://{HOST}:PORT{PATH} instead")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["http"] is not None:
            serve_http(options["http"])
        elif not key_is_usable(settings.MCP_ACCESS_KEY):
            raise CommandError("Set MCP_ACCESS_KEY to an access key that can be used; an administrator makes one.")
        else:
            serve_stdio(settings.MCP_ACCESS_KEY)
