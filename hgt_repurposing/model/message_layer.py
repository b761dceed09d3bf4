"""Base class of all layers: an output map per node type and a gated residual after the messages (Hu et al., eq. 5)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hgt_repurposing.model.attention import AttentionBackend
from hgt_repurposing.model.edge_plan import LayerPlan, Nodes, block_sizes, rows_of
from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.model.typed_linear import TypedLinear, per_node


class MessageLayer(nn.Module):
    """A layer of the encoder; subclasses differ only in `receive`.

    The residual is gated by a learned weight per type, as in the authors' code and in PyG's `HGTConv`; as there, it is
    omitted if the width changes.
    """

    def _end_with(
        self,
        num_types: int,
        width_out: int,
        *,
        generator: torch.Generator,
        dropout: float,
        precision: MatmulPrecision,
    ) -> None:
        """Initialise the common end of all layers, after the weights of `receive`, in order of use."""
        self.out = TypedLinear(num_types, width_out, width_out, generator=generator, precision=precision)
        self.skip = nn.Parameter(torch.ones(num_types))
        self.dropout = nn.Dropout(dropout)

    def receive(self, x: Tensor, plan: LayerPlan, *, backend: AttentionBackend | None) -> Tensor:
        """Aggregate messages over the edges. Shape [num_inputs, width_in] to [num_receivers, width_out]."""
        raise NotImplementedError

    def forward(self, x: Tensor, plan: LayerPlan, *, backend: AttentionBackend | None = None) -> Tensor:
        """Compute the outputs of the plan.

        Args:
            x: Inputs. Shape [num_inputs, width_in].
            plan: Nodes and edges.
            backend: None: the default of the device.

        Returns:
            Shape [num_outputs, width_out].
        """
        mapped = self._map(self.receive(x, plan, backend=backend), plan)
        if x.shape[1] != mapped.shape[1]:
            return mapped
        gate = per_node(self.skip.sigmoid(), plan.outputs.type_ptr)[:, None]
        return torch.lerp(rows_of(x, plan.outputs.places), mapped, gate)

    def _map(self, received: Tensor, plan: LayerPlan) -> Tensor:
        """The output map; a node without messages gets its type's bias. Shape [num_outputs, width_out]."""
        into = Nodes(plan.receiver_outputs, plan.outputs.type_ptr)
        mapped: Tensor = self.out(functional.gelu(received), Nodes(None, plan.receivers.type_ptr), into=into)
        dropped: Tensor = self.dropout(mapped)
        return dropped


class TypedLayerNorm(nn.Module):
    """Layer normalisation with scale and shift per node type, as in the authors' code."""

    def __init__(self, num_types: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_types, width))
        self.bias = nn.Parameter(torch.zeros(num_types, width))

    def forward(self, x: Tensor, type_ptr: Sequence[int]) -> Tensor:
        """Shape [num_nodes, width] in and out."""
        blocks = zip(x.split(block_sizes(type_ptr)), self.weight, self.bias, strict=True)
        return torch.cat([functional.layer_norm(block, block.shape[1:], w, b) for block, w, b in blocks])
