"""Embeddings without a graph network: truncated singular value decomposition of the nodes' incidence matrices.

The baseline for trained embeddings: takes one second where training takes minutes.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.sparse.linalg import svds

from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.signs import with_fixed_signs

EXACT_ROWS = 2000
"""Most rows for which the Gram matrix is decomposed in full, which is then faster than iterating."""


def spectral_vectors(blocks: Sequence[csr_array], *, dim: int, seed: int) -> FloatArray:
    """The leading left singular vectors of horizontally stacked matrices, times their singular values.

    Each block is scaled to a mean squared row length of 1, so that all have equal weight whatever their widths; then
    the rows of all blocks together are scaled to unit length. Signs are fixed so that the entry of largest magnitude of
    each column is positive.

    Args:
        blocks: Incidence matrices of the same n nodes. Shape [n, *] each; a block of zeros has no effect.
        dim: Width of the result, at least 1.
        seed: Of the starting vector of the iteration.

    Returns:
        Columns by descending singular value; columns beyond the rank are zero. Shape [n, dim].

    Raises:
        ValueError: If there is no block, blocks differ in rows, or `dim` is below 1.

    Eckart and Young 1936; by Lanczos iteration (ARPACK).
    """
    if dim < 1:
        raise ValueError(f"dim must be at least 1 (got {dim})")
    num_rows = {block.shape[0] for block in blocks}
    if len(num_rows) != 1:
        raise ValueError(f"blocks must have the same number of rows (got {sorted(num_rows) or 'no block'})")
    rows = _unit_rows(hstack([_unit_energy(block) for block in blocks], format="csr"))
    rank = min(dim, *rows.shape)
    left, strength = _leading(rows, rank, seed=seed)
    vectors = np.zeros((rows.shape[0], dim))
    vectors[:, :rank] = left * strength
    return vectors


def _leading(matrix: csr_array, rank: int, *, seed: int) -> tuple[FloatArray, FloatArray]:
    """Left singular vectors, signs fixed, and singular values, descending. Shapes [n, rank] and [rank]."""
    num_rows, smaller = matrix.shape[0], min(matrix.shape)
    if num_rows <= EXACT_ROWS or rank == smaller or not matrix.nnz:  # ARPACK needs rank < size and a nonzero matrix
        squares, left = np.linalg.eigh((matrix @ matrix.T).toarray())
        strength = np.sqrt(np.maximum(squares, 0))
    else:
        start = np.random.default_rng(seed).standard_normal(smaller)
        left, strength, _ = svds(matrix, k=rank, v0=start, return_singular_vectors="u")
    order = np.argsort(-strength, kind="stable")[:rank]
    left, strength = left[:, order], strength[order]
    return with_fixed_signs(left), strength


def _unit_energy(block: csr_array) -> csr_array:
    """Scale to a mean squared row length of 1."""
    scaled = block.astype(np.float64)
    energy = float(scaled.data @ scaled.data) / max(scaled.shape[0], 1)
    if energy:
        scaled.data /= np.sqrt(energy)
    return scaled


def _unit_rows(matrix: csr_array) -> csr_array:
    """Rows of length 1; rows of zeros stay.

    Not scikit-learn's `normalize`: singular vectors of nearly equal strength turn with the last bits, so that models
    fitted on them differ by as much as with another seed.
    """
    squares: FloatArray = matrix.multiply(matrix).sum(axis=1)
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    scaled = matrix.copy()
    scaled.data /= np.repeat(lengths, np.diff(matrix.indptr))
    return scaled
