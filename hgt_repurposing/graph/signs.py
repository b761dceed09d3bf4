"""Signs of singular vectors and principal components, which a decomposition leaves undetermined."""

import numpy as np

from hgt_repurposing.graph.schema import FloatArray


def with_fixed_signs(vectors: FloatArray) -> FloatArray:
    """Flip columns so that the entry of largest magnitude is positive.

    Bitwise equal to scikit-learn's `svd_flip`, whose import would cost half a second in every process that draws.

    Args:
        vectors: Shape [n, rank], may be empty; the result has the same shape.
    """
    if not vectors.size:
        return vectors
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0, keepdims=True), axis=0)
    return vectors * np.where(largest < 0, -1.0, 1.0)
