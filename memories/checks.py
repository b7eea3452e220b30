"""Whether the chosen extractor and embedder can work, and fit what is stored. Each with what to set."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from audit.actors import acting_as, system_actor
from memories.embedding import get_embedder
from memories.embedding.local import LocalEmbedder

CHECKS = system_actor("checks")


def register_checks() -> None:
    """Called when the app is ready."""
    register(check_extractor, Tags.compatibility)
    register(check_embedder, Tags.compatibility)
    register(check_stored_vectors, Tags.database)


def check_extractor(**kwargs: Any) -> list[CheckMessage]:
    """With a server to ask if it needs one."""
    if settings.EXTRACTOR == "llm" and not (settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL):
        return [
            Error(
                "EXTRACTOR is llm, but no server is named.",
                hint="Set OPENAI_API_KEY, or OPENAI_BASE_URL to any OpenAI-compatible server, or EXTRACTOR=local.",
                id="homecare.E102",
            )
        ]
    return []


def check_embedder(**kwargs: Any) -> list[CheckMessage]:
    """With the dimension that it has, and a server to ask if it needs one."""
    provider, dimension = settings.EMBEDDING_PROVIDER, settings.EMBEDDING_DIMENSION
    if provider == "local" and dimension != LocalEmbedder.dimension:
        return [
            Error(
                f"EMBEDDING_DIMENSION is {dimension}, but the local embedder has {LocalEmbedder.dimension}.",
                hint="Leave EMBEDDING_DIMENSION out, or set EMBEDDING_PROVIDER=openai with EMBEDDING_MODEL.",
                id="homecare.E104",
            )
        ]
    if provider == "openai" and not (settings.EMBEDDING_API_KEY or settings.EMBEDDING_BASE_URL):
        return [
            Error(
                "EMBEDDING_PROVIDER is openai, but no server is named.",
                hint="Set EMBEDDING_API_KEY, or EMBEDDING_BASE_URL to any OpenAI-compatible server.",
                id="homecare.E106",
            )
        ]
    return []


def check_stored_vectors(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What is stored was made by this embedder, in its dimension."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or check_embedder():
        return []
    try:
        with acting_as(CHECKS):
            return _stored_problems(get_embedder().name, get_embedder().dimension)
    except DatabaseError:
        return []  # no tables yet, or no database: told by the checks of those


def _stored_problems(model: str, dimension: int) -> list[CheckMessage]:
    stored = _ask(
        "SELECT vector_dims(embedding) FROM memories_memoryindex"
        " WHERE embedding_model = %s AND embedding IS NOT NULL LIMIT 1",
        model,
    )
    if stored and stored != dimension:
        return [
            Error(
                f"The vectors of {model} are stored with {stored} dimensions, not {dimension}.",
                hint=f"Set EMBEDDING_DIMENSION={stored}, or name another EMBEDDING_MODEL and embed anew.",
                id="homecare.E107",
            )
        ]
    if not stored and _ask("SELECT 1 FROM memories_memoryindex WHERE embedding IS NOT NULL LIMIT 1"):
        return [
            Warning(
                f"Nothing is embedded with {model} yet; until then search finds by words alone.",
                hint="Run `manage.py embed_memories`.",
                id="homecare.W101",
            )
        ]
    return []


def _ask(sql: str, *params: str) -> int | None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return row[0] if row else None
