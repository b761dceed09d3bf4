"""Heterogeneous mutual attention and message passing, exact and lean (Hu et al., WWW 2020, eq. 3 and 4).

The paper's score of an edge (s, relation r, t) is (K_s W_r) . Q_t * mu_r / sqrt(D), its message V_s M_r. Either side of
the score can be transformed, K_s W_r . Q_t = K_s . (Q_t W_r^T), and messages before or after the sum, which is linear:
so each relation transforms one row per source or one per target, whichever is fewer. The softmax of a target covers
all its relations; it is computed as a running softmax from one relation to the next.

Saved for the backward pass: queries, keys, values, the result and its log-sum-exp. Edge weights are recomputed relation
by relation (as in FlashAttention: Dao et al., NeurIPS 2022, section 3.1).
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
        """Sum of values weighted by exp(logit - high), `high`, and the sum of these weights.

        Args:
            query: One row per target of the relation. Shape [T, F].
            key_value: Keys and values, concatenated. Shape [*, 2 F].
            edges: Of one relation.
            num_heads: H.

        Returns:
            Shapes [T, F], [T, H] and [T, H].
        """

    def merge(self, into: tuple[Tensor, Tensor, Tensor], rows: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> None:
        """Add results of `attend` for some targets to those of all targets, in place."""

    def differentiate_rows(
        self, query_gradient: Tensor, key_value: Tensor, edges: RelationEdges, lse: Tensor, delta: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Gradient of the query and softmax-weighted sum of values, concatenated; and two factors per edge.

        Args:
            query_gradient: Query and gradient of the sum, concatenated. Shape [T, 2 F].
            key_value: Keys and values, concatenated. Shape [*, 2 F].
            edges: Of one relation.
            lse: Log-sum-exp of all logits of the target. Shape [T, H].
            delta: Inner product of the target's result and its gradient. Shape [T, H].

        Returns:
            Shapes [T, 2 F] and [E, 2 H]: softmax weight and gradient of the logit.
        """

    def differentiate_columns(
        self, query_gradient: Tensor, weight: Tensor, edges: RelationEdges, by_key_value: Tensor
    ) -> None:
        """Add the gradients of keys and values, in place. `weight` is from `differentiate_rows`."""

    def segment_sum(self, table: Tensor, ptr: Tensor, index: Tensor) -> Tensor:
        """Sum the indexed rows of each segment.

        Args:
            table: Shape [*, width].
            ptr: First entry of each segment, then the number of entries. Shape [n + 1], int32.
            index: Row indices. Shape [num_entries], int32.

        Returns:
            Shape [n, width].
        """

    def gather(self, index: Tensor, *tables: Tensor) -> Tensor:
        """Gather and concatenate rows of tables. Shapes [n] and [*, width] each to [n, sum of the widths]."""

    def add_rows(self, into: Tensor, index: Tensor, rows: Tensor) -> None:
        """Add rows to rows of a table, in place; indices are unique. Shapes [*, width], [n] and [n, width]."""

    def transform(self, rows: Tensor, matrices: Tensor) -> Tensor:
        """Multiply each block of a row by its matrix. Shapes [n, G * D] and [G, D, D] to [n, G * D]."""

    def outer(self, left: Tensor, right: Tensor, num_blocks: int) -> Tensor:
        """Sum of outer products over rows, block by block. Two of shape [n, G * D] to [G, D, D]."""


def backend_for(
    device: torch.device, name: BackendName | None = None, *, chunk_edges: int = ChunkedBackend.chunk_edges
) -> AttentionBackend:
    """Return the backend with this name; None: compiled loops on the CPU, chunked elsewhere.

    Args:
        device: Device of the tensors.
        name: Name of the backend.
        chunk_edges: Edges per chunk, for the chunked backend.

    Raises:
        ValueError: If compiled loops are requested on a device other than the CPU.
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
    """Sum of messages at each target, weighted by a softmax over its in-edges of all relations.

    Args:
        query: Of the targets. Shape [num_targets, F].
        key_value: Keys and values of the sources, concatenated. Shape [num_sources, 2 F].
        attention: W of each relation. Shape [num_relations, H, D, D].
        message: M of each relation. Shape [num_relations, H, D, D].
        prior: mu of each relation. Shape [num_relations, H].
        relations: The edges.
        backend: None: the default of the device.

    Returns:
        Shape [num_targets, F]; zero for targets without in-edges.
    """
    scale = prior[:, :, None, None] / attention.shape[-1] ** 0.5
    pair = torch.cat([attention * scale, message], dim=1)
    chosen = backend or backend_for(query.device)
    result: Tensor = _EdgeAttention.apply(query, key_value, pair, relations, chosen)  # type: ignore[no-untyped-call]  # torch has no types for it
    return result


class _EdgeAttention(torch.autograd.Function):
    """`pair` holds W * mu / sqrt(D) and M of each relation, concatenated. Shape [num_relations, 2 H, D, D]."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: autograd's context has no type
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
        # A target without edges has total 0 and result 0.
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
