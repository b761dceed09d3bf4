"""The graph encoder: node inputs, message-passing layers of one kind, and an output map."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from hgt_repurposing.model.attention import AttentionBackend
from hgt_repurposing.model.edge_plan import EncoderPlan, Nodes, block_sizes, rows_of
from hgt_repurposing.model.hgt import HGTLayer
from hgt_repurposing.model.mean import MeanLayer
from hgt_repurposing.model.message_layer import TypedLayerNorm
from hgt_repurposing.model.shape import EncoderShape
from hgt_repurposing.model.typed_linear import TypedLinear, glorot


class GraphEncoder(nn.Module):
    """Node inputs, layers of the chosen kind with layer normalisation after each, and an output map per node type."""

    fingerprints: Tensor

    def __init__(
        self,
        type_counts: Sequence[int],
        num_relations: int,
        shape: EncoderShape,
        *,
        feature_widths: Mapping[int, int],
        generator: torch.Generator,
        fingerprints: Tensor | None = None,
    ) -> None:
        """Initialise the weights.

        Args:
            type_counts: Nodes of each type.
            num_relations: Directed edge types.
            shape: Kind and sizes.
            feature_widths: Width of the node features by type index.
            generator: Source of randomness.
            fingerprints: Of all nodes, for `node_inputs: fastrp`; never trained. Shape [num_nodes, width].

        Raises:
            ValueError: If fingerprints are missing for `fastrp`, or given for other inputs.
        """
        super().__init__()
        num_types, width = len(type_counts), shape.hidden_dim
        self.node_inputs = shape.node_inputs
        if (fingerprints is not None) != (shape.node_inputs == "fastrp"):
            given = "none" if fingerprints is None else "some"
            raise ValueError(
                f"fingerprints are required for node_inputs 'fastrp' only (got {given} for {shape.node_inputs!r})"
            )
        if fingerprints is None:
            rows = sum(type_counts) if shape.node_inputs == "table" else 1
            self.input = nn.Parameter(torch.randn(rows, width, generator=generator))
        else:
            self.register_buffer("fingerprints", fingerprints)
            self.from_fingerprint = TypedLinear(num_types, fingerprints.shape[1], width, generator=generator)
        self.from_features = nn.ParameterDict(
            {str(number): glorot(size, width, generator=generator) for number, size in feature_widths.items()}
        )
        self.layers = nn.ModuleList(
            LAYERS[shape.encoder](
                num_types,
                num_relations,
                width_in=width,
                width_out=width,
                num_heads=shape.num_heads,
                generator=generator,
                dropout=shape.dropout,
                precision=shape.matmul_precision,
            )
            for _ in range(shape.depth)
        )
        self.norms = nn.ModuleList(TypedLayerNorm(num_types, width) for _ in range(shape.depth))
        self.out = TypedLinear(
            num_types, width, shape.embedding_dim, generator=generator, precision=shape.matmul_precision
        )

    def forward(
        self,
        node_index: Tensor,
        plan: EncoderPlan,
        features: Mapping[int, Tensor],
        *,
        backend: AttentionBackend | None = None,
    ) -> Tensor:
        """Embed the output nodes of the plan's last layer.

        Args:
            node_index: Flat global id of each node of the batch. Shape [num_nodes].
            plan: Nodes and edges of each layer, in local ids of the batch.
            features: Features of the batch's nodes by type index. Shape [nodes of the type, width].
            backend: None: the default of the device.

        Returns:
            Shape [num_outputs, embedding_dim]; `plan.output_row` maps nodes to rows.
        """
        x = self._inputs(node_index, plan.inputs, plan.type_ptr, features)
        for layer, norm, layer_plan in zip(self.layers, self.norms, plan.layers, strict=True):
            x = norm(layer(x, layer_plan, backend=backend), layer_plan.outputs.type_ptr)
        embedded: Tensor = self.out(x, Nodes(None, plan.output_type_ptr))
        return embedded

    def _inputs(
        self, node_index: Tensor, chosen: Nodes, type_ptr: Sequence[int], features: Mapping[int, Tensor]
    ) -> Tensor:
        """Input of each chosen node, including its projected features. Shape [chosen.num_nodes, hidden_dim]."""
        node_index = rows_of(node_index, chosen.places)
        x: Tensor
        match self.node_inputs:
            case "table":
                x = self.input.index_select(0, node_index)
            case "identical":
                x = self.input.expand(node_index.numel(), -1)
            case "fastrp":
                x = self.from_fingerprint(self.fingerprints.index_select(0, node_index), Nodes(None, chosen.type_ptr))
        if not features:
            return x
        parts = list(x.split(block_sizes(chosen.type_ptr)))
        for number, given in features.items():
            first, last = chosen.type_ptr[number : number + 2]
            rows = given if chosen.places is None else given[chosen.places[first:last] - type_ptr[number]]
            parts[number] = parts[number] + rows @ self.from_features[str(number)]
        return torch.cat(parts)


LAYERS: Mapping[str, type[HGTLayer] | type[MeanLayer]] = {"hgt": HGTLayer, "mean": MeanLayer}
"""Layer class by `encoder`; `none` has no layer."""
