"""Heterogeneous mutual attention and message passing, exact and lean (Hu et al., WWW 2020, eq. 3 and 4).

The paper's score of an edge (s, relation r, t) is (K_s W_r) . Q_t * mu_r / sqrt(D), its message V_s M_r. Either side of
the score can be transformed, K_s W_r . Q_t = K_s . (Q_t W_r^T), and a message before or after the sum, for the sum is
linear: so each relation transforms one row per source or one per target, whichever are fewer. The softmax of a target
runs over all its relations; it is carried from one relation to the next as a running one.

Saved for the backward pass: queries, keys, values, the result and its log-sum-exp. The weights of the edges are
computed again, relation by relation (as FlashAttention does: Dao et al., NeurIPS 2022, section 3.1).
"""

from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.model.attention_compiled import CompiledBackend
from hgt_repurposing.model.edge_plan import RelationEdges

BackendName = Literal["chunked", "compiled"]


class AttentionBackend(Protocol):
    """The loops over the edges of one relation. H heads of width D; F = H * D."""

    def attend(
        self, query: Tensor, key_value: Tensor, edges: RelationEdges, num_heads: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Values summed with weight exp(logit - high), `high`, and the sum of these weights.

        Args:
            query: One row per target of the relation. Shape [T, F].
            key_value: Keys beside values. Shape [*, 2 F].
            edges: Of one relation.
            num_heads: H.

        Returns:
            Shapes [T, F], [T, H] and [T, H].
        """

    def merge(self, into: tuple[Tensor, Tensor, Tensor], rows: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> None:
        """Add what `attend` found for some targets to what is held for all of them, in place."""

    def differentiate_rows(
        self, query_gradient: Tensor, key_value: Tensor, edges: RelationEdges, lse: Tensor, delta: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Gradient by the query, values summed with their softmax weight, and for each edge its two factors.

        Args:
            query_gradient: Query beside the gradient by what was summed. Shape [T, 2 F].
            key_value: Keys beside values. Shape [*, 2 F].
            edges: Of one relation.
            lse: Log-sum-exp of all logits of the target. Shape [T, H].
            delta: Inner product of the target's result and its gradient. Shape [T, H].

        Returns:
            Shapes [T, F], [T, F] and [E, 2 H]: softmax weight beside gradient by the logit.
        """

    def differentiate_columns(
        self, query_gradient: Tensor, weight: Tensor, edges: RelationEdges, by_key_value: Tensor
    ) -> None:
        """Add the gradients by keys and values, in place. `weight` is what `differentiate_rows` gave."""


def backend_for(
    device: torch.device, name: BackendName | None = None, *, chunk_edges: int = ChunkedBackend.chunk_edges
) -> AttentionBackend:
    """The backend of this name; for None compiled loops on the CPU, chunks elsewhere.

    Args:
        device: Where the tensors are.
        name: Which backend.
        chunk_edges: Edges of a chunk, where there are chunks.

    Raises:
        ValueError: If compiled loops are wanted elsewhere than on the CPU.
    """
    chosen = name or ("compiled" if device.type == "cpu" else "chunked")
    if chosen == "chunked":
        return ChunkedBackend(chunk_edges)
    if device.type != "cpu":
        raise ValueError(f"compiled loops run on the CPU only (got {device.type})")
    return CompiledBackend()


def edge_attention(
    query: Tensor,
    key_value: Tensor,
    *,
    attention: Tensor,
    message: Tensor,
    prior: Tensor,
    relations: tuple[RelationEdges, ...],
    backend: AttentionBackend | None = None,
) -> Tensor:
    """Messages summed at every target, weighted by a softmax over all its incoming edges of all relations.

    Args:
        query: Of the targets. Shape [num_targets, F].
        key_value: Keys of the sources beside their values. Shape [num_sources, 2 F].
        attention: W of each relation. Shape [num_relations, H, D, D].
        message: M of each relation. Shape [num_relations, H, D, D].
        prior: mu of each relation. Shape [num_relations, H].
        relations: The edges.
        backend: None for the one that suits the device.

    Returns:
        Shape [num_targets, F]; zero where no edge arrives.
    """
    scale = prior[:, :, None, None] / attention.shape[-1] ** 0.5
    chosen = backend or backend_for(query.device)
    result: Tensor = _EdgeAttention.apply(query, key_value, attention * scale, message, relations, chosen)  # type: ignore[no-untyped-call]  # torch has no types for it
    return result


class _EdgeAttention(torch.autograd.Function):
    """W already holds mu / sqrt(D)."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: what autograd hands over has no type
        query: Tensor,
        key_value: Tensor,
        attention: Tensor,
        message: Tensor,
        relations: tuple[RelationEdges, ...],
        backend: AttentionBackend,
    ) -> Tensor:
        query, key_value = query.contiguous(), key_value.contiguous()
        num_heads = attention.shape[1]
        summed = torch.zeros_like(query)
        high = query.new_full((query.shape[0], num_heads), -torch.inf)
        total = query.new_zeros(query.shape[0], num_heads)
        for edges in relations:
            w, m = attention[edges.relation], message[edges.relation]
            asked = query.index_select(0, edges.targets)
            if edges.side == "source":
                sent = _transform_pair(key_value.index_select(0, edges.sources), w, m)
                rows, row_high, row_total = backend.attend(asked, sent, edges, num_heads)
            else:
                rows, row_high, row_total = backend.attend(_times(asked, w.mT), key_value, edges, num_heads)
                rows = _times(rows, m)
            backend.merge((summed, high, total), (rows, row_high, row_total), edges.targets)
        # A target without edges has total 0 and stays zero.
        per_head = summed.unflatten(1, (num_heads, -1))
        per_head /= torch.where(total > 0, total, 1)[:, :, None]
        ctx.save_for_backward(query, key_value, attention, message, summed, high + total.log())
        ctx.relations, ctx.backend = relations, backend
        return summed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        query, key_value, attention, message, result, lse = ctx.saved_tensors
        backend: AttentionBackend = ctx.backend
        gradient = gradient.contiguous()
        num_heads, width = lse.shape[1], query.shape[1]
        delta = (gradient * result).unflatten(1, (num_heads, -1)).sum(-1)
        by_query, by_key_value = torch.zeros_like(query), torch.zeros_like(key_value)
        by_attention, by_message = torch.zeros_like(attention), torch.zeros_like(message)
        edges: RelationEdges
        for edges in ctx.relations:
            r, targets = edges.relation, edges.targets
            w, m = attention[r], message[r]
            asked, received = query.index_select(0, targets), gradient.index_select(0, targets)
            at_rows = lse.index_select(0, targets), delta.index_select(0, targets)
            if edges.side == "target":
                rows = _beside((asked, w.mT), (received, m.mT))
                by_row, summed, weight = backend.differentiate_rows(rows, key_value, edges, *at_rows)
                backend.differentiate_columns(rows, weight, edges, by_key_value)
                by_attention[r], by_message[r] = _outer(by_row, asked, num_heads), _outer(summed, received, num_heads)
                by_row = _times(by_row, w)
            else:
                raw = key_value.index_select(0, edges.sources)
                sent, rows = _transform_pair(raw, w, m), torch.cat([asked, received], dim=1)
                by_row, _, weight = backend.differentiate_rows(rows, sent, edges, *at_rows)
                by_sent = torch.zeros_like(sent)
                backend.differentiate_columns(rows, weight, edges, by_sent)
                by_attention[r] = _outer(raw[:, :width], by_sent[:, :width], num_heads)
                by_message[r] = _outer(raw[:, width:], by_sent[:, width:], num_heads)
                by_key_value.index_add_(0, edges.sources, _transform_pair(by_sent, w.mT, m.mT))
            by_query.index_add_(0, targets, by_row)
        return by_query, by_key_value, by_attention, by_message, None, None


def _times(rows: Tensor, matrix: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Multiply each head's part of a row by the head's matrix. Shapes [n, F] and [H, D, D] to [n, F]."""
    result = torch.empty_like(rows) if out is None else out
    parts = zip(rows.chunk(len(matrix), dim=1), matrix, result.chunk(len(matrix), dim=1), strict=True)
    for part, head, product in parts:
        torch.mm(part, head, out=product)
    return result


def _transform_pair(rows: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """The same for keys beside values, each with its matrix. Shape [n, 2 F] in and out."""
    width = rows.shape[1] // 2
    return _beside((rows[:, :width], left), (rows[:, width:], right))


def _beside(left: tuple[Tensor, Tensor], right: tuple[Tensor, Tensor]) -> Tensor:
    """Two products of rows and matrices, side by side. Shape [n, 2 F]."""
    rows, width = left[0].shape
    result = left[0].new_empty(rows, 2 * width)
    _times(*left, out=result[:, :width])
    _times(*right, out=result[:, width:])
    return result


def _outer(left: Tensor, right: Tensor, num_heads: int) -> Tensor:
    """Sum over the rows of the outer products, head by head. Two of shape [n, F] to [H, D, D]."""
    heads = zip(left.chunk(num_heads, dim=1), right.chunk(num_heads, dim=1), strict=True)
    return torch.stack([one.T @ other for one, other in heads])
