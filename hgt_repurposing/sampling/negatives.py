"""Type-constrained corruption: replace the target of a true edge by another node of the same type.

Corruption within the type follows Krompass et al., ISWC 2015 (type-constrained representation learning); drawing by a
power of the degree follows Mikolov et al., NeurIPS 2013 (arXiv:1310.4546, section 2.2).
"""

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import TypedEdges
from hgt_repurposing.sampling.negative_draw import NegativeDraw

MAX_DRAWS = 4
DEGREE_POWER = 0.75


def corrupt_targets(
    graph: FlatGraph,
    node_index: Tensor,
    type_ptr: tuple[int, ...],
    positives: TypedEdges,
    *,
    num_negatives: int,
    generator: torch.Generator,
    draw: NegativeDraw = "uniform",
) -> tuple[Tensor, Tensor]:
    """Draw for each positive targets of the same type that do not form an edge of the graph.

    A target that forms an edge is redrawn, up to `MAX_DRAWS` draws in total; if the last still does, another negative
    of the same positive replaces it.

    Args:
        graph: The graph whose edges are not allowed as negatives.
        node_index: Flat global id of each local node; targets are drawn from these. Shape [num_nodes].
        type_ptr: First local node of each type.
        positives: True edges in local ids.
        num_negatives: Targets per positive.
        generator: Source of randomness.
        draw: How targets are drawn.

    Returns:
        Local targets of shape [num_positives, num_negatives], and which positives have valid ones: False if no draw
        found any, as for a node linked to every other of the type. Shape [num_positives], bool.
    """
    targets = _Uniform(graph, type_ptr) if draw == "uniform" else _ByDegree(graph, node_index, type_ptr)
    row = torch.arange(positives.target.numel()).repeat_interleave(num_negatives)
    drawn = torch.zeros_like(row)
    pending = torch.arange(row.numel())
    for _ in range(MAX_DRAWS):
        of = row[pending]
        uniform = torch.rand(pending.numel(), generator=generator, dtype=torch.float64)
        target = targets.at(positives.relation[of], uniform)
        drawn[pending] = target
        source = node_index[positives.source[of]]
        pending = pending[graph.has_edge(positives.relation[of], source, node_index[target])]
        if not pending.numel():
            break
    found = torch.ones(row.numel(), dtype=torch.bool)
    found[pending] = False
    return _fill_gaps(drawn.view(-1, num_negatives), found.view(-1, num_negatives))


class _Uniform:
    """Uniform over local nodes of the target type."""

    def __init__(self, graph: FlatGraph, type_ptr: tuple[int, ...]) -> None:
        kind, ptr = _target_types(graph), torch.tensor(type_ptr)
        self._low, self._count = ptr[kind], ptr.diff()[kind]

    def at(self, relation: Tensor, uniform: Tensor) -> Tensor:
        """Relations and numbers in [0, 1) to local nodes. Shape [n] each."""
        return self._low[relation] + (uniform * self._count[relation]).long()


class _ByDegree:
    """Local nodes of the target type by in-degree to the power `DEGREE_POWER`; never one without in-edges."""

    def __init__(self, graph: FlatGraph, node_index: Tensor, type_ptr: tuple[int, ...]) -> None:
        kind, ptr = _target_types(graph), torch.tensor(type_ptr)
        weights = []
        for number, degrees in zip(kind.tolist(), graph.in_degrees, strict=True):
            here = node_index[type_ptr[number] : type_ptr[number + 1]] - graph.type_ptr[number]
            weights.append(degrees[here].double() ** DEGREE_POWER)
        self._low = ptr[kind]
        self._start = torch.tensor([0, *(weight.numel() for weight in weights)]).cumsum(0)
        # One cumulative sum over all relations; a relation's segment starts at the total of those before it.
        self._upto = torch.cat([torch.zeros(1, dtype=torch.float64), *weights]).cumsum(0)

    def at(self, relation: Tensor, uniform: Tensor) -> Tensor:
        """Relations and numbers in [0, 1) to local nodes. Shape [n] each."""
        first, last = self._start[relation], self._start[relation + 1]
        low, high = self._upto[first], self._upto[last]
        place = torch.searchsorted(self._upto, low + uniform * (high - low), right=True) - 1
        return self._low[relation] + torch.minimum(place, last - 1) - first


def _target_types(graph: FlatGraph) -> Tensor:
    """Target type index of each relation. Shape [num_relations]."""
    types = graph.metadata.node_types
    return torch.tensor([types.index(relation.target) for relation in graph.metadata.relations])


def _fill_gaps(drawn: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """Fill invalid entries of each row with its first valid negative; rows without any are not valid."""
    stand_in = drawn.gather(1, found.byte().argmax(1, keepdim=True))
    return torch.where(found, drawn, stand_in), found.any(1)
