"""What every embedder promises, so that search need not know which one is set up."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

#: float32, one row a text, each row of length 1: the dot product of two rows is their cosine.
Vectors = NDArray[np.float32]


class EmbeddingUnavailable(Exception):
    """No vectors now. `str()` is a sentence for the operator, and never holds a text that was to be embedded."""


class Embedder(Protocol):
    """Turns texts into vectors. `name` is stored beside each vector: only vectors of one name are compared.

    One that `is_remote` waits for a network, and so is not asked while a transaction is open.
    """

    is_remote: bool

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def __hash__(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape `(len(texts), dimension)`.

        Raises `EmbeddingUnavailable`; then none of the texts has a vector.
        """
        ...


def unit_rows(rows: NDArray[np.floating]) -> Vectors:
    """Scale each row to length 1. Raises `EmbeddingUnavailable` for a row that has no direction."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        raise EmbeddingUnavailable("The embedder answered with a vector of zeros or of no numbers.")
    return (rows / lengths).astype(np.float32)
