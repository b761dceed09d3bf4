"""Mini graphs by drawing k edges of every edge type, and the full graph as one batch.

Of the drawn edges a share is scored by the loss and taken out of the messages, together with its reverse: a link that
has carried a message would be scored from that message, and the loss would fall without anything being learned.
"""

import math

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges, concatenate, relabel
from hgt_repurposing.sampling.negatives import corrupt_targets

SUPERVISION_SHARE = 0.3


class EdgeSampler:
    """Draws edges of every type without replacement, pass after pass.

    Each relation keeps a permutation of its edges and a position in it; when fewer than k edges are left, a new pass
    begins. One draw costs O(k) and not O(num_edges).
    """

    def __init__(self, graph: FlatGraph, *, num_edges_per_type: int, generator: torch.Generator) -> None:
        self._graph = graph
        self._num_edges = num_edges_per_type
        self._generator = generator
        self._order: list[Tensor] = [torch.empty(0, dtype=torch.int64) for _ in graph.sources]
        self._position = [0] * graph.num_relations

    def sample_subgraph(self) -> MiniBatch:
        """The next mini graph: k edges of every edge type and only the nodes they touch."""
        drawn = [self._draw(relation) for relation in range(self._graph.num_relations)]
        supervised = [edges[: _num_supervised(edges)] for edges in drawn]
        return batch_of_edges(self._graph, drawn, supervised, generator=self._generator)

    def _draw(self, relation: int) -> Tensor:
        total = self._graph.sources[relation].numel()
        wanted = min(self._num_edges, total)
        if self._position[relation] + wanted > self._order[relation].numel():
            self._order[relation] = torch.randperm(total, generator=self._generator)
            self._position[relation] = 0
        start = self._position[relation]
        self._position[relation] = start + wanted
        return self._order[relation][start : start + wanted]


class FullGraphSampler:
    """The whole graph as one batch; only the supervision edges are drawn anew."""

    def __init__(self, graph: FlatGraph, *, num_edges_per_type: int, generator: torch.Generator) -> None:
        self._graph = graph
        self._num_edges = num_edges_per_type
        self._generator = generator

    def sample_subgraph(self) -> MiniBatch:
        """All edges pass messages but the supervision edges, k of each type or its share, and their reverses."""
        order = [torch.randperm(sources.numel(), generator=self._generator) for sources in self._graph.sources]
        supervised = [edges[: min(self._num_edges, _num_supervised(edges))] for edges in order]
        every = [torch.arange(edges.numel()) for edges in order]
        return batch_of_edges(self._graph, every, supervised, generator=self._generator)


def batch_of_edges(
    graph: FlatGraph, drawn: list[Tensor], supervised: list[Tensor], *, generator: torch.Generator
) -> MiniBatch:
    """The mini graph of some edges, in local ids.

    Args:
        graph: The whole message graph.
        drawn: For each relation the positions of the edges in the mini graph. Shape [k] each.
        supervised: Those among them that the loss scores. They and their reverses carry no message.
        generator: Source of randomness for the corrupted targets.
    """
    hidden = _hidden_edges(graph, supervised)
    passing = [edges[~hidden[r][_base(graph, r, edges)]] for r, edges in enumerate(drawn)]
    node_index, type_ptr, (messages, positives) = relabel(graph, [_gather(graph, passing), _gather(graph, supervised)])
    negative, valid = corrupt_targets(graph, node_index, type_ptr, positives, generator=generator)
    return MiniBatch(
        node_index=node_index,
        type_ptr=type_ptr,
        messages=messages,
        positives=TypedEdges(*(part[valid] for part in positives)),
        negative_target=negative[valid],
        features=graph.features_at(node_index, type_ptr),
    )


def _num_supervised(edges: Tensor) -> int:
    """How many of these edges the loss scores: the share of them, at least one, but never a type's only edge."""
    return math.ceil(edges.numel() * SUPERVISION_SHARE) if edges.numel() > 1 else 0


def _gather(graph: FlatGraph, edges: list[Tensor]) -> TypedEdges:
    """Edges by position to edges by flat ids of their ends."""
    return concatenate(
        range(len(edges)),
        [sources[chosen] for sources, chosen in zip(graph.sources, edges, strict=True)],
        [targets[chosen] for targets, chosen in zip(graph.targets, edges, strict=True)],
    )


def _base(graph: FlatGraph, relation: int, edges: Tensor) -> Tensor:
    """Number of the undirected edge behind each directed one; see `graph/hetero_data.py`."""
    return edges % graph.num_base_edges(relation) if graph.mirror[relation] == relation else edges


def _hidden_edges(graph: FlatGraph, supervised: list[Tensor]) -> list[Tensor]:
    """For each relation, which undirected edges the loss scores in either direction. Shape [num_base_edges], bool."""
    hidden = [torch.zeros(graph.num_base_edges(r), dtype=torch.bool) for r in range(len(supervised))]
    for relation, edges in enumerate(supervised):
        base = _base(graph, relation, edges)
        hidden[relation][base] = True
        hidden[graph.mirror[relation]][base] = True
    return hidden
