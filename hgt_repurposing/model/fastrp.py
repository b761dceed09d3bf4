"""Fixed fingerprints of a node's neighbourhood by random projection, without learning.

Chen et al., CIKM 2019 (FastRP, arXiv:1908.11512): powers of a normalised adjacency matrix times a very sparse random
matrix (Li et al., KDD 2006), weighted and summed. The paper has a single relation; here each relation is normalised
separately first, so that one with a hundred times the edges of another does not dominate.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Array32 = npt.NDArray[np.float32]
IndexArray = npt.NDArray[np.int64]

FINGERPRINT_WIDTH = 128
POWER_WEIGHTS = (1.0, 1.0, 0.5)
"""Weights of neighbours at one, two and three hops."""
SPARSITY = 3
"""One in SPARSITY entries of the random matrix is nonzero."""


def fingerprints(
    relations: Sequence[tuple[IndexArray, IndexArray]],
    *,
    num_nodes: int,
    seed: int,
    width: int = FINGERPRINT_WIDTH,
    power_weights: Sequence[float] = POWER_WEIGHTS,
) -> Array32:
    """One vector per node, similar for nodes with similar neighbourhoods.

    With A_r the adjacency of relation r (a row per target), P_r = D_target^-1/2 A_r D_source^-1/2, P their sum with
    rows scaled to sum 1, and R random: N_k = P N_(k-1), N_0 = R; the fingerprint is sum_k w_k N_k, rows of each N_k of
    unit length. The zeroth power, a node's own random row, carries no information about the graph and is left out.

    Args:
        relations: Flat source and target ids of each relation's edges; reverses are separate relations. Shape
            [num_edges] each.
        num_nodes: Number of nodes of all types.
        seed: Of the random matrix.
        width: Width of the fingerprints.
        power_weights: w_1, w_2, ...

    Returns:
        Rows of length sqrt(width), so that entries are about 1 as in a learned table; zeros for nodes without in-edges.
        Shape [num_nodes, width].
    """
    spread = _spread(relations, num_nodes)
    vectors = _very_sparse(num_nodes, width, seed=seed)
    total = np.zeros_like(vectors)
    for weight in power_weights:
        vectors = spread @ vectors
        _scale_rows(vectors, length=1.0)
        total += np.float32(weight) * vectors
    _scale_rows(total, length=float(np.sqrt(width)))
    return total


def _spread(relations: Sequence[tuple[IndexArray, IndexArray]], num_nodes: int) -> csr_array:
    """P, accumulated by relation, so that at most two node-by-node matrices are in memory."""
    total = _normalised(np.empty((2, 0), np.int64), num_nodes)
    for ends in relations:
        total = total + _normalised(ends, num_nodes)
    sums = np.asarray(total.sum(axis=1), dtype=np.float32)
    total.data /= np.repeat(sums, np.diff(total.indptr))
    return total


def _normalised(ends: tuple[IndexArray, IndexArray] | IndexArray, num_nodes: int) -> csr_array:
    """P_r of one relation, from its sources and targets. Shape [num_nodes, num_nodes]."""
    source, target = ends
    sent, received = (np.bincount(nodes, minlength=num_nodes) for nodes in (source, target))
    weight = 1 / np.sqrt(sent[source] * received[target], dtype=np.float32)
    return csr_array((weight, (target, source)), shape=(num_nodes, num_nodes))


def _very_sparse(num_rows: int, width: int, *, seed: int) -> Array32:
    """sqrt(s) times +1, 0 or -1 with probabilities 1/2s, 1 - 1/s, 1/2s (Li et al. 2006). Shape [num_rows, width]."""
    drawn = np.random.default_rng(seed).integers(0, 2 * SPARSITY, size=(num_rows, width), dtype=np.int8)
    signs: Array32 = (drawn == 0).astype(np.float32)
    signs -= drawn == 1
    signs *= np.float32(np.sqrt(SPARSITY))
    return signs


def _scale_rows(vectors: Array32, *, length: float) -> None:
    """Scale rows to this length, in place; rows of zeros are unchanged."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, None]
    vectors *= length / np.where(norms > 0, norms, 1)
