"""Vectors from any OpenAI-compatible `/embeddings`: OpenAI, Ollama, vLLM, llama.cpp."""

from collections.abc import Sequence

import numpy as np

from memories.embedding.base import EmbeddingUnavailable, Vectors, unit_rows
from memories.llm import Endpoint, LLMError, embeddings

#: Texts a request: small enough for every server's limit, large enough that the round trip does not count.
BATCH = 64


class RemoteEmbedder:
    """The embedder behind `EMBEDDING_BASE_URL`. One connection pool a process, shared by all threads."""

    is_remote = True

    def __init__(self, endpoint: Endpoint, dimension: int) -> None:
        self._endpoint = endpoint
        self.dimension = dimension
        # A model that can answer in several dimensions gives vectors that cannot be compared with each other.
        self.name = f"{endpoint.model}/{dimension}"

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape `(len(texts), dimension)`, in as many requests as batches."""
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        return np.vstack([self._embed_batch(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)])

    def _embed_batch(self, texts: Sequence[str]) -> Vectors:
        try:
            rows = embeddings(self._endpoint, texts, dimension=self.dimension)
        except LLMError as error:
            raise EmbeddingUnavailable(f"The embedding server gave no vectors: {error.reason}.") from error
        self._check_shape(rows, expected=len(texts))
        return unit_rows(np.array(rows, np.float32))

    def _check_shape(self, rows: Sequence[Sequence[float]], *, expected: int) -> None:
        if len(rows) != expected:
            raise EmbeddingUnavailable(f"The embedding server gave {len(rows)} vectors for {expected} texts.")
        sizes = {len(row) for row in rows}
        if sizes != {self.dimension}:
            raise EmbeddingUnavailable(
                f"{self._endpoint.model} answers in {', '.join(map(str, sorted(sizes)))} dimensions, "
                f"but EMBEDDING_DIMENSION is {self.dimension}."
            )
