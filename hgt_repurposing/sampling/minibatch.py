"""A mini graph to compute on: local node ids, typed edges, supervision, and the map back to global ids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, Self

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph


class TypedEdges(NamedTuple):
    """Edges of several relations with flat node ids."""

    source: Tensor
    """Shape [num_edges]."""
    target: Tensor
    """Shape [num_edges]."""
    relation: Tensor
    """Relation index. Shape [num_edges]."""


@dataclass(frozen=True, eq=False)
class MiniBatch:
    """The input of one forward pass."""

    node_index: Tensor
    """Flat global id of each local node, ascending, except for dummies (see padding.py), which repeat an id at the end
    of a type. Shape [num_nodes]."""
    type_ptr: tuple[int, ...]
    """First local node of each node type, then the number of nodes. Length num_types + 1."""
    messages: TypedEdges
    """Edges that carry messages, grouped by relation, in local ids."""
    positives: TypedEdges
    """Edges that the loss scores, likewise; neither they nor their reverses are message edges."""
    negative_target: Tensor
    """Corrupted targets of the right type for each positive, in local ids. Shape [num_positives, num_negatives]."""
    weight: Tensor
    """Loss weight of each positive and its negatives: 1, or 0 for padding. Shape [num_positives], float32."""
    features: dict[int, Tensor]
    """Features of the local nodes by type index. Shape [nodes of the type, width] each."""

    @property
    def num_nodes(self) -> int:
        """Nodes in the mini graph."""
        return self.node_index.numel()

    def to(self, device: torch.device) -> Self:
        """The same batch on another device, by blocking copies (non-blocking ones can corrupt on MPS)."""
        return replace(
            self,
            node_index=self.node_index.to(device),
            messages=TypedEdges(*(part.to(device) for part in self.messages)),
            positives=TypedEdges(*(part.to(device) for part in self.positives)),
            negative_target=self.negative_target.to(device),
            weight=self.weight.to(device),
            features={number: rows.to(device) for number, rows in self.features.items()},
        )


class Sampler(Protocol):
    """Source of a training run's mini graphs."""

    def sample(self, step: int) -> MiniBatch:
        """The mini graph of a step, counted from 0; deterministic for a given sampler and step."""
        ...


def concatenate(relations: Sequence[int], sources: Sequence[Tensor], targets: Sequence[Tensor]) -> TypedEdges:
    """Join the edges of several relations. Empty input gives no edges."""
    if not relations:
        none = torch.empty(0, dtype=torch.int64)
        return TypedEdges(none, none, none)
    counts = torch.tensor([source.numel() for source in sources])
    relation = torch.tensor(list(relations)).repeat_interleave(counts)
    return TypedEdges(torch.cat(list(sources)), torch.cat(list(targets)), relation)


def edges_at(graph: FlatGraph, positions: Sequence[Tensor]) -> TypedEdges:
    """Look up edges as flat node ids.

    Args:
        graph: The whole graph.
        positions: Edge indices within each relation. Shape [k] each.
    """
    return concatenate(
        range(graph.num_relations),
        [sources[chosen] for sources, chosen in zip(graph.sources, positions, strict=True)],
        [targets[chosen] for targets, chosen in zip(graph.targets, positions, strict=True)],
    )


def relabel(graph: FlatGraph, edges: Sequence[TypedEdges]) -> tuple[Tensor, tuple[int, ...], list[TypedEdges]]:
    """Number the endpoints of these edges from 0.

    Returns:
        Flat global id of each local node, ascending, shape [n]; local type_ptr; the edges in local ids.
    """
    ends = torch.cat([end for part in edges for end in (part.source, part.target)])
    touched = torch.zeros(graph.num_nodes, dtype=torch.bool)
    touched[ends] = True
    node_index = touched.nonzero().squeeze(1)
    local = torch.empty(graph.num_nodes, dtype=torch.int64)
    local[node_index] = torch.arange(node_index.numel())
    pieces = iter(local[ends].split([end.numel() for part in edges for end in (part.source, part.target)]))
    renumbered = [TypedEdges(next(pieces), next(pieces), part.relation) for part in edges]
    type_ptr = torch.searchsorted(node_index, torch.tensor(graph.type_ptr)).tolist()
    return node_index, tuple(type_ptr), renumbered
