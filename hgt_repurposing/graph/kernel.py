"""The kernel of the Kronecker ridge: similarity of two drugs (diseases) over all relations, as eigenvectors.

The kernel is the mean over relations of the cosine between two nodes' neighbours, each in units of its 95th percentile,
so that a relation with many small overlaps counts as much as one with few large ones; 1 on the diagonal. It is built
explicitly only for few nodes; otherwise its products with a vector suffice to find the leading eigenvectors.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, eigsh

from hgt_repurposing.graph.schema import FloatArray

EXACT_SIZE = 2000
"""Most nodes for which the kernel is decomposed in full."""
LARGEST_RANK = 256
"""Eigenvectors of larger kernels."""
SAMPLED_ROWS = 500
"""Evenly spaced rows over which the percentile is taken."""
PERCENTILE = 95


class Eigenvectors(NamedTuple):
    """Eigenvectors and eigenvalues of a matrix of similarities."""

    vectors: FloatArray
    """Shape [n, rank]."""
    values: FloatArray
    """Negative ones, which a kernel has not, count as 0 (`strengths`). Shape [rank]."""
    further: FloatArray | None = None
    """Kernel of further nodes, which the decomposition leaves out, with the n nodes; 1 with themselves, 0 with each
    other. Shape [num_further, n]."""

    @property
    def strengths(self) -> FloatArray:
        """Eigenvalues of the nearest kernel: Higham 1988, theorem 2.1. Shape [rank]."""
        return np.maximum(self.values, 0)


def similarity_kernel(linked: Sequence[csr_array], related: Sequence[csr_array]) -> Eigenvectors:
    """Decompose the kernel.

    Args:
        linked: Neighbours of the n nodes per relation, rows of length 1 (or 0). Shape [n, *] each.
        related: Relations among the n nodes, 0 and 1. Shape [n, n] each.

    Raises:
        ValueError: If there is no relation.
    """
    if not (linked or related):
        raise ValueError("a kernel needs at least one relation to compare nodes by (got none)")
    size = (linked or related)[0].shape[0]
    share = 1 / (len(linked) + len(related))
    terms = [(rows, share / _percentile(rows)) for rows in linked]
    if size <= EXACT_SIZE:
        kernel = np.zeros((size, size))
        for rows, weight in terms:
            kernel += weight * (rows @ rows.T).toarray()
        for matrix in related:
            kernel += share * matrix.toarray()
        np.fill_diagonal(kernel, 1)
        values, vectors = np.linalg.eigh(kernel)
    else:
        own = 1 - sum(weight * rows.multiply(rows).sum(axis=1) for rows, weight in terms)

        def times(x: FloatArray) -> FloatArray:
            x = x.ravel()
            total = own * x
            for rows, weight in terms:
                total += weight * (rows @ (rows.T @ x))
            for matrix in related:
                total += share * (matrix @ x)
            return np.asarray(total)

        operator = LinearOperator((size, size), matvec=times, dtype=np.float64)
        start = np.random.default_rng(0).standard_normal(size)
        values, vectors = eigsh(operator, k=LARGEST_RANK, which="LA", v0=start, tol=1e-3)
    return Eigenvectors(vectors, values)


def kernel_rows(new: Sequence[csr_array], linked: Sequence[csr_array], related: Sequence[csr_array]) -> FloatArray:
    """Kernel of further nodes with the n nodes of `similarity_kernel`.

    Args:
        new: Neighbours of the further nodes per relation, rows of length 1 (or 0). Shape [num_new, *] each.
        linked: Those of the n nodes, as there. Shape [n, *] each.
        related: Relations of the further nodes to the n nodes, 0 and 1. Shape [num_new, n] each.
    """
    share = 1 / (len(linked) + len(related))
    parts = [share / _percentile(rows) * (own @ rows.T) for own, rows in zip(new, linked, strict=True)]
    parts += [share * matrix for matrix in related]
    first, *others = parts
    return np.asarray(sum(others, start=first).toarray(), dtype=np.float64)


def damped_by_disease(labels: csr_array) -> csr_array:
    """Labels divided by the square root of their disease's number of drugs. Shape [num_drugs, num_diseases]."""
    num_drugs = np.asarray(np.maximum(labels.sum(axis=0), 1), dtype=np.float64)
    return csr_array(csr_array(labels @ diags_array(num_drugs**-0.5)).astype(np.float32))


class RidgeFactors(NamedTuple):
    """Factors whose inner products are the scores of a ridge regression."""

    drugs: FloatArray
    """Shape [num_drugs, num_factors]."""
    diseases: FloatArray
    """Shape [num_diseases, num_factors]."""


def kronecker_ridge(damped: csr_array, drugs: Eigenvectors, diseases: Eigenvectors) -> RidgeFactors:
    """Ridge regression on products of a drug kernel and a disease kernel, with all unseen pairs labelled 0.

    Closed form in the eigenvectors of both: Stock et al. 2018, equation 12, with lambda = 1. There are as many factors
    as the kernel of lower rank has eigenvectors.

    Args:
        damped: Labels from `damped_by_disease`. Shape [num_drugs, num_diseases].
        drugs: Eigenvectors of the drug kernel.
        diseases: Eigenvectors of the disease kernel; one of both may have further nodes, which come last.
    """
    strength = np.outer(drugs.strengths, diseases.strengths)
    labels = drugs.vectors.T @ (damped[: len(drugs.vectors), : len(diseases.vectors)] @ diseases.vectors)
    inner = labels * (strength / (strength + 1))
    if diseases.further is not None:
        scores = np.concatenate([diseases.vectors @ inner.T, _of_further(labels, drugs.strengths, diseases)])
        return RidgeFactors(drugs.vectors, np.asarray(scores, dtype=np.float64))
    if drugs.further is not None:
        scores = np.concatenate([drugs.vectors @ inner, _of_further(labels.T, diseases.strengths, drugs)])
        return RidgeFactors(np.asarray(scores, dtype=np.float64), diseases.vectors)
    if len(drugs.values) < len(diseases.values):
        return RidgeFactors(drugs.vectors, np.asarray(diseases.vectors @ inner.T, dtype=np.float64))
    return RidgeFactors(np.asarray(drugs.vectors @ inner, dtype=np.float64), diseases.vectors)


def _of_further(labels: FloatArray, others: FloatArray, mine: Eigenvectors) -> FloatArray:
    """Scores of further nodes on the eigenvectors of the other kernel, each as if it alone were added to its kernel.

    The kernel with the node is a diagonal matrix in the eigenvectors of the kernel without it, but for one row and one
    column. All pairs of the node are labelled 0, as those of other nodes without a treatment are.

    Args:
        labels: Labels in the eigenvectors of both. Shape [rank of the other, rank of mine].
        others: Eigenvalues of the other kernel, none of them negative.
        mine: The kernel that has further nodes.

    Returns:
        Shape [num_further, rank of the other].
    """
    assert mine.further is not None
    rank, rows = len(mine.values), []
    for along in mine.further @ mine.vectors:
        bordered = np.diag(np.append(mine.values, 1.0))
        bordered[rank, :rank] = bordered[:rank, rank] = along
        values, turned = np.linalg.eigh(bordered)
        strength = np.outer(others, np.maximum(values, 0))
        rows.append((labels @ turned[:rank] * (strength / (strength + 1))) @ turned[rank])
    return np.stack(rows)


def _percentile(rows: csr_array) -> float:
    """95th percentile of the nonzero cosines between sampled rows and all others."""
    spread = np.unique(np.linspace(0, rows.shape[0] - 1, SAMPLED_ROWS).astype(np.int64))
    cosines = csr_array(rows[spread] @ rows.T).tocoo()
    others = cosines.data[(spread[cosines.row] != cosines.col) & (cosines.data > 0)]
    return float(np.percentile(others, PERCENTILE)) if len(others) else 1.0
