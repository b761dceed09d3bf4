"""Heterogeneous graph transformer: layer and encoder (Hu et al., WWW 2020, arXiv:2003.01332)."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from hgt_repurposing.model.attention import EdgePlan, block_sizes, edge_attention
from hgt_repurposing.model.shape import EncoderShape, NodeInputs


class TypedLinear(nn.Module):
    """One affine map per node type over rows that are sorted by type."""

    def __init__(self, num_types: int, width_in: int, width_out: int, *, generator: torch.Generator) -> None:
        super().__init__()
        self.weight = nn.Parameter(_glorot(num_types, width_in, width_out, generator=generator))
        self.bias = nn.Parameter(torch.zeros(num_types, width_out))

    def forward(self, rows: Tensor, type_ptr: Sequence[int]) -> Tensor:
        """Shape [num_nodes, width_in] to [num_nodes, width_out]."""
        parts = rows.split(block_sizes(type_ptr))
        return torch.cat([torch.addmm(b, part, w) for part, w, b in zip(parts, self.weight, self.bias, strict=True)])


class HGTLayer(nn.Module):
    """One HGT layer: attention over all relations, then an output map per type and a gated residual (eq. 5).

    The residual is gated by a learned weight per type, as in the authors' code and in PyG's `HGTConv`, of which this is
    the same function: see the parity test.
    """

    def __init__(
        self, num_types: int, num_relations: int, *, width: int, num_heads: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        head_width = width // num_heads
        self.project = TypedLinear(num_types, width, 3 * width, generator=generator)
        self.attention = nn.Parameter(_glorot(num_relations, num_heads, head_width, head_width, generator=generator))
        self.message = nn.Parameter(_glorot(num_relations, num_heads, head_width, head_width, generator=generator))
        self.prior = nn.Parameter(torch.ones(num_relations, num_heads))
        self.out = TypedLinear(num_types, width, width, generator=generator)
        self.skip = nn.Parameter(torch.ones(num_types))

    def forward(self, x: Tensor, type_ptr: Sequence[int], plan: EdgePlan) -> Tensor:
        """Shape [num_nodes, width] in and out."""
        query, key, value = self.queries_keys_values(x, type_ptr)
        return self.update(x, self.attend(query, key, value, plan), type_ptr)

    def queries_keys_values(self, x: Tensor, type_ptr: Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Shape [num_nodes, width] to three of [num_nodes, H, D]."""
        projected = self.project(x, type_ptr).view(x.shape[0], 3, self.num_heads, x.shape[1] // self.num_heads)
        query, key, value = projected.unbind(1)
        return query, key, value

    def attend(self, query: Tensor, key: Tensor, value: Tensor, plan: EdgePlan) -> Tensor:
        """What each target receives. Shape [num_targets, H, D]."""
        return edge_attention(
            query, key, value, attention=self.attention, message=self.message, prior=self.prior, plan=plan
        )

    def update(self, x: Tensor, received: Tensor, type_ptr: Sequence[int]) -> Tensor:
        """Mix what was received into the nodes. Shape [num_nodes, width] out."""
        mapped: Tensor = self.out(functional.gelu(received.flatten(1)), type_ptr)
        gate = per_node(self.skip.sigmoid(), type_ptr)[:, None]
        return gate * mapped + (1 - gate) * x


class HGTEncoder(nn.Module):
    """Input embeddings, HGT layers each followed by layer normalisation, and an output map per node type."""

    def __init__(
        self,
        type_counts: Sequence[int],
        num_relations: int,
        shape: EncoderShape,
        *,
        node_inputs: NodeInputs,
        feature_widths: Mapping[int, int],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        num_types, width = len(type_counts), shape.hidden_dim
        rows = sum(type_counts) if node_inputs == "learned" else 1
        self.node_inputs = node_inputs
        self.num_relations = num_relations
        self.input = nn.Parameter(torch.randn(rows, width, generator=generator))
        self.from_features = nn.ParameterDict(
            {str(number): _glorot(size, width, generator=generator) for number, size in feature_widths.items()}
        )
        self.layers = nn.ModuleList(
            HGTLayer(num_types, num_relations, width=width, num_heads=shape.num_heads, generator=generator)
            for _ in range(shape.num_layers)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(shape.num_layers))
        self.out = TypedLinear(num_types, width, shape.embedding_dim, generator=generator)

    def forward(
        self, node_index: Tensor, type_ptr: Sequence[int], plan: EdgePlan, features: Mapping[int, Tensor]
    ) -> Tensor:
        """Embed the nodes of a mini graph.

        Args:
            node_index: Flat global id of each local node, ascending. Shape [num_nodes].
            type_ptr: First local node of each type.
            plan: Edges in local ids.
            features: Given features of the local nodes by type number. Shape [nodes of the type, width].

        Returns:
            Shape [num_nodes, embedding_dim].
        """
        x = self.inputs(node_index, type_ptr, features)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = norm(layer(x, type_ptr, plan))
        return self.outputs(x, type_ptr)

    def inputs(self, node_index: Tensor, type_ptr: Sequence[int], features: Mapping[int, Tensor]) -> Tensor:
        """Learned vector of each node plus its projected features. Shape [num_nodes, hidden_dim]."""
        if self.node_inputs == "identical":
            node_index = torch.zeros_like(node_index)
        x = functional.embedding(node_index, self.input)
        if not features:
            return x
        parts = list(x.split(block_sizes(type_ptr)))
        for number, given in features.items():
            parts[number] = parts[number] + given @ self.from_features[str(number)]
        return torch.cat(parts)

    def outputs(self, x: Tensor, type_ptr: Sequence[int]) -> Tensor:
        """Shape [num_nodes, hidden_dim] to [num_nodes, embedding_dim]."""
        embedded: Tensor = self.out(x, type_ptr)
        return embedded


def per_node(per_type: Tensor, type_ptr: Sequence[int]) -> Tensor:
    """Spread one value per type over the nodes. Shape [num_types] to [num_nodes]."""
    counts = torch.tensor(type_ptr, device=per_type.device).diff()
    return per_type.repeat_interleave(counts)


def _glorot(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """Uniform initialisation over the last two dimensions (Glorot and Bengio, 2010)."""
    bound = math.sqrt(6 / (shape[-2] + shape[-1]))
    return nn.Parameter((torch.rand(*shape, generator=generator) * 2 - 1) * bound)
