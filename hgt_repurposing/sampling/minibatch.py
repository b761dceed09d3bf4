"""A mini graph to compute on: local node space, typed edges, supervision, and the way back to global ids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph


class TypedEdges(NamedTuple):
    """Edges of several relations in one flat node space."""

    source: Tensor
    """Shape [num_edges]."""
    target: Tensor
    """Shape [num_edges]."""
    relation: Tensor
    """Relation number. Shape [num_edges]."""


@dataclass(frozen=True, eq=False)
class MiniBatch:
    """What one forward pass sees."""

    node_index: Tensor
    """Flat global id of each local node, ascending, hence sorted by type. Shape [num_nodes]."""
    type_ptr: tuple[int, ...]
    """First local node of each node type, then the number of nodes. Length num_types + 1."""
    messages: TypedEdges
    """Edges that messages pass over, in local ids."""
    positives: TypedEdges
    """Edges that the loss scores, in local ids; none of them, nor its reverse, is a message edge."""
    negative_target: Tensor
    """A corrupted target of the right type for each positive, in local ids. Shape [num_positives]."""
    features: dict[int, Tensor]
    """Given features of the local nodes by type number. Shape [nodes of the type, width] each."""

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
            features={number: rows.to(device) for number, rows in self.features.items()},
        )


def concatenate(relations: Sequence[int], sources: Sequence[Tensor], targets: Sequence[Tensor]) -> TypedEdges:
    """Join the edges of several relations. Empty input gives no edges."""
    if not relations:
        none = torch.empty(0, dtype=torch.int64)
        return TypedEdges(none, none, none)
    counts = torch.tensor([source.numel() for source in sources])
    relation = torch.tensor(list(relations)).repeat_interleave(counts)
    return TypedEdges(torch.cat(list(sources)), torch.cat(list(targets)), relation)


def relabel(graph: FlatGraph, edges: Sequence[TypedEdges]) -> tuple[Tensor, tuple[int, ...], list[TypedEdges]]:
    """Number the nodes that these edges touch from 0 on.

    Returns:
        Flat global id of each local node, ascending, shape [n]; local type_ptr; the edges in local ids.
    """
    ends = [end for part in edges for end in (part.source, part.target)]
    node_index, local = torch.cat(ends).unique(return_inverse=True)
    pieces = iter(local.split([end.numel() for end in ends]))
    renumbered = [TypedEdges(next(pieces), next(pieces), part.relation) for part in edges]
    type_ptr = torch.searchsorted(node_index, torch.tensor(graph.type_ptr)).tolist()
    return node_index, tuple(type_ptr), renumbered
