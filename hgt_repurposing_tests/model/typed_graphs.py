"""Small graphs with typed nodes and edges, as plain numbers."""

from itertools import accumulate
from typing import NamedTuple

import torch
from hypothesis import strategies as st
from torch import Tensor

from hgt_repurposing.model.edge_plan import EncoderPlan, plan_layers


class TypedGraph(NamedTuple):
    """Nodes are numbered within their type, as PyG has it, or over all types, as our layers have it."""

    type_counts: tuple[int, ...]
    """Nodes of each type."""
    ends: tuple[tuple[int, int], ...]
    """Source and target type of each relation."""
    edges: tuple[Tensor, ...]
    """Source and target of each relation's edges, numbered within their types. Shape [2, n] each."""

    @property
    def type_ptr(self) -> tuple[int, ...]:
        """First node of each type, then the number of nodes."""
        return tuple(accumulate(self.type_counts, initial=0))

    @property
    def num_nodes(self) -> int:
        return sum(self.type_counts)

    def flat_edges(self) -> Tensor:
        """Source, target and relation of every edge, numbered over all types. Shape [3, num_edges]."""
        parts = []
        for number, (types, index) in enumerate(zip(self.ends, self.edges, strict=True)):
            first = torch.tensor([[self.type_ptr[kind]] for kind in types])
            parts.append(torch.cat([index + first, torch.full((1, index.shape[1]), number)]))
        return torch.cat(parts, dim=1)

    def plan(self, *, num_layers: int = 1, needed: Tensor | None = None, order: Tensor | None = None) -> EncoderPlan:
        """The plan of this graph; `order` shuffles the edges first."""
        edges = self.flat_edges()
        return plan_layers(
            *(edges if order is None else edges[:, order]),
            type_ptr=self.type_ptr,
            num_relations=len(self.ends),
            num_layers=num_layers,
            needed=needed,
        )


def typed_graph(
    type_counts: tuple[int, ...], edges_by_relation: dict[tuple[int, int], list[tuple[int, int]]]
) -> TypedGraph:
    """A graph typed by hand: from source and target type of each relation to its edges."""
    edges = (torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T for pairs in edges_by_relation.values())
    return TypedGraph(type_counts, tuple(edges_by_relation), tuple(edges))


def random_graph(
    type_counts: tuple[int, ...], ends: tuple[tuple[int, int], ...], *, num_edges: int, seed: int
) -> TypedGraph:
    """So many edges of each relation, half of all that arrive anywhere arriving at one hub."""
    generator = torch.Generator().manual_seed(seed)
    edges = []
    for types in ends:
        source, target = (torch.randint(type_counts[kind], (num_edges,), generator=generator) for kind in types)
        target[torch.rand(num_edges, generator=generator) < 0.5] = 0
        edges.append(torch.stack([source, target]))
    return TypedGraph(type_counts, ends, tuple(edges))


@st.composite
def typed_graphs(draw: st.DrawFn) -> TypedGraph:
    """One to three types and one to four relations.

    There are types without nodes, relations without edges, nodes that no edge reaches, loops, parallel edges, and
    relations all of whose edges end at one node.
    """
    counts = tuple(draw(st.lists(st.integers(0, 5), min_size=1, max_size=3).filter(any), label="type counts"))
    kinds = st.integers(0, len(counts) - 1)
    ends = tuple(draw(st.lists(st.tuples(kinds, kinds), min_size=1, max_size=4), label="ends"))
    edges = []
    for source, target in ends:
        pairs = []
        if counts[source] and counts[target]:
            last_target = 0 if draw(st.booleans(), label="hub") else counts[target] - 1
            either = st.tuples(st.integers(0, counts[source] - 1), st.integers(0, last_target))
            pairs = draw(st.lists(either, max_size=12), label="edges")
        edges.append(torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T)
    return TypedGraph(counts, ends, tuple(edges))
