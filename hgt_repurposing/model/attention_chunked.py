"""Edge attention in plain PyTorch, a chunk of edges at a time: for CUDA and MPS, and for comparison on the CPU."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from hgt_repurposing.model.edge_plan import RelationEdges


@dataclass(frozen=True)
class ChunkedBackend:
    """Temporary tensors have one row per edge of a chunk; only [num_edges, heads] is stored for all edges."""

    chunk_edges: int = 16_384
    """Edges per chunk."""

    def attend(
        self, query: Tensor, key_value: Tensor, edges: RelationEdges, num_heads: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See `AttentionBackend.attend`."""
        rows, width = query.shape
        place = _row_of_each_edge(edges)
        logits = query.new_empty(edges.column.numel(), num_heads)
        for chunk in self._chunks(edges):
            key = key_value[:, :width].index_select(0, edges.column[chunk])
            logits[chunk] = _dot(query.index_select(0, place[chunk]), key, num_heads)
        spread = place[:, None].expand_as(logits)
        high = logits.new_full((rows, num_heads), -torch.inf).scatter_reduce(0, spread, logits, "amax")
        weight = logits.sub_(high.index_select(0, place)).exp_()
        total = logits.new_zeros(rows, num_heads).index_add_(0, place, weight)
        summed = torch.zeros_like(query)
        for chunk in self._chunks(edges):
            value = key_value[:, width:].index_select(0, edges.column[chunk])
            summed.index_add_(0, place[chunk], _scaled(value, weight[chunk]))
        return summed, high, total

    def merge(self, into: tuple[Tensor, Tensor, Tensor], rows: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> None:
        """See `AttentionBackend.merge`."""
        summed, high, total = into
        row_summed, row_high, row_total = rows
        held = high.index_select(0, targets)
        reference = torch.maximum(held, row_high)
        before, now = (held - reference).exp(), (row_high - reference).exp()
        high.index_copy_(0, targets, reference)
        total.index_copy_(0, targets, total.index_select(0, targets) * before + row_total * now)
        merged = _scaled(summed.index_select(0, targets), before) + _scaled(row_summed, now)
        summed.index_copy_(0, targets, merged)

    def differentiate_rows(
        self, query_gradient: Tensor, key_value: Tensor, edges: RelationEdges, lse: Tensor, delta: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `AttentionBackend.differentiate_rows`."""
        num_heads = lse.shape[1]
        place = _row_of_each_edge(edges)
        found = torch.zeros_like(query_gradient)
        weight = query_gradient.new_empty(edges.column.numel(), 2 * num_heads)
        for chunk in self._chunks(edges):
            here = place[chunk]
            asked = query_gradient.index_select(0, here)
            sent = key_value.index_select(0, edges.column[chunk])
            inner = _dot(asked, sent, 2 * num_heads)
            w = (inner[:, :num_heads] - lse.index_select(0, here)).exp()
            by_logit = w * (inner[:, num_heads:] - delta.index_select(0, here))
            weight[chunk, :num_heads], weight[chunk, num_heads:] = w, by_logit
            found.index_add_(0, here, _scaled(sent, torch.cat([by_logit, w], dim=1)))
        return found, weight

    def differentiate_columns(
        self, query_gradient: Tensor, weight: Tensor, edges: RelationEdges, by_key_value: Tensor
    ) -> None:
        """See `AttentionBackend.differentiate_columns`."""
        num_heads = weight.shape[1] // 2
        place = edges.key_row.repeat_interleave(edges.column_ptr.diff())
        for chunk in self._chunks(edges):
            asked = query_gradient.index_select(0, edges.row[chunk])
            w = weight.index_select(0, edges.edge[chunk]).roll(num_heads, dims=1)  # gradient of the logit first
            by_key_value.index_add_(0, place[chunk], _scaled(asked, w))

    def segment_sum(self, table: Tensor, ptr: Tensor, index: Tensor) -> Tensor:
        """See `AttentionBackend.segment_sum`."""
        count = ptr.diff()
        place = torch.arange(count.numel(), device=ptr.device).repeat_interleave(count)
        summed = table.new_zeros(count.numel(), table.shape[1])
        for start in range(0, index.numel(), self.chunk_edges):
            chunk = slice(start, start + self.chunk_edges)
            summed.index_add_(0, place[chunk], table.index_select(0, index[chunk]))
        return summed

    def gather(self, index: Tensor, *tables: Tensor) -> Tensor:
        """See `AttentionBackend.gather`."""
        rows = [table.index_select(0, index) for table in tables]
        return rows[0] if len(rows) == 1 else torch.cat(rows, dim=1)

    def add_rows(self, into: Tensor, index: Tensor, rows: Tensor) -> None:
        """See `AttentionBackend.add_rows`."""
        into.index_add_(0, index, rows.contiguous())

    def transform(self, rows: Tensor, matrices: Tensor) -> Tensor:
        """See `AttentionBackend.transform`. Operands are made contiguous: MPS is unreliable with others."""
        blocks = rows.unflatten(1, (len(matrices), -1)).transpose(0, 1).contiguous()
        product: Tensor = blocks @ matrices.contiguous()
        return product.transpose(0, 1).reshape(rows.shape)

    def outer(self, left: Tensor, right: Tensor, num_blocks: int) -> Tensor:
        """See `AttentionBackend.outer`."""
        blocks = [rows.unflatten(1, (num_blocks, -1)).transpose(0, 1).contiguous() for rows in (left, right)]
        product: Tensor = blocks[0].mT.contiguous() @ blocks[1]
        return product

    def _chunks(self, edges: RelationEdges) -> Iterator[slice]:
        for start in range(0, edges.column.numel(), self.chunk_edges):
            yield slice(start, start + self.chunk_edges)


def _row_of_each_edge(edges: RelationEdges) -> Tensor:
    """Shape [num_edges], int64 as scatter requires."""
    rows = torch.arange(edges.targets.numel(), device=edges.targets.device)
    return rows.repeat_interleave(edges.row_ptr.diff())


def _dot(left: Tensor, right: Tensor, num_heads: int) -> Tensor:
    """Inner products head by head. Two of shape [n, width] to [n, H]."""
    inner: Tensor = (left * right).unflatten(1, (num_heads, -1)).sum(-1)
    return inner


def _scaled(rows: Tensor, per_head: Tensor) -> Tensor:
    """Scale each head's part of a row by its factor. Shapes [n, width] and [n, H] to [n, width]."""
    scaled: Tensor = rows.unflatten(1, (per_head.shape[1], -1)) * per_head[:, :, None]
    return scaled.flatten(1)
