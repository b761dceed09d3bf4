"""Heterogeneous graph transformer: layer and encoder (Hu et al., WWW 2020, arXiv:2003.01332)."""

from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import HGTConv

from hgt_repurposing.model.attention import AttentionBackend, edge_attention
from hgt_repurposing.model.edge_plan import EncoderPlan, LayerPlan, Nodes, block_sizes, rows_of
from hgt_repurposing.model.shape import EncoderShape, MatmulPrecision, NodeInputs
from hgt_repurposing.model.typed_linear import TypedLinear, glorot, per_node


class HGTLayer(nn.Module):
    """One HGT layer: attention over all relations, then an output map per type and a gated residual (eq. 5).

    The residual is gated by a learned weight per type, as in the authors' code and in PyG's `HGTConv`, of which this is
    the same function; like there, it is left out where the width changes.
    """

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
        matrices = (num_relations, num_heads, width_out // num_heads, width_out // num_heads)
        self.query = TypedLinear(num_types, width_in, width_out, generator=generator, precision=precision)
        self.key_value = TypedLinear(num_types, width_in, 2 * width_out, generator=generator, precision=precision)
        self.attention = glorot(*matrices, generator=generator)
        self.message = glorot(*matrices, generator=generator)
        self.prior = nn.Parameter(torch.ones(num_relations, num_heads))
        self.out = TypedLinear(num_types, width_out, width_out, generator=generator, precision=precision)
        self.skip = nn.Parameter(torch.ones(num_types))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, plan: LayerPlan, *, backend: AttentionBackend | None = None) -> Tensor:
        """Compute the outputs that the plan names.

        Args:
            x: Inputs. Shape [num_inputs, width_in].
            plan: Nodes and edges.
            backend: None for the one that suits the device.

        Returns:
            Shape [num_outputs, width_out].
        """
        received = edge_attention(
            self.query(x, plan.receivers),
            self.key_value(x, plan.senders),
            attention=self.attention,
            message=self.message,
            prior=self.prior,
            relations=plan.relations,
            backend=backend,
        )
        mapped = self._map(received, plan)
        if x.shape[1] != mapped.shape[1]:
            return mapped
        gate = per_node(self.skip.sigmoid(), plan.outputs.type_ptr)[:, None]
        return torch.lerp(rows_of(x, plan.outputs.places), mapped, gate)

    def _map(self, received: Tensor, plan: LayerPlan) -> Tensor:
        """The output map; a node that received nothing gets its type's bias. Shape [num_outputs, width_out]."""
        into = Nodes(plan.receiver_outputs, plan.outputs.type_ptr)
        mapped: Tensor = self.out(functional.gelu(received), Nodes(None, plan.receivers.type_ptr), into=into)
        dropped: Tensor = self.dropout(mapped)
        return dropped

    @classmethod
    def from_pyg(cls, conv: HGTConv) -> Self:
        """A layer with the weights of a stock `HGTConv`, whose sizes must be settled (not lazily initialised).

        Node types and relations are numbered as in the metadata that the `HGTConv` was made with.
        """
        layer = cls(
            len(conv.node_types),
            len(conv.edge_types),
            width_in=next(iter(conv.kqv_lin.lins.values())).weight.shape[1],
            width_out=conv.out_channels,
            num_heads=conv.heads,
            generator=torch.Generator(),
        ).to(conv.k_rel.weight.dtype)
        for stock, ours in layer._shared_with(conv):
            ours.copy_(stock)
        return layer

    def to_pyg(self, node_types: Sequence[str], relations: Sequence[tuple[str, str, str]]) -> HGTConv:
        """A stock `HGTConv` with the weights of this layer.

        Args:
            node_types: Names, in the order of their numbers.
            relations: Edge types, in the order of their numbers.

        Raises:
            ValueError: If these are not as many as the layer has.
        """
        wanted, given = (len(self.skip), len(self.prior)), (len(node_types), len(relations))
        if wanted != given:
            raise ValueError(f"the layer has {wanted} node types and relations (got {given})")
        num_heads, head_width = self.attention.shape[1:3]
        width_in = self.query.weight.shape[1]
        metadata = (list(node_types), list(relations))
        conv = HGTConv(width_in, num_heads * head_width, metadata, heads=num_heads).to(self.prior.dtype)
        for stock, ours in self._shared_with(conv):
            stock.copy_(ours)
        return conv

    def _shared_with(self, conv: HGTConv) -> list[tuple[Tensor, Tensor]]:
        """PyG's weights beside ours, as views of one shape.

        PyG keeps keys, queries and values in this order, and matrices head by head, relation within head.
        """
        width, by_head = conv.out_channels, (conv.heads, len(conv.edge_types))
        pairs = [
            (conv.k_rel.weight.unflatten(0, by_head), self.attention.transpose(0, 1)),
            (conv.v_rel.weight.unflatten(0, by_head), self.message.transpose(0, 1)),
        ]
        ours = ((self.key_value, slice(0, width)), (self.query, slice(0, width)), (self.key_value, slice(width, None)))
        for number, name in enumerate(conv.node_types):
            kqv, out = conv.kqv_lin.lins[name], conv.out_lin.lins[name]
            weights = zip(kqv.weight.split(width), kqv.bias.split(width), ours, strict=True)
            for weight, bias, (linear, columns) in weights:
                pairs += [(weight.T, linear.weight[number, :, columns]), (bias, linear.bias[number, columns])]
            pairs += [(out.weight.T, self.out.weight[number]), (out.bias, self.out.bias[number])]
            pairs.append((conv.skip[name], self.skip[number : number + 1]))
        for number, relation in enumerate(conv.edge_types):
            pairs.append((conv.p_rel["__".join(relation)], self.prior[number : number + 1]))
        return [(stock.detach(), own.detach()) for stock, own in pairs]


class TypedLayerNorm(nn.Module):
    """Layer normalisation with a scale and a shift per node type, as in the authors' code."""

    def __init__(self, num_types: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_types, width))
        self.bias = nn.Parameter(torch.zeros(num_types, width))

    def forward(self, x: Tensor, type_ptr: Sequence[int]) -> Tensor:
        """Shape [num_nodes, width] in and out."""
        blocks = zip(x.split(block_sizes(type_ptr)), self.weight, self.bias, strict=True)
        return torch.cat([functional.layer_norm(block, block.shape[1:], w, b) for block, w, b in blocks])


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
            {str(number): glorot(size, width, generator=generator) for number, size in feature_widths.items()}
        )
        self.layers = nn.ModuleList(
            HGTLayer(
                num_types,
                num_relations,
                width_in=width,
                width_out=width,
                num_heads=shape.num_heads,
                generator=generator,
                dropout=shape.dropout,
                precision=shape.matmul_precision,
            )
            for _ in range(shape.num_layers)
        )
        self.norms = nn.ModuleList(TypedLayerNorm(num_types, width) for _ in range(shape.num_layers))
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
        """Embed the nodes that the plan's last layer gives out.

        Args:
            node_index: Flat global id of each node of the batch. Shape [num_nodes].
            plan: Nodes and edges of each layer, in local ids of the batch.
            features: Given features of the batch's nodes by type number. Shape [nodes of the type, width].
            backend: None for the one that suits the device.

        Returns:
            Shape [num_outputs, embedding_dim]; `plan.output_row` says which row is whose.
        """
        x = self._inputs(node_index, plan.inputs, plan.type_ptr, features)
        for layer, norm, layer_plan in zip(self.layers, self.norms, plan.layers, strict=True):
            x = norm(layer(x, layer_plan, backend=backend), layer_plan.outputs.type_ptr)
        embedded: Tensor = self.out(x, Nodes(None, plan.layers[-1].outputs.type_ptr))
        return embedded

    def _inputs(
        self, node_index: Tensor, chosen: Nodes, type_ptr: Sequence[int], features: Mapping[int, Tensor]
    ) -> Tensor:
        """Learned vector of each chosen node plus its projected features. Shape [chosen.num_nodes, hidden_dim]."""
        node_index = rows_of(node_index, chosen.places)
        if self.node_inputs == "identical":
            node_index = torch.zeros_like(node_index)
        x = self.input.index_select(0, node_index)
        if not features:
            return x
        parts = list(x.split(block_sizes(chosen.type_ptr)))
        for number, given in features.items():
            first, last = chosen.type_ptr[number : number + 2]
            rows = given if chosen.places is None else given[chosen.places[first:last] - type_ptr[number]]
            parts[number] = parts[number] + rows @ self.from_features[str(number)]
        return torch.cat(parts)
