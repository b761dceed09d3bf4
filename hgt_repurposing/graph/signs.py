"""Signs of singular vectors and principal components, which a decomposition leaves open."""

import numpy as np

from hgt_repurposing.graph.schema import FloatArray


def with_fixed_signs(vectors: FloatArray) -> FloatArray:
    """Columns turned so that the entry of largest magnitude is positive.

    As scikit-learn's `svd_flip`, to the bit; that one would take half a second to load in every process that draws.

    Args:
        vectors: Shape [n, rank]; the same comes back, also where there is nothing in it.
    """
    if not vectors.size:
        return vectors
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0, keepdims=True), axis=0)
    return vectors * np.where(largest < 0, -1.0, 1.0)
