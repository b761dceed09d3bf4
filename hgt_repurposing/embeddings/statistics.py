"""Statistics of the embeddings of all nodes and of each node type, without a verdict.

All statistics are computed from sums over rows, which are additive over groups of rows: the vectors are read twice in
float64 chunks, in O(num_nodes x dim^2) time and O(dim^2) memory per type, without forming pairs of rows.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel

from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.schema import NODE_ID, NODE_TYPE, BoolArray, FloatArray, IntArray

ROWS_PER_CHUNK = 4096  # 16 MB of float64 at 512 dimensions


class NodeStatistics(BaseModel, frozen=True, extra="forbid"):
    """Statistics of some nodes' vectors. Rows with a non-finite entry are excluded from all other statistics."""

    num_rows: int
    num_missing: int
    """Expected nodes without a row."""
    num_non_finite: int
    """Rows with NaN or infinity."""
    num_constant: int
    """Rows with all entries equal, zero rows included (of more than one dimension)."""
    num_isolated: int = 0
    """Rows of nodes that are known to be isolated."""
    num_constant_isolated: int = 0
    """Constant rows of isolated nodes; these receive no messages, so their vectors need not differ."""
    num_zero: int
    """Rows of zeros; they have no direction and are excluded from cosines."""
    num_duplicates: int
    """Rows identical to an earlier one."""
    mean_cosine: float | None
    """Mean over all pairs of rows; None for fewer than two rows with a direction."""
    num_components: int
    """Principal components that explain the given share of the variance; 0 without variance."""


class EmbeddingStatistics(NamedTuple):
    """Statistics of all nodes, per node type, and between node types."""

    overall: NodeStatistics
    by_type: dict[str, NodeStatistics]
    """Statistics by node type, including types that are only expected."""
    within_type_cosine: float | None
    """Mean over all pairs of nodes of the same type; None without such a pair."""
    across_type_cosine: float | None
    """Mean over all pairs of nodes of different types; None without such a pair."""
    num_constant_columns: int
    """Dimensions with the same value in every finite row."""


def embedding_statistics(
    embeddings: Embeddings,
    *,
    variance_share: float,
    expected_nodes: pd.DataFrame | None = None,
    isolated_nodes: pd.DataFrame | None = None,
) -> EmbeddingStatistics:
    """Compute the statistics of embeddings.

    Args:
        embeddings: Any number of nodes, including 0.
        variance_share: Share of the variance that the counted components explain.
        expected_nodes: Columns node_type, node_id: nodes that must have a row; None: no check.
        isolated_nodes: Columns node_type, node_id: nodes that receive no messages; None: not known.
    """
    isolated = isolated_rows(embeddings, isolated_nodes)
    grouped = embeddings.nodes.groupby(NODE_TYPE).indices
    rows_of = {str(name): np.asarray(rows, dtype=np.int64) for name, rows in grouped.items()}
    missing = _missing_by_type(embeddings.nodes, expected_nodes)
    empty = np.empty(0, dtype=np.int64)
    names = sorted(rows_of.keys() | missing.keys())
    sums = {name: _sums(embeddings, rows_of.get(name, empty), isolated) for name in names}
    merged = _merge(list(sums.values()), embeddings.dim)
    within, across = _within_and_across(list(sums.values()), merged)
    return EmbeddingStatistics(
        overall=_statistics(merged, sum(missing.values()), variance_share),
        by_type={name: _statistics(group, missing.get(name, 0), variance_share) for name, group in sums.items()},
        within_type_cosine=within,
        across_type_cosine=across,
        num_constant_columns=int((merged.highest <= merged.lowest).sum()) if merged.num_finite else 0,
    )


class _Sums(NamedTuple):
    """Sums from which all statistics are computed; additive over groups of rows."""

    num_rows: int
    num_finite: int
    num_constant: int
    num_isolated: int
    num_constant_isolated: int
    num_zero: int
    digests: list[bytes]
    """Digest of every finite row."""
    mean: FloatArray
    """Mean of finite rows. Shape [dim]."""
    scatter: FloatArray
    """Sum over finite rows of (x - mean)(x - mean)'. Shape [dim, dim]."""
    unit_sum: FloatArray
    """Sum of x / |x| over finite rows that are not zero. Shape [dim]."""
    lowest: FloatArray
    highest: FloatArray

    @property
    def num_directions(self) -> int:
        """Finite rows that are not zero."""
        return self.num_finite - self.num_zero


def _sums(embeddings: Embeddings, rows: IntArray, isolated: BoolArray) -> _Sums:
    dim = embeddings.dim
    finite = rows[finite_rows(embeddings, rows)]
    total, unit_sum = np.zeros(dim), np.zeros(dim)
    lowest, highest = np.full(dim, np.inf), np.full(dim, -np.inf)
    num_zero = 0
    constant: list[BoolArray] = [np.empty(0, dtype=np.bool_)]
    digests: list[bytes] = []
    for chunk in _chunks(embeddings, finite):
        length = np.linalg.norm(chunk, axis=1)
        total += chunk.sum(axis=0)
        unit_sum += (1 / length[length > 0]) @ chunk[length > 0]
        lowest, highest = np.minimum(lowest, chunk.min(axis=0)), np.maximum(highest, chunk.max(axis=0))
        num_zero += int((length == 0).sum())
        constant.append((np.ptp(chunk, axis=1) == 0) & (dim > 1))
        digests.extend(hashlib.blake2b(row, digest_size=16).digest() for row in chunk + 0.0)  # -0.0 becomes 0.0
    mean = total / max(len(finite), 1)
    all_equal = np.concatenate(constant)
    return _Sums(
        num_rows=len(rows),
        num_finite=len(finite),
        num_constant=int(all_equal.sum()),
        num_isolated=int(isolated[rows].sum()),
        num_constant_isolated=int((all_equal & isolated[finite]).sum()),
        num_zero=num_zero,
        digests=digests,
        mean=mean,
        scatter=scatter_about(mean, embeddings, finite),
        unit_sum=unit_sum,
        lowest=lowest,
        highest=highest,
    )


def scatter_about(mean: FloatArray, embeddings: Embeddings, rows: IntArray) -> FloatArray:
    """Sum over rows of (x - mean)(x - mean)'. Mean: shape [dim]. Shape [dim, dim]."""
    scatter = np.zeros((embeddings.dim, embeddings.dim))
    for chunk in _chunks(embeddings, rows):
        centred = chunk - mean
        scatter += centred.T @ centred
    return scatter


def finite_rows(embeddings: Embeddings, rows: IntArray) -> BoolArray:
    """Which of these rows hold neither NaN nor infinity. Shape [num_rows]."""
    parts = [np.isfinite(chunk).all(axis=1) for chunk in _chunks(embeddings, rows)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.bool_)


def _chunks(embeddings: Embeddings, rows: IntArray) -> Iterator[FloatArray]:
    for start in range(0, len(rows), ROWS_PER_CHUNK):
        yield embeddings.vectors[rows[start : start + ROWS_PER_CHUNK]].astype(np.float64)


def _merge(groups: list[_Sums], dim: int) -> _Sums:
    num_finite = sum(group.num_finite for group in groups)
    mean = sum((group.mean * group.num_finite for group in groups), np.zeros(dim)) / max(num_finite, 1)
    scatter = np.zeros((dim, dim))
    for group in groups:
        # Variance about the common mean = variance within the group + variance of the group's mean.
        offset = group.mean - mean
        scatter += group.scatter + group.num_finite * np.outer(offset, offset)
    return _Sums(
        num_rows=sum(group.num_rows for group in groups),
        num_finite=num_finite,
        num_constant=sum(group.num_constant for group in groups),
        num_isolated=sum(group.num_isolated for group in groups),
        num_constant_isolated=sum(group.num_constant_isolated for group in groups),
        num_zero=sum(group.num_zero for group in groups),
        digests=[digest for group in groups for digest in group.digests],
        mean=mean,
        scatter=scatter,
        unit_sum=sum((group.unit_sum for group in groups), np.zeros(dim)),
        lowest=np.min([group.lowest for group in groups], axis=0, initial=np.inf),
        highest=np.max([group.highest for group in groups], axis=0, initial=-np.inf),
    )


def _statistics(sums: _Sums, num_missing: int, variance_share: float) -> NodeStatistics:
    n = sums.num_directions
    return NodeStatistics(
        num_rows=sums.num_rows,
        num_missing=num_missing,
        num_non_finite=sums.num_rows - sums.num_finite,
        num_constant=sums.num_constant,
        num_isolated=sums.num_isolated,
        num_constant_isolated=sums.num_constant_isolated,
        num_zero=sums.num_zero,
        num_duplicates=len(sums.digests) - len(set(sums.digests)),
        mean_cosine=_ratio(_cosine_sum(sums), n * (n - 1)),
        num_components=_num_components(sums, variance_share),
    )


def _cosine_sum(sums: _Sums) -> float:
    """Sum of the cosine similarity over all ordered pairs of different rows."""
    # |sum u_i|^2 = sum_i u_i.u_i + sum_{i != j} u_i.u_j = n + (this sum), for unit vectors u: exact, in O(n d).
    return float(sums.unit_sum @ sums.unit_sum) - sums.num_directions


def _within_and_across(groups: list[_Sums], merged: _Sums) -> tuple[float | None, float | None]:
    # Every pair is either within a type or across types, so across = all - within, in sums and in counts.
    within = sum(_cosine_sum(group) for group in groups)
    num_within = sum(group.num_directions * (group.num_directions - 1) for group in groups)
    num_pairs = merged.num_directions * (merged.num_directions - 1)
    return _ratio(within, num_within), _ratio(_cosine_sum(merged) - within, num_pairs - num_within)


def _ratio(total: float, count: int) -> float | None:
    return total / count if count > 0 else None


def _num_components(sums: _Sums, variance_share: float) -> int:
    variance = float(np.trace(sums.scatter))
    # If all rows are equal, rounding leaves about 1e-32 of the squared length; one float32 step is far above that.
    if variance <= 1e-20 * sums.num_finite * float(sums.mean @ sums.mean):
        return 0
    eigenvalues = np.clip(np.linalg.eigvalsh(sums.scatter)[::-1], 0, None)
    explained = np.cumsum(eigenvalues) / eigenvalues.sum()
    return min(int(np.searchsorted(explained, variance_share)) + 1, len(explained))


def isolated_rows(embeddings: Embeddings, isolated_nodes: pd.DataFrame | None) -> BoolArray:
    """Mask of the rows of isolated nodes; all False if they are not known. Shape [num_rows]."""
    if isolated_nodes is None:
        return np.zeros(len(embeddings.nodes), dtype=np.bool_)
    return np.asarray(_keys(embeddings.nodes).isin(_keys(isolated_nodes)))


def _keys(nodes: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(nodes[[NODE_TYPE, NODE_ID]])


def _missing_by_type(nodes: pd.DataFrame, expected: pd.DataFrame | None) -> dict[str, int]:
    if expected is None:
        return {}
    wanted = _keys(expected).unique()
    absent = wanted[~wanted.isin(_keys(nodes))]
    counts = absent.get_level_values(NODE_TYPE).value_counts()
    return {str(name): int(count) for name, count in counts.items()}
