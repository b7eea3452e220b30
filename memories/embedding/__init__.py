"""Texts to vectors, by the embedder that the settings name.

>>> embed_query("What is he allergic to?") @ embed_documents(["Allergic to penicillin.", "Likes tea."]).T
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import cache, lru_cache
from time import monotonic

from django.conf import settings

from memories.embedding.base import Embedder, EmbeddingUnavailable, Vectors
from memories.embedding.local import LocalEmbedder
from memories.embedding.remote import RemoteEmbedder
from memories.llm import Endpoint

__all__ = [
    "Embedder",
    "EmbeddingUnavailable",
    "Vectors",
    "embed_at_once",
    "embed_documents",
    "embed_query",
    "get_embedder",
    "load_embedder",
    "prepare_query",
]


REST_SECONDS = 5.0


#: Until when, on the monotonic clock, an embedder that failed is not asked for a query.
_resting: dict[Embedder, float] = {}


def get_embedder() -> Embedder:
    """The embedder of the settings, one a process."""
    if settings.EMBEDDING_PROVIDER == "local":
        return _local()
    return _remote(
        Endpoint(
            base_url=settings.EMBEDDING_BASE_URL,
            api_key=settings.EMBEDDING_API_KEY,
            model=settings.EMBEDDING_MODEL,
            timeout=settings.EMBEDDING_TIMEOUT,
        ),
        settings.EMBEDDING_DIMENSION,
    )


def embed_query(text: str) -> Vectors:
    """The unit vector of one query, shape `(dimension,)`; read-only, since it is kept and shared.

    Raises `EmbeddingUnavailable`; for `REST_SECONDS` it then does so at once, so that no search waits for a server
    that is down.
    """
    embedder = get_embedder()
    if monotonic() < _resting.get(embedder, 0):
        raise EmbeddingUnavailable("The embedder failed a moment ago.")
    try:
        return _query_vector(embedder, text)
    except EmbeddingUnavailable:
        _resting[embedder] = monotonic() + REST_SECONDS
        raise


def embed_documents(texts: Sequence[str]) -> Vectors:
    """The unit vectors of texts to be searched, shape `(len(texts), dimension)`. Raises `EmbeddingUnavailable`."""
    return get_embedder().embed(texts)


def embed_at_once(texts: Sequence[str]) -> list[Vectors | None]:
    """A vector a text where that takes no waiting, else None for each: they are embedded later, by a job."""
    if get_embedder().is_remote:
        return [None] * len(texts)
    try:
        return list(embed_documents(texts))
    except EmbeddingUnavailable:
        return [None] * len(texts)


def load_embedder() -> None:
    """Load the local embedder now, not with the first request: loading takes 60 MB more than it leaves behind, and so
    decides how much a process ever holds.
    """
    embed_at_once(["ready"])


def prepare_query(text: str) -> None:
    """Embed a query before the transaction that searches for it; there its vector, or the failure, is at hand."""
    with suppress(EmbeddingUnavailable):
        embed_query(text)


@lru_cache(maxsize=int(settings.EMBEDDING_CACHE_SIZE))
def _query_vector(embedder: Embedder, text: str) -> Vectors:
    vector = embedder.embed([text])[0]
    vector.setflags(write=False)
    return vector


@cache
def _local() -> LocalEmbedder:
    return LocalEmbedder()


@cache
def _remote(endpoint: Endpoint, dimension: int) -> RemoteEmbedder:
    return RemoteEmbedder(endpoint, dimension)
