"""Texts to vectors, by the embedder that the settings name.

>>> embed_query("What is he allergic to?") @ embed_documents(["Allergic to penicillin.", "Likes tea."]).T
"""

from collections.abc import Sequence
from functools import cache, lru_cache

from django.conf import settings

from memories.embedding.base import Embedder, EmbeddingUnavailable, Vectors
from memories.embedding.local import LocalEmbedder
from memories.embedding.remote import RemoteEmbedder
from memories.llm import Endpoint

__all__ = ["Embedder", "EmbeddingUnavailable", "Vectors", "embed_documents", "embed_query", "get_embedder"]


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

    Raises `EmbeddingUnavailable`, which is not remembered.
    """
    return _query_vector(get_embedder(), text)


def embed_documents(texts: Sequence[str]) -> Vectors:
    """The unit vectors of texts to be searched, shape `(len(texts), dimension)`. Raises `EmbeddingUnavailable`."""
    return get_embedder().embed(texts)


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
