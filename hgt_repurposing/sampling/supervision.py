"""Scored edges and their reverses carry no message.

Otherwise a link would be scored from its own message, and the loss would fall without anything being learned. An edge
and its reverse share a base index; see `graph/hetero_data.py` for the layout.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph


class HiddenEdges:
    """The edges that carry no message in a mini graph."""

    def __init__(self, graph: FlatGraph, supervised: Sequence[Tensor]) -> None:
        """Args: the whole graph, and the indices of the scored edges per relation, shape [k] each."""
        self._graph = graph
        self._flags = [torch.zeros(graph.num_base_edges(r), dtype=torch.bool) for r in range(graph.num_relations)]
        for relation, edges in enumerate(supervised):
            base = self._base(relation, edges)
            self._flags[relation][base] = True
            self._flags[graph.mirror[relation]][base] = True

    def without(self, relation: int, edges: Tensor) -> Tensor:
        """Drop the hidden edges, preserving order. Indices of shape [n] to [at most n]."""
        return edges[~self._flags[relation][self._base(relation, edges)]]

    def _base(self, relation: int, edges: Tensor) -> Tensor:
        """Index of the undirected edge of each directed one."""
        return edges % self._graph.num_base_edges(relation) if self._graph.is_symmetric(relation) else edges
