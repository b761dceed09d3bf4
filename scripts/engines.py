"""The engines that `bench_engine.py` compares: PyG's HGT layer, the same without sliced tensors, and ours.

All three get the same weights, the same learned table of input vectors, the same scorer and the same loss, without norm
and dropout: what differs is how the layers are computed.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn import HGTConv
from torch_geometric.nn.dense import HeteroLinear
from torch_geometric.utils.hetero import construct_bipartite_edge_index

from hgt_repurposing.graph.hetero_data import GraphMetadata
from hgt_repurposing.model.attention import block_sizes
from hgt_repurposing.model.decoder import LinkDecoder
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing.training.objectives import link_prediction_loss

EngineName = Literal["stock", "split", "ours"]


class LayerWeights(NamedTuple):
    """Weights of one layer, in the form of our own layer's parameters."""

    project: Tensor
    """Query, key and value maps side by side. Shape [num_types, width_in, 3 * width_out]."""
    project_bias: Tensor
    """Shape [num_types, 3 * width_out]."""
    attention: Tensor
    """Shape [num_relations, H, D, D], and H * D = width_out."""
    message: Tensor
    """Shape [num_relations, H, D, D]."""
    prior: Tensor
    """Shape [num_relations, H]."""
    out: Tensor
    """Shape [num_types, width_out, width_out]."""
    out_bias: Tensor
    """Shape [num_types, width_out]."""
    skip: Tensor
    """Gate of the residual, which a layer has if it keeps the width. Shape [num_types]."""

    @property
    def widths(self) -> tuple[int, int]:
        """Of the rows that go in, and of those that come out."""
        return self.project.shape[1], self.out.shape[1]

    @property
    def num_heads(self) -> int:
        """Attention heads."""
        return self.prior.shape[1]


def draw_weights(
    metadata: GraphMetadata, widths: Sequence[int], *, num_heads: int, generator: torch.Generator
) -> list[LayerWeights]:
    """Fresh weights of every layer; layer i maps widths[i] to widths[i + 1]."""
    return [
        _draw_layer(metadata, width_in, width_out, num_heads=num_heads, generator=generator)
        for width_in, width_out in pairwise(widths)
    ]


class LinkModel(nn.Module):
    """A learned vector per node, an encoder, the project's scorer."""

    def __init__(self, num_nodes: int, num_relations: int, encoder: nn.Module, widths: Sequence[int]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.table = nn.Parameter(torch.randn(num_nodes, widths[0], generator=generator))
        self.encoder = encoder
        self.decoder = LinkDecoder(num_relations, widths[-1])

    def forward(self, batch: MiniBatch) -> Tensor:
        """Loss of a batch. Shape []."""
        rows = functional.embedding(batch.node_index, self.table)
        return link_prediction_loss(self.decoder, self.encoder(rows, batch), batch)


def build_encoder(engine: EngineName, metadata: GraphMetadata, weights: Sequence[LayerWeights]) -> nn.Module:
    """An encoder with these weights, called as `encoder(rows, batch)`.

    Rows are those of the batch's nodes, shape [num_nodes, width_in], and what comes out has shape
    [num_nodes, width_out].
    """
    if engine == "ours":
        return OurEncoder(metadata, weights)
    return PyGEncoder(HGTConv if engine == "stock" else SplitConv, metadata, weights)


class OurEncoder(nn.Module):
    """Our layers."""

    def __init__(self, metadata: GraphMetadata, weights: Sequence[LayerWeights]) -> None:  # noqa: ARG002
        super().__init__()
        raise NotImplementedError

    def forward(self, rows: Tensor, batch: MiniBatch) -> Tensor:
        """Shape [num_nodes, width_in] to [num_nodes, width_out]."""
        raise NotImplementedError


class PyGEncoder(nn.Module):
    """Layers of PyG, which take a dictionary of rows by node type and one of edges by relation."""

    def __init__(self, conv: type[HGTConv], metadata: GraphMetadata, weights: Sequence[LayerWeights]) -> None:
        super().__init__()
        self._metadata = metadata
        self._end_types = [
            [metadata.node_types.index(end) for end in (relation.source, relation.target)]
            for relation in metadata.relations
        ]
        self.layers = nn.ModuleList(_pyg_layer(conv, metadata, layer) for layer in weights)

    def forward(self, rows: Tensor, batch: MiniBatch) -> Tensor:
        """Shape [num_nodes, width_in] to [num_nodes, width_out]."""
        types = self._metadata.node_types
        edges = self._edges_by_relation(batch)
        by_type: Mapping[str, Tensor] = dict(zip(types, rows.split(block_sizes(batch.type_ptr)), strict=True))
        for layer in self.layers:
            by_type = layer(by_type, edges)
        return torch.cat([by_type[name] for name in types])

    def _edges_by_relation(self, batch: MiniBatch) -> dict[tuple[str, str, str], Tensor]:
        """In the order of the metadata, on which PyG's result depends. Shape [2, num_edges] each, counted by type."""
        ends = torch.stack([batch.messages.source, batch.messages.target])
        sizes = batch.messages.relation.bincount(minlength=len(self._metadata.relations)).tolist()
        edges = {}
        for relation, part, numbers in zip(
            self._metadata.relations, ends.split(sizes, dim=1), self._end_types, strict=True
        ):
            first = torch.tensor([[batch.type_ptr[number]] for number in numbers])
            edges[relation.source, relation.relation, relation.target] = part - first
        return edges


class SplitLinear(HeteroLinear):  # type: ignore[misc]  # PyG ships no types
    """One matrix per block of rows; the blocks are cut and joined as wholes, so that no gradient is full of zeros."""

    def forward_naive(self, x: Tensor, type_ptr: Tensor) -> Tensor:
        """Shape [num_rows, width_in] to [num_rows, width_out]."""
        blocks = x.split(type_ptr.diff().tolist())
        return torch.cat([block @ matrix for block, matrix in zip(blocks, self.weight.unbind(), strict=True)])


class SplitConv(HGTConv):  # type: ignore[misc]  # PyG ships no types
    """PyG's layer with split and cat wherever it slices: the baseline for what is not merely that repair.

    With pyg-lib installed PyG multiplies the blocks by a kernel of its own, and the two baselines grow alike.
    """

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        head_width = self.out_channels // self.heads
        num_matrices = self.heads * len(self.edge_types)
        self.k_rel = SplitLinear(head_width, head_width, num_matrices, bias=False, is_sorted=True)
        self.v_rel = SplitLinear(head_width, head_width, num_matrices, bias=False, is_sorted=True)

    def forward(
        self, x_dict: Mapping[str, Tensor], edge_index_dict: Mapping[tuple[str, str, str], Tensor]
    ) -> dict[str, Tensor]:
        """Rows by node type to rows by node type."""
        key: dict[str, Tensor] = {}
        query: dict[str, Tensor] = {}
        value: dict[str, Tensor] = {}
        for name, projected in self.kqv_lin(x_dict).items():
            parts = projected.unflatten(1, (3, self.heads, -1)).unbind(1)
            key[name], query[name], value[name] = parts
        queries, first_target = self._cat(query)
        keys, values, first_source = self._construct_src_node_feat(key, value, edge_index_dict)
        edges, prior = construct_bipartite_edge_index(
            edge_index_dict, first_source, first_target, edge_attr_dict=self.p_rel, num_nodes=keys.shape[0]
        )
        received = self.propagate(edges, k=keys, q=queries, v=values, edge_attr=prior)
        blocks = functional.gelu(received).split([rows.shape[0] for rows in query.values()])
        mapped: dict[str, Tensor] = self.out_lin(dict(zip(query, blocks, strict=True)))
        if self.out_channels not in self.in_channels.values():
            return mapped
        return {name: torch.lerp(x_dict[name], rows, self.skip[name].sigmoid()) for name, rows in mapped.items()}


def _pyg_layer(conv: type[HGTConv], metadata: GraphMetadata, weights: LayerWeights) -> nn.Module:
    """A layer of PyG's with these weights."""
    width_in, width_out = weights.widths
    relations = [tuple(relation) for relation in metadata.relations]
    layer: nn.Module = conv(width_in, width_out, (list(metadata.node_types), relations), heads=weights.num_heads)
    state: dict[str, Tensor] = {
        # PyG numbers its matrices head by head, relation within head.
        "k_rel.weight": weights.attention.transpose(0, 1).flatten(0, 1),
        "v_rel.weight": weights.message.transpose(0, 1).flatten(0, 1),
    }
    for number, name in enumerate(metadata.node_types):
        query, key, value = weights.project[number].chunk(3, dim=1)
        query_bias, key_bias, value_bias = weights.project_bias[number].chunk(3)
        state[f"kqv_lin.lins.{name}.weight"] = torch.cat([key, query, value], dim=1).T
        state[f"kqv_lin.lins.{name}.bias"] = torch.cat([key_bias, query_bias, value_bias])
        state[f"out_lin.lins.{name}.weight"] = weights.out[number].T
        state[f"out_lin.lins.{name}.bias"] = weights.out_bias[number]
        state[f"skip.{name}"] = weights.skip[number : number + 1]
    for number, relation in enumerate(relations):
        state[f"p_rel.{'__'.join(relation)}"] = weights.prior[number : number + 1]
    layer.load_state_dict(state)
    return layer


def _draw_layer(
    metadata: GraphMetadata, width_in: int, width_out: int, *, num_heads: int, generator: torch.Generator
) -> LayerWeights:
    num_types, num_relations, head_width = len(metadata.node_types), len(metadata.relations), width_out // num_heads

    def glorot(*shape: int) -> Tensor:
        bound = math.sqrt(6 / (shape[-2] + shape[-1]))
        return (torch.rand(*shape, generator=generator) * 2 - 1) * bound

    return LayerWeights(
        project=glorot(num_types, width_in, 3 * width_out),
        project_bias=torch.zeros(num_types, 3 * width_out),
        attention=glorot(num_relations, num_heads, head_width, head_width),
        message=glorot(num_relations, num_heads, head_width, head_width),
        prior=torch.ones(num_relations, num_heads),
        out=glorot(num_types, width_out, width_out),
        out_bias=torch.zeros(num_types, width_out),
        skip=torch.ones(num_types),
    )
