"""Mean aggregation instead of attention: the ablation that measures what attention contributes.

A node receives, for each of its relations, the mean of its transformed sources (R-GCN: Schlichtkrull et al., ESWC 2018,
arXiv:1703.06103, eq. 2 with c = |N_r|), averaged over its relations rather than summed as in R-GCN, so that the scale
does not depend on the number of relations, as with a softmax. Matrices, output map, residual and normalisation are
those of the HGT layer; there are no queries, keys or priors.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from hgt_repurposing.model.attention import AttentionBackend, backend_for
from hgt_repurposing.model.edge_plan import LayerPlan, RelationEdges
from hgt_repurposing.model.message_layer import MessageLayer
from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.model.typed_linear import TypedLinear, glorot


class MeanLayer(MessageLayer):
    """The HGT layer without attention."""

    def __init__(
        self,
        num_types: int,
        num_relations: int,
        *,
        width_in: int,
        width_out: int,
        num_heads: int,
        generator: torch.Generator,
        dropout: float = 0.0,
        precision: MatmulPrecision = "float32",
    ) -> None:
        super().__init__()
        head_width = width_out // num_heads
        self.value = TypedLinear(num_types, width_in, width_out, generator=generator, precision=precision)
        self.message = glorot(num_relations, num_heads, head_width, head_width, generator=generator)
        self._end_with(num_types, width_out, generator=generator, dropout=dropout, precision=precision)

    def receive(self, x: Tensor, plan: LayerPlan, *, backend: AttentionBackend | None) -> Tensor:
        """See `MessageLayer.receive`."""
        return edge_mean(
            self.value(x, plan.senders),
            message=self.message,
            relations=plan.relations,
            num_targets=plan.receivers.num_nodes,
            backend=backend,
        )


def edge_mean(
    value: Tensor,
    *,
    message: Tensor,
    relations: tuple[RelationEdges, ...],
    num_targets: int,
    backend: AttentionBackend | None = None,
) -> Tensor:
    """Mean over a target's relations of the mean of their messages.

    Args:
        value: Of the sources. Shape [num_sources, F].
        message: M of each relation. Shape [num_relations, H, D, D] with F = H * D.
        relations: The edges.
        num_targets: Number of possible receivers.
        backend: None: the default of the device.

    Returns:
        Shape [num_targets, F]; zero for targets without in-edges.
    """
    chosen = backend or backend_for(value.device)
    result: Tensor = _EdgeMean.apply(value, message, relations, num_targets, chosen)  # type: ignore[no-untyped-call]  # torch has no types for it
    return result


class _EdgeMean(torch.autograd.Function):
    """Each relation transforms one row per source or one per target, whichever is fewer, as in attention."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: autograd's context has no type
        value: Tensor,
        message: Tensor,
        relations: tuple[RelationEdges, ...],
        num_targets: int,
        backend: AttentionBackend,
    ) -> Tensor:
        value = value.contiguous()
        received = value.new_zeros(num_targets, value.shape[1])
        heard = value.new_zeros(num_targets)
        for edges in relations:
            matrices = message[edges.relation]
            if edges.side == "source":
                sent = backend.transform(backend.gather(edges.sources, value), matrices)
                mean = backend.segment_sum(sent, edges.row_ptr, edges.column) / _counts(edges)
            else:
                mean = backend.segment_sum(value, edges.row_ptr, edges.column) / _counts(edges)
                mean = backend.transform(mean, matrices)
            backend.add_rows(received, edges.targets, mean)
            heard[edges.targets] += 1
        heard = heard.clamp_(min=1)[:, None]
        ctx.save_for_backward(value, message, heard)
        ctx.relations, ctx.backend = relations, backend
        return received.div_(heard)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        value, message, heard = ctx.saved_tensors
        backend: AttentionBackend = ctx.backend
        gradient = (gradient / heard).contiguous()
        by_value, by_message = torch.zeros_like(value), torch.zeros_like(message)
        num_heads = message.shape[1]
        edges: RelationEdges
        for edges in ctx.relations:
            matrices = message[edges.relation]
            ends = backend.gather(edges.targets, gradient) / _counts(edges)
            if edges.side == "source":
                by_sent = backend.segment_sum(ends, edges.column_ptr, edges.row)
                by_message[edges.relation] = backend.outer(backend.gather(edges.sources, value), by_sent, num_heads)
                by_source = backend.transform(by_sent, matrices.mT)
            else:
                summed = backend.segment_sum(value, edges.row_ptr, edges.column)
                by_message[edges.relation] = backend.outer(summed, ends, num_heads)
                by_source = backend.segment_sum(backend.transform(ends, matrices.mT), edges.column_ptr, edges.row)
            backend.add_rows(by_value, edges.sources, by_source)
        return by_value, by_message, None, None, None


def _counts(edges: RelationEdges) -> Tensor:
    """In-edges of each target of a relation. Shape [T, 1]."""
    return edges.row_ptr.diff()[:, None]
