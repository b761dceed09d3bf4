"""Mini graphs of k edges per edge type, and the full graph as one batch.

A share of the drawn edges is scored by the loss and removed from the messages, together with its reverses.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hgt_repurposing.sampling.draws import WithoutReplacement, derived_generator
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges, edges_at, relabel
from hgt_repurposing.sampling.negative_draw import NegativeDraw
from hgt_repurposing.sampling.negatives import corrupt_targets
from hgt_repurposing.sampling.supervision import HiddenEdges

SUPERVISION_SHARE = 0.3


class EdgeSampler:
    """Draws edges of every type without replacement, pass after pass."""

    def __init__(
        self,
        graph: FlatGraph,
        *,
        num_edges_per_type: int,
        num_negatives: int,
        seed: int,
        negatives: NegativeDraw = "uniform",
    ) -> None:
        self._graph = graph
        self._num_negatives = num_negatives
        self._negatives = negatives
        self._seed = seed
        self._draws = [
            WithoutReplacement(sources.numel(), num_edges_per_type, seed=seed, stream=relation)
            for relation, sources in enumerate(graph.sources)
        ]

    def sample(self, step: int) -> MiniBatch:
        """The mini graph of a step: k edges of every edge type and their endpoints."""
        drawn = [draw.at(step) for draw in self._draws]
        supervised = [edges[: _num_supervised(edges.numel())] for edges in drawn]
        generator = derived_generator(self._seed, step)
        return batch_of_edges(
            self._graph,
            drawn,
            supervised,
            num_negatives=self._num_negatives,
            generator=generator,
            negatives=self._negatives,
        )


class FullGraphSampler:
    """The whole graph as one batch; only the supervision edges change, without replacement, pass after pass."""

    def __init__(
        self,
        graph: FlatGraph,
        *,
        num_edges_per_type: int,
        num_negatives: int,
        seed: int,
        negatives: NegativeDraw = "uniform",
    ) -> None:
        self._graph = graph
        self._num_negatives = num_negatives
        self._negatives = negatives
        self._seed = seed
        self._every = [torch.arange(sources.numel(), dtype=torch.int32) for sources in graph.sources]
        self._draws = [
            WithoutReplacement(total, min(num_edges_per_type, _num_supervised(total)), seed=seed, stream=relation)
            for relation, total in enumerate(edges.numel() for edges in self._every)
        ]

    def sample(self, step: int) -> MiniBatch:
        """All edges carry messages except the supervision edges (k of each type or its share) and their reverses."""
        supervised = [draw.at(step) for draw in self._draws]
        generator = derived_generator(self._seed, step)
        return batch_of_edges(
            self._graph,
            self._every,
            supervised,
            num_negatives=self._num_negatives,
            generator=generator,
            negatives=self._negatives,
        )


def batch_of_edges(
    graph: FlatGraph,
    drawn: Sequence[Tensor],
    supervised: Sequence[Tensor],
    *,
    num_negatives: int,
    generator: torch.Generator,
    negatives: NegativeDraw = "uniform",
) -> MiniBatch:
    """The mini graph of some edges, in local ids.

    Args:
        graph: The whole message graph.
        drawn: Edge indices of the mini graph per relation. Shape [k] each.
        supervised: Those among them that the loss scores. They and their reverses carry no message.
        num_negatives: Corrupted targets per scored edge, drawn from the nodes of the mini graph.
        generator: Source of randomness for the corrupted targets.
        negatives: How corrupted targets are drawn.
    """
    hidden = HiddenEdges(graph, supervised)
    passing = [hidden.without(relation, edges) for relation, edges in enumerate(drawn)]
    node_index, type_ptr, (messages, positives) = relabel(
        graph, [edges_at(graph, passing), edges_at(graph, supervised)]
    )
    negative, valid = corrupt_targets(
        graph, node_index, type_ptr, positives, num_negatives=num_negatives, generator=generator, draw=negatives
    )
    return MiniBatch(
        node_index=node_index,
        type_ptr=type_ptr,
        messages=messages,
        positives=TypedEdges(*(part[valid] for part in positives)),
        negative_target=negative[valid],
        weight=torch.ones(int(valid.sum())),
        features=graph.features_at(node_index, type_ptr),
    )


def _num_supervised(num_edges: int) -> int:
    """Number of these edges that the loss scores: a share, at least one, but never a type's only edge."""
    return math.ceil(num_edges * SUPERVISION_SHARE) if num_edges > 1 else 0
