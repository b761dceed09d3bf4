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
    ) -> tuple[Tensor, Tensor]:
        """Gradient by the query beside the values summed with their softmax weight; and each edge's two factors.

        Args:
            query_gradient: Query beside the gradient by what was summed. Shape [T, 2 F].
            key_value: Keys beside values. Shape [*, 2 F].
            edges: Of one relation.
            lse: Log-sum-exp of all logits of the target. Shape [T, H].
            delta: Inner product of the target's result and its gradient. Shape [T, H].

        Returns:
            Shapes [T, 2 F] and [E, 2 H]: softmax weight beside gradient by the logit.
        """

    def differentiate_columns(
        self, query_gradient: Tensor, weight: Tensor, edges: RelationEdges, by_key_value: Tensor
    ) -> None:
        """Add the gradients by keys and values, in place. `weight` is what `differentiate_rows` gave."""

    def segment_sum(self, table: Tensor, ptr: Tensor, index: Tensor) -> Tensor:
        """For each segment the sum of the rows that it names.

        Args:
            table: Shape [*, width].
            ptr: First entry of each segment, then the number of entries. Shape [n + 1], int32.
            index: Rows. Shape [num_entries], int32.

        Returns:
            Shape [n, width].
        """

    def gather(self, index: Tensor, *tables: Tensor) -> Tensor:
        """Rows of one or more tables, side by side. Shapes [n] and [*, width] each to [n, sum of the widths]."""

    def add_rows(self, into: Tensor, index: Tensor, rows: Tensor) -> None:
        """Add rows to those of a table, in place; no row is named twice. Shapes [*, width], [n] and [n, width]."""

    def transform(self, rows: Tensor, matrices: Tensor) -> Tensor:
        """Multiply each block of a row by its matrix. Shapes [n, G * D] and [G, D, D] to [n, G * D]."""

    def outer(self, left: Tensor, right: Tensor, num_blocks: int) -> Tensor:
        """Sum over the rows of the outer products, block by block. Two of shape [n, G * D] to [G, D, D]."""


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
    pair = torch.cat([attention * scale, message], dim=1)
    chosen = backend or backend_for(query.device)
    result: Tensor = _EdgeAttention.apply(query, key_value, pair, relations, chosen)  # type: ignore[no-untyped-call]  # torch has no types for it
    return result


class _EdgeAttention(torch.autograd.Function):
    """`pair` holds W * mu / sqrt(D) and M of each relation, one after the other. Shape [num_relations, 2 H, D, D]."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: what autograd hands over has no type
        query: Tensor,
        key_value: Tensor,
        pair: Tensor,
        relations: tuple[RelationEdges, ...],
        backend: AttentionBackend,
    ) -> Tensor:
        query, key_value = query.contiguous(), key_value.contiguous()
        num_heads = pair.shape[1] // 2
        summed = torch.zeros_like(query)
        high = query.new_full((query.shape[0], num_heads), -torch.inf)
        total = query.new_zeros(query.shape[0], num_heads)
        for edges in relations:
            matrices = pair[edges.relation]
            asked = backend.gather(edges.targets, query)
            if edges.side == "source":
                sent = backend.transform(backend.gather(edges.sources, key_value), matrices)
                rows, row_high, row_total = backend.attend(asked, sent, edges, num_heads)
            else:
                asked = backend.transform(asked, matrices[:num_heads].mT)
                rows, row_high, row_total = backend.attend(asked, key_value, edges, num_heads)
                rows = backend.transform(rows, matrices[num_heads:])
            backend.merge((summed, high, total), (rows, row_high, row_total), edges.targets)
        # A target without edges has total 0 and stays zero.
        per_head = summed.unflatten(1, (num_heads, -1))
        per_head /= torch.where(total > 0, total, 1)[:, :, None]
        ctx.save_for_backward(query, key_value, pair, summed, high + total.log())
        ctx.relations, ctx.backend = relations, backend
        return summed

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key_value, pair, result, lse = ctx.saved_tensors
        backend: AttentionBackend = ctx.backend
        gradient = gradient.contiguous()
        num_heads, width = lse.shape[1], query.shape[1]
        delta = (gradient * result).unflatten(1, (num_heads, -1)).sum(-1)
        by_query, by_key_value, by_pair = (torch.zeros_like(table) for table in (query, key_value, pair))
        edges: RelationEdges
        for edges in ctx.relations:
            matrices = pair[edges.relation]
            ends = backend.gather(edges.targets, query, gradient)
            at_rows = backend.gather(edges.targets, lse), backend.gather(edges.targets, delta)
            if edges.side == "source":
                raw = backend.gather(edges.sources, key_value)
                sent = backend.transform(raw, matrices)
                found, weight = backend.differentiate_rows(ends, sent, edges, *at_rows)
                by_sent = torch.zeros_like(sent)
                backend.differentiate_columns(ends, weight, edges, by_sent)
                by_pair[edges.relation] = backend.outer(raw, by_sent, 2 * num_heads)
                backend.add_rows(by_key_value, edges.sources, backend.transform(by_sent, matrices.mT))
                backend.add_rows(by_query, edges.targets, found[:, :width])
            else:
                moved = backend.transform(ends, matrices.mT)
                found, weight = backend.differentiate_rows(moved, key_value, edges, *at_rows)
                backend.differentiate_columns(moved, weight, edges, by_key_value)
                by_pair[edges.relation] = backend.outer(found, ends, 2 * num_heads)
                by_asked = backend.transform(found[:, :width], matrices[:num_heads])
                backend.add_rows(by_query, edges.targets, by_asked)
        return by_query, by_key_value, by_pair, None, None
