"""The engines that `bench_engine.py` compares: PyG's HGT layer, the same without sliced tensors, and ours.

All three use the same weights, the same learned table of input vectors, the same scores and the same loss, without
normalisation and dropout. They differ only in how they compute. PyG's layers are followed by a scorer in plain PyTorch.
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
from hgt_repurposing.model.decoder import SHORTEST, LinkDecoder
from hgt_repurposing.model.edge_plan import EncoderPlan, block_sizes, plan_layers, rows_of
from hgt_repurposing.model.hgt import HGTLayer
from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges
from hgt_repurposing.training.objectives import link_prediction_terms

EngineName = Literal["stock", "split", "ours"]


class LayerWeights(NamedTuple):
    """Weights of one layer, laid out as in our own layer."""

    project: Tensor
    """Query, key and value maps, concatenated. Shape [num_types, width_in, 3 * width_out]."""
    project_bias: Tensor
    """Shape [num_types, 3 * width_out]."""
    attention: Tensor
    """Shape [num_relations, H, D, D], where H * D = width_out."""
    message: Tensor
    """Shape [num_relations, H, D, D]."""
    prior: Tensor
    """Shape [num_relations, H]."""
    out: Tensor
    """Shape [num_types, width_out, width_out]."""
    out_bias: Tensor
    """Shape [num_types, width_out]."""
    skip: Tensor
    """Gate of the residual connection, used only if the layer keeps the width. Shape [num_types]."""

    @property
    def widths(self) -> tuple[int, int]:
        """Width of the input rows and of the output rows."""
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


class PlainScorer(LinkDecoder):
    """The project's scorer in plain PyTorch."""

    def forward(self, embeddings: Tensor, source: Tensor, relation: Tensor, targets: Tensor) -> Tensor:
        """See `LinkDecoder.forward`."""
        unit = functional.normalize(embeddings, eps=SHORTEST)
        asked = functional.embedding(source, unit) * functional.embedding(relation, self.relation)
        cosine = [(asked * functional.embedding(target, unit)).sum(-1) for target in targets.unbind(1)]
        temperature, bias = self.log_temperature.exp()[relation], self.bias[relation]
        return torch.stack(cosine, dim=1) * temperature[:, None] + bias[:, None]


class LinkModel(nn.Module):
    """A learned vector per node, an encoder, a scorer."""

    def __init__(
        self,
        engine: EngineName,
        num_nodes: int,
        metadata: GraphMetadata,
        weights: Sequence[LayerWeights],
        *,
        precision: MatmulPrecision = "float32",
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        scorer = LinkDecoder if engine == "ours" else PlainScorer
        self.table = nn.Parameter(torch.randn(num_nodes, weights[0].widths[0], generator=generator))
        self.encoder = build_encoder(engine, metadata, weights, precision=precision)
        self.decoder = scorer(len(metadata.relations), weights[-1].widths[1])

    def forward(self, batch: MiniBatch, *, on_all_nodes: bool) -> Tensor:
        """Loss of a batch. Shape []. Unless `on_all_nodes`, our engine skips what the loss does not need."""
        positives, negatives = batch.positives, batch.negative_target
        if isinstance(self.encoder, OurEncoder):
            needed = torch.cat([positives.source, positives.target, negatives.flatten()])
            plan = self.encoder.plan(batch, needed=None if on_all_nodes else needed)
            rows = self.table.index_select(0, rows_of(batch.node_index, plan.inputs.places))
            embedded = self.encoder.run(rows, plan)
            source, target, relation = positives
            positives = TypedEdges(plan.output_of(source), plan.output_of(target), relation)
            negatives = plan.output_of(negatives)
        else:
            embedded = self.encoder(functional.embedding(batch.node_index, self.table), batch)
        return link_prediction_terms(self.decoder, embedded, positives, negatives).mean()


def build_encoder(
    engine: EngineName,
    metadata: GraphMetadata,
    weights: Sequence[LayerWeights],
    *,
    precision: MatmulPrecision = "float32",
) -> "OurEncoder | PyGEncoder":
    """An encoder with these weights, called as `encoder(rows, batch)`.

    The rows are those of the batch's nodes, shape [num_nodes, width_in]; the output has shape [num_nodes, width_out].
    """
    if engine == "ours":
        return OurEncoder(metadata, weights, precision)
    return PyGEncoder(HGTConv if engine == "stock" else SplitConv, metadata, weights)


class OurEncoder(nn.Module):
    """Our layers."""

    def __init__(self, metadata: GraphMetadata, weights: Sequence[LayerWeights], precision: MatmulPrecision) -> None:
        super().__init__()
        self._num_relations = len(metadata.relations)
        self.layers = nn.ModuleList(_our_layer(metadata, layer, precision) for layer in weights)

    def forward(self, rows: Tensor, batch: MiniBatch) -> Tensor:
        """Shape [num_nodes, width_in] to [num_nodes, width_out]."""
        return self.run(rows, self.plan(batch, needed=None))

    def plan(self, batch: MiniBatch, *, needed: Tensor | None) -> EncoderPlan:
        """Order the edges, layer by layer."""
        return plan_layers(
            *batch.messages,
            type_ptr=batch.type_ptr,
            num_relations=self._num_relations,
            num_layers=len(self.layers),
            needed=needed,
        )

    def run(self, rows: Tensor, plan: EncoderPlan) -> Tensor:
        """Map the rows of the plan's inputs to those of its outputs."""
        for layer, of_layer in zip(self.layers, plan.layers, strict=True):
            rows = layer(rows, of_layer)
        return rows


class PyGEncoder(nn.Module):
    """PyG layers, which take rows keyed by node type and edges keyed by relation."""

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
        """Edges by relation, in metadata order (PyG's result depends on it). Shape [2, num_edges], indices per type."""
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
    """One matrix per block of rows. Splitting whole blocks avoids gradients that are mostly zeros."""

    def forward_naive(self, x: Tensor, type_ptr: Tensor) -> Tensor:
        """Shape [num_rows, width_in] to [num_rows, width_out]."""
        blocks = x.split(type_ptr.diff().tolist())
        return torch.cat([block @ matrix for block, matrix in zip(blocks, self.weight.unbind(), strict=True)])


class SplitConv(HGTConv):  # type: ignore[misc]  # PyG ships no types
    """PyG's layer with split and cat in place of slices, to separate other gains from this one.

    With pyg-lib installed, PyG multiplies blocks with its own kernel, and the two PyG engines become similar.
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
        """Map rows keyed by node type to rows keyed by node type."""
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


def _our_layer(metadata: GraphMetadata, weights: LayerWeights, precision: MatmulPrecision) -> HGTLayer:
    """Our layer with these weights."""
    width_in, width_out = weights.widths
    layer = HGTLayer(
        len(metadata.node_types),
        len(metadata.relations),
        width_in=width_in,
        width_out=width_out,
        num_heads=weights.num_heads,
        generator=torch.Generator(),
        precision=precision,
    )
    state = {
        "query.weight": weights.project[:, :, :width_out],
        "query.bias": weights.project_bias[:, :width_out],
        "key_value.weight": weights.project[:, :, width_out:],
        "key_value.bias": weights.project_bias[:, width_out:],
        "out.weight": weights.out,
        "out.bias": weights.out_bias,
    }
    state |= {name: getattr(weights, name) for name in ("attention", "message", "prior", "skip")}
    layer.load_state_dict(state)
    return layer


def _pyg_layer(conv: type[HGTConv], metadata: GraphMetadata, weights: LayerWeights) -> nn.Module:
    """PyG's layer with these weights."""
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
