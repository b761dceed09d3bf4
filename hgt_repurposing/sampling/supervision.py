"""Scored edges carry no message: neither they nor their reverses.

A link that has carried a message would be scored from that message, and the loss would fall without anything being
learned. An edge and its reverse share one base number; see `graph/hetero_data.py` for how they lie.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph


class HiddenEdges:
    """The edges that carry no message in one mini graph."""

    def __init__(self, graph: FlatGraph, supervised: Sequence[Tensor]) -> None:
        """Args: the whole graph, and for each relation the positions of the scored edges, of shape [k]."""
        self._graph = graph
        self._flags = [torch.zeros(graph.num_base_edges(r), dtype=torch.bool) for r in range(graph.num_relations)]
        for relation, edges in enumerate(supervised):
            base = self._base(relation, edges)
            self._flags[relation][base] = True
            self._flags[graph.mirror[relation]][base] = True

    def without(self, relation: int, edges: Tensor) -> Tensor:
        """Those of some edges that may carry messages, in their order. Positions of shape [n] to [at most n]."""
        return edges[~self._flags[relation][self._base(relation, edges)]]

    def _base(self, relation: int, edges: Tensor) -> Tensor:
        """Number of the undirected edge behind each directed one."""
        return edges % self._graph.num_base_edges(relation) if self._graph.is_symmetric(relation) else edges
