"""The layer of the heterogeneous graph transformer (Hu et al., WWW 2020, arXiv:2003.01332)."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch_geometric.nn import HGTConv

from hgt_repurposing.model.attention import AttentionBackend, edge_attention
from hgt_repurposing.model.edge_plan import LayerPlan
from hgt_repurposing.model.message_layer import MessageLayer
from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.model.typed_linear import TypedLinear, glorot


class HGTLayer(MessageLayer):
    """Attention over all relations, then the common end of all layers; the same function as PyG's `HGTConv`."""

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
        self._end_with(num_types, width_out, generator=generator, dropout=dropout, precision=precision)

    def receive(self, x: Tensor, plan: LayerPlan, *, backend: AttentionBackend | None) -> Tensor:
        """See `MessageLayer.receive`."""
        return edge_attention(
            self.query(x, plan.receivers),
            self.key_value(x, plan.senders),
            attention=self.attention,
            message=self.message,
            prior=self.prior,
            relations=plan.relations,
            backend=backend,
        )

    @classmethod
    def from_pyg(cls, conv: HGTConv) -> Self:
        """A layer with the weights of PyG's `HGTConv`, which must not be lazily initialised.

        Node types and relations are indexed as in the metadata of the `HGTConv`.
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
        """PyG's `HGTConv` with the weights of this layer.

        Args:
            node_types: Names, in the order of their indices.
            relations: Edge types, in the order of their indices.

        Raises:
            ValueError: If their numbers differ from the layer's.
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
        """Pairs of PyG's weights and ours, as views of the same shape.

        PyG orders keys, queries, values, and stores matrices head by head, relation within head.
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
