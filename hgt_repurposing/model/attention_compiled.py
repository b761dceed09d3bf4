"""Edge attention in compiled loops over targets and sources, for the CPU: no tensor of size edges x width is stored.

One pass over the edges of a target with a running softmax (Milakov and Gimelshein, arXiv:1805.02867; as in
FlashAttention, Dao et al., NeurIPS 2022).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hgt_repurposing.model.compiled import Array, Arrays, arrays, compiled, prefetch, run_in_threads
from hgt_repurposing.model.edge_plan import RelationEdges

AHEAD = 2
"""Number of edges by which vectors are prefetched."""


@dataclass(frozen=True)
class CompiledBackend:
    """Compiled with numba on first use, then loaded from its cache."""

    def attend(
        self, query: Tensor, key_value: Tensor, edges: RelationEdges, num_heads: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `AttentionBackend.attend`."""
        rows, width = query.shape
        summed = torch.empty_like(query)
        high, total = query.new_empty(rows, num_heads), query.new_empty(rows, num_heads)
        run_in_threads(
            _attend,
            edges.row_ptr,
            width,
            arrays(edges.row_ptr, edges.column),
            *arrays(query, key_value),
            width // num_heads,
            arrays(summed, high, total),
        )
        return summed, high, total

    def merge(self, into: tuple[Tensor, Tensor, Tensor], rows: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> None:
        """See `AttentionBackend.merge`."""
        width, num_heads = into[0].shape[1], into[1].shape[1]
        tables = *arrays(targets), arrays(*into), arrays(*rows)
        run_in_threads(_merge, _each(targets), width, *tables, width // num_heads)

    def differentiate_rows(
        self, query_gradient: Tensor, key_value: Tensor, edges: RelationEdges, lse: Tensor, delta: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `AttentionBackend.differentiate_rows`."""
        num_heads = lse.shape[1]
        found = torch.empty_like(query_gradient)
        weight = query_gradient.new_empty(edges.column.numel(), 2 * num_heads)
        run_in_threads(
            _differentiate_rows,
            edges.row_ptr,
            query_gradient.shape[1],
            arrays(edges.row_ptr, edges.column),
            *arrays(query_gradient, key_value),
            arrays(lse, delta),
            arrays(found, weight),
        )
        return found, weight

    def differentiate_columns(
        self, query_gradient: Tensor, weight: Tensor, edges: RelationEdges, by_key_value: Tensor
    ) -> None:
        """See `AttentionBackend.differentiate_columns`."""
        run_in_threads(
            _differentiate_columns,
            edges.column_ptr,
            query_gradient.shape[1],
            arrays(edges.column_ptr, edges.row, edges.edge, edges.key_row),
            *arrays(query_gradient, weight, by_key_value),
        )

    def segment_sum(self, table: Tensor, ptr: Tensor, index: Tensor) -> Tensor:
        """See `AttentionBackend.segment_sum`."""
        table = table.contiguous()
        summed = table.new_empty(ptr.numel() - 1, table.shape[1])
        run_in_threads(_segment_sum, ptr, table.shape[1], arrays(ptr, index), *arrays(table, summed))
        return summed

    def gather(self, index: Tensor, *tables: Tensor) -> Tensor:
        """See `AttentionBackend.gather`."""
        rows = tables[0].new_empty(index.numel(), sum(table.shape[1] for table in tables))
        first = 0
        for table in tables:
            run_in_threads(_gather, _each(index), table.shape[1], *arrays(index, table), first, *arrays(rows))
            first += table.shape[1]
        return rows

    def add_rows(self, into: Tensor, index: Tensor, rows: Tensor) -> None:
        """See `AttentionBackend.add_rows`."""
        run_in_threads(_add_rows, _each(index), rows.shape[1], *arrays(index, rows.contiguous(), into))

    def transform(self, rows: Tensor, matrices: Tensor) -> Tensor:
        """See `AttentionBackend.transform`. Writes directly into columns of the result, without a transposed copy."""
        result = torch.empty_like(rows, memory_format=torch.contiguous_format)
        blocks = zip(*(part.chunk(len(matrices), dim=1) for part in (rows, result)), matrices, strict=True)
        for block, product, matrix in blocks:
            torch.mm(block, matrix, out=product)
        return result

    def outer(self, left: Tensor, right: Tensor, num_blocks: int) -> Tensor:
        """See `AttentionBackend.outer`."""
        blocks = zip(left.chunk(num_blocks, dim=1), right.chunk(num_blocks, dim=1), strict=True)
        return torch.stack([one.T @ other for one, other in blocks])


def _each(index: Tensor) -> Tensor:
    """Pointers for rows with one entry each."""
    return torch.arange(index.numel() + 1)


@compiled
def _attend(
    first: int,
    last: int,
    edges: Arrays,
    query: Array,
    key_value: Array,
    head_width: int,
    into: Arrays,
) -> None:
    """Sums of exp(q.k - high) and of these times v, for each row and head, in one pass over the row's edges.

    `high` need only be near the highest logit: if a logit exceeds it by more than 20, it is raised and the sums so far
    are scaled down; exp(20) times a row's length is far from overflowing.
    """
    row_ptr, column = edges
    summed, high, total = into
    num_heads = high.shape[1]
    width = num_heads * head_width
    for row in range(first, last):
        high[row, :] = -np.inf
        total[row, :] = 0
        summed[row, :] = 0
        for e in range(row_ptr[row], row_ptr[row + 1]):
            c = column[e]
            prefetch(key_value, column[min(e + AHEAD, len(column) - 1)])
            for h in range(num_heads):
                low = h * head_width
                logit = query.dtype.type(0)
                for d in range(head_width):
                    logit += query[row, low + d] * key_value[c, low + d]
                if not logit <= high[row, h] + query.dtype.type(20):
                    scale = np.exp(high[row, h] - logit)
                    high[row, h] = logit
                    total[row, h] *= scale
                    for d in range(head_width):
                        summed[row, low + d] *= scale
                w = np.exp(logit - high[row, h])
                total[row, h] += w
                for d in range(head_width):
                    summed[row, low + d] += w * key_value[c, width + low + d]


@compiled
def _merge(
    first: int,
    last: int,
    targets: Array,
    into: Arrays,
    rows: Arrays,
    head_width: int,
) -> None:
    """Rescale two running softmaxes of a target to a common reference value and add them."""
    summed, high, total = into
    row_summed, row_high, row_total = rows
    num_heads = high.shape[1]
    for row in range(first, last):
        t = targets[row]
        for h in range(num_heads):
            reference = max(high[t, h], row_high[row, h])
            before, now = np.exp(high[t, h] - reference), np.exp(row_high[row, h] - reference)
            high[t, h] = reference
            total[t, h] = total[t, h] * before + row_total[row, h] * now
            for d in range(h * head_width, (h + 1) * head_width):
                summed[t, d] = summed[t, d] * before + row_summed[row, d] * now


@compiled
def _differentiate_rows(
    first: int,
    last: int,
    edges: Arrays,
    query_gradient: Array,
    key_value: Array,
    at_rows: Arrays,
    into: Arrays,
) -> None:
    """Recompute softmax weights from the saved log-sum-exp, then sum the query gradient over each row's edges."""
    row_ptr, column = edges
    lse, delta = at_rows
    found, weight = into
    num_heads = lse.shape[1]
    width = found.shape[1] // 2
    head_width = width // num_heads
    for row in range(first, last):
        found[row, :] = 0
        for e in range(row_ptr[row], row_ptr[row + 1]):
            c = column[e]
            prefetch(key_value, column[min(e + AHEAD, len(column) - 1)])
            for h in range(num_heads):
                low = h * head_width
                logit = query_gradient.dtype.type(0)
                gain = logit
                for d in range(head_width):
                    logit += query_gradient[row, low + d] * key_value[c, low + d]
                    gain += query_gradient[row, width + low + d] * key_value[c, width + low + d]
                w = np.exp(logit - lse[row, h])
                by_logit = w * (gain - delta[row, h])
                weight[e, h] = w
                weight[e, num_heads + h] = by_logit
                for d in range(head_width):
                    found[row, low + d] += by_logit * key_value[c, low + d]
                for d in range(head_width):
                    found[row, width + low + d] += w * key_value[c, width + low + d]


@compiled
def _differentiate_columns(
    first: int,
    last: int,
    edges: Arrays,
    query_gradient: Array,
    weight: Array,
    by_key_value: Array,
) -> None:
    """Sum the key and value gradients over each source's edges."""
    column_ptr, edge_row, edge, key_row = edges
    num_heads = weight.shape[1] // 2
    width = query_gradient.shape[1] // 2
    head_width = width // num_heads
    for source in range(first, last):
        c = key_row[source]
        for i in range(column_ptr[source], column_ptr[source + 1]):
            row = edge_row[i]
            prefetch(query_gradient, edge_row[min(i + AHEAD, len(edge_row) - 1)])
            e = edge[i]
            prefetch(weight, edge[min(i + AHEAD, len(edge) - 1)])
            for h in range(num_heads):
                low = h * head_width
                w = weight[e, h]
                by_logit = weight[e, num_heads + h]
                for d in range(head_width):
                    by_key_value[c, low + d] += by_logit * query_gradient[row, low + d]
                for d in range(head_width):
                    by_key_value[c, width + low + d] += w * query_gradient[row, width + low + d]


@compiled
def _segment_sum(first: int, last: int, segments: Arrays, table: Array, into: Array) -> None:
    ptr, index = segments
    for segment in range(first, last):
        into[segment, :] = 0
        for e in range(ptr[segment], ptr[segment + 1]):
            prefetch(table, index[min(e + AHEAD, len(index) - 1)])
            for d in range(table.shape[1]):
                into[segment, d] += table[index[e], d]


@compiled
def _gather(first: int, last: int, index: Array, table: Array, first_column: int, into: Array) -> None:
    """Copy rows of a table into some columns.

    A compiled loop, since on a busy machine an OpenMP team can take a thousand times longer than the copy itself.
    """
    for i in range(first, last):
        row = index[i]
        prefetch(table, index[min(i + AHEAD, len(index) - 1)])
        for d in range(table.shape[1]):
            into[i, first_column + d] = table[row, d]


@compiled
def _add_rows(first: int, last: int, index: Array, rows: Array, into: Array) -> None:
    for i in range(first, last):
        row = index[i]
        for d in range(rows.shape[1]):
            into[row, d] += rows[i, d]
