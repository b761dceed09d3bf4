"""Pad mini graphs to a few shapes, for devices that compile a kernel for every new shape, such as Apple MPS.

Every count that determines a tensor shape is rounded up to 4, 5, 6 or 7 times a power of two: nodes per type; messages,
distinct sources, distinct targets and positives per relation. The padding is a separate graph of dummy nodes, messages
between them, and positives of weight 0. No edge joins it to the real nodes, so their embeddings, the loss and its
gradients do not change. Empty tensors stay empty.

With the defaults on a graph of 3.4 million edges, padded steps run 438 operations with new shapes, all in the first two
steps; without padding it is 2,559 there and 720 in every further step. On a CPU, where batches are not padded, a padded
step takes 1.28 times the CPU-seconds (`scripts/bench_fixed_shapes.py`). The gain on MPS has not been measured.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, Sampler, TypedEdges

SERIES = torch.tensor([factor << doublings for doublings in range(2, 40) for factor in (4, 5, 6, 7)])
"""The padded sizes; the smallest is 16, apart from 0."""
NUM_PROBES = 8


class Sizes(NamedTuple):
    """The counts that determine the shapes of a batch."""

    nodes: Tensor
    """Of each type. Shape [num_types]."""
    messages: Tensor
    """Of each relation. Shape [num_relations]."""
    sources: Tensor
    """Distinct sources of each relation's messages. Shape [num_relations]."""
    targets: Tensor
    """Distinct targets of each relation's messages. Shape [num_relations]."""
    positives: Tensor
    """Of each relation. Shape [num_relations]."""

    @classmethod
    def of(cls, batch: MiniBatch, *, num_relations: int) -> Self:
        """Count a batch."""
        source, target, relation = batch.messages
        return cls(
            nodes=torch.tensor(batch.type_ptr).diff(),
            messages=relation.bincount(minlength=num_relations),
            sources=_num_distinct(source, relation, num_relations=num_relations, num_nodes=batch.num_nodes),
            targets=_num_distinct(target, relation, num_relations=num_relations, num_nodes=batch.num_nodes),
            positives=batch.positives.relation.bincount(minlength=num_relations),
        )


class PaddedSampler:
    """Pads the batches of another sampler, nearly all to the same shape.

    If every count were rounded independently, some would always be close to the next size, and nearly every batch would
    have a new combination. So a few batches are drawn in advance, and all are padded to at least the sizes they need.
    """

    def __init__(self, sampler: Sampler, graph: FlatGraph) -> None:
        self._sampler = sampler
        self._graph = graph
        self._at_least = _no_sizes(graph)
        probes = [Sizes.of(sampler.sample(step), num_relations=graph.num_relations) for step in range(NUM_PROBES)]
        for sizes in (*probes, *probes):  # twice: padding for one batch may require more for another
            self._at_least = padded_sizes(_with_headroom(sizes), graph, at_least=self._at_least)

    def sample(self, step: int) -> MiniBatch:
        """The padded mini graph of a step."""
        return pad_batch(self._sampler.sample(step), self._graph, at_least=self._at_least)


def pad_batch(batch: MiniBatch, graph: FlatGraph, *, at_least: Sizes | None = None) -> MiniBatch:
    """Add dummy nodes at the end of each type's block, and messages and positives between them.

    A dummy copies the id and features of the first node of its type in the batch, so that no new node enters; if there
    is none, of the first in the graph. `node_index` is then not ascending within a type.

    Args:
        batch: On the CPU.
        graph: The graph it was drawn from.
        at_least: Minimum sizes, members of `SERIES` or 0; by default only what the batch needs.
    """
    true = Sizes.of(batch, num_relations=graph.num_relations)
    padded = padded_sizes(true, graph, at_least=at_least or _no_sizes(graph))
    added = Sizes(*(after - before for before, after in zip(true, padded, strict=True)))
    source_type, target_type = _end_types(graph)
    shift = added.nodes.cumsum(0) - added.nodes
    moved = torch.arange(batch.num_nodes) + shift.repeat_interleave(true.nodes)
    first_dummy = torch.tensor(batch.type_ptr[1:]) + shift
    repeated, there = torch.tensor(graph.type_ptr[:-1]), true.nodes > 0
    repeated[there] = batch.node_index[torch.tensor(batch.type_ptr[:-1])[there]]
    node_index = repeated.repeat_interleave(padded.nodes)
    node_index[moved] = batch.node_index
    type_ptr = (0, *padded.nodes.cumsum(0).tolist())
    starts = first_dummy[source_type], first_dummy[target_type]
    messages = _dummy_edges(added.messages, starts, (added.sources, added.targets))
    positives = _dummy_edges(added.positives, starts, (added.nodes[source_type], added.nodes[target_type]))
    scored, order = _joined(_moved(batch.positives, moved), positives)
    negatives = positives.target[:, None].expand(-1, batch.negative_target.shape[1])
    return MiniBatch(
        node_index=node_index,
        type_ptr=type_ptr,
        messages=_joined(_moved(batch.messages, moved), messages)[0],
        positives=scored,
        negative_target=torch.cat([moved[batch.negative_target], negatives])[order],
        weight=torch.cat([batch.weight, torch.zeros(positives.target.numel())])[order],
        features=graph.features_at(node_index, type_ptr),
    )


def padded_sizes(true: Sizes, graph: FlatGraph, *, at_least: Sizes) -> Sizes:
    """Round up so that dummies can make up the difference.

    A relation with messages gets at least one dummy source, one dummy target, and enough dummy messages that each has
    one; a type gets as many dummies as its most demanding relation needs.
    """
    used = (true.messages > 0).long()
    sources = _rounded_up(true.sources + used, at_least.sources)
    targets = _rounded_up(true.targets + used, at_least.targets)
    more_sources, more_targets = sources - true.sources, targets - true.targets
    messages = _rounded_up(true.messages + torch.maximum(more_sources, more_targets), at_least.messages)
    positives = _rounded_up(true.positives, at_least.positives)
    scored = (positives > true.positives).long()
    dummies = torch.zeros_like(true.nodes)
    for ends, needed in zip(_end_types(graph), (more_sources, more_targets), strict=True):
        dummies = dummies.scatter_reduce(0, ends, torch.maximum(needed, scored), "amax")
    return Sizes(_rounded_up(true.nodes + dummies, at_least.nodes), messages, sources, targets, positives)


def _rounded_up(count: Tensor, at_least: Tensor) -> Tensor:
    """The next size of the series; 0 stays 0."""
    return torch.maximum(SERIES[torch.searchsorted(SERIES, count)] * (count > 0), at_least)


def _with_headroom(sizes: Sizes) -> Sizes:
    """Add two standard deviations, assuming Poisson counts."""
    return Sizes(*(count + (2 * count.sqrt()).long() for count in sizes))


def _no_sizes(graph: FlatGraph) -> Sizes:
    nodes = torch.zeros(len(graph.metadata.node_types), dtype=torch.int64)
    return Sizes(nodes, *[torch.zeros(graph.num_relations, dtype=torch.int64)] * 4)


def _end_types(graph: FlatGraph) -> tuple[Tensor, Tensor]:
    """Index of each relation's source type and target type. Shape [num_relations] each."""
    number = {name: i for i, name in enumerate(graph.metadata.node_types)}
    pairs = [(number[relation.source], number[relation.target]) for relation in graph.metadata.relations]
    source_type, target_type = torch.tensor(pairs).unbind(1)
    return source_type, target_type


def _num_distinct(ends: Tensor, relation: Tensor, *, num_relations: int, num_nodes: int) -> Tensor:
    """Number of distinct nodes at one end of each relation's edges. Shape [num_relations]."""
    seen = torch.zeros(num_relations * num_nodes, dtype=torch.bool)
    seen[relation * num_nodes + ends] = True
    return seen.view(num_relations, num_nodes).sum(1)


def _dummy_edges(counts: Tensor, starts: tuple[Tensor, Tensor], numbers: tuple[Tensor, Tensor]) -> TypedEdges:
    """Edges between dummies, cycling through the sources and targets of each relation.

    Args:
        counts: Number of edges of each relation. Shape [num_relations].
        starts: First dummy source and first dummy target of each relation. Shape [num_relations] each.
        numbers: Number of dummy sources and dummy targets of each relation. Shape [num_relations] each.
    """
    relation = torch.arange(counts.numel()).repeat_interleave(counts)
    turn = torch.arange(relation.numel()) - (counts.cumsum(0) - counts)[relation]
    source, target = (first[relation] + turn % number[relation] for first, number in zip(starts, numbers, strict=True))
    return TypedEdges(source, target, relation)


def _moved(edges: TypedEdges, moved: Tensor) -> TypedEdges:
    return TypedEdges(moved[edges.source], moved[edges.target], edges.relation)


def _joined(edges: TypedEdges, more: TypedEdges) -> tuple[TypedEdges, Tensor]:
    """Both sets of edges sorted by relation, and the sort order."""
    joined = TypedEdges(*(torch.cat(parts) for parts in zip(edges, more, strict=True)))
    order = joined.relation.argsort(stable=True)
    return TypedEdges(*(part[order] for part in joined)), order
