"""Principal components of a table of embeddings."""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.embeddings.statistics import finite_rows, scatter_about
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.signs import with_fixed_signs


class PrincipalComponents(NamedTuple):
    """Principal components of the finite rows."""

    rows: IntArray
    """Indices of the finite rows. Shape [num_finite]."""
    mean: FloatArray
    """Shape [dim]."""
    axes: FloatArray
    """One component per column, largest variance first, each with its largest entry positive. Shape [dim, dim]."""
    shares: FloatArray
    """Explained variance ratio of each component; zeros without variance. Shape [dim]."""


def principal_components(embeddings: Embeddings) -> PrincipalComponents:
    """Principal components of all finite rows; zeros if there are none."""
    every = np.arange(len(embeddings.vectors))
    finite = finite_rows(embeddings, every)
    rows = every[finite]
    # Sums of equal float32 rows are exact in float64, so collapsed vectors leave exactly no variance.
    total = np.sum(embeddings.vectors, axis=0, where=finite[:, None], dtype=np.float64)
    mean = np.asarray(total / max(len(rows), 1), dtype=np.float64)
    # Not scikit-learn's PCA, which needs all rows in float64 at once; this reads them chunk by chunk.
    values, axes = np.linalg.eigh(scatter_about(mean, embeddings, rows))
    axes = with_fixed_signs(axes[:, ::-1])
    variance = np.clip(values[::-1], 0, None)
    return PrincipalComponents(rows, mean, axes, variance / (variance.sum() or 1))
