"""Paths through the graph from one drug to one disease, node by node, and through what they lead.

The metapaths are those of the features (`neighbourhoods.py`): 2 to 4 edges, none between a drug and a disease. A path
weighs the product of its damped steps (`graph/walks.py`). A metapath counts as its feature does, by the arcsinh of its
path count over the mean, so that a metapath with many weak paths does not hide one with few strong ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, FloatArray, IntArray
from hgt_repurposing.graph.walks import damped, incidence
from hgt_repurposing.repurposing.neighbourhoods import Paths

ENDS_PER_METAPATH = 12
"""Nodes where both walks meet, the heaviest of each metapath, whose paths are followed."""
WAYS_PER_END = 3
"""Ways to such a node from either side."""


class Node(NamedTuple):
    """A node of the graph."""

    node_type: str
    local_index: int


class Path(NamedTuple):
    """One path from a drug to a disease."""

    metapath: str
    """Name of the feature without `paths `."""
    nodes: tuple[Node, ...]
    """From the drug to the disease."""
    edges: tuple[EdgeType, ...]
    """One fewer than nodes; an edge type may be walked against its direction."""
    share: float
    """Of all paths of the pair."""


class _Half(NamedTuple):
    """A walk from one end to where both meet."""

    between: tuple[Node, ...]
    """Nodes after the start and before the meeting."""
    weight: float


@dataclass(frozen=True, eq=False)
class PathFinder:
    """Finds paths between drugs and diseases of one graph."""

    graph: KnowledgeGraph
    metapaths: tuple[Paths, ...]
    """Of `Neighbourhoods`."""

    def paths(self, drug: int, disease: int, *, top: int) -> list[Path]:
        """The heaviest paths of a pair, the heaviest first; none if nothing joins the two.

        Args:
            drug: Local index.
            disease: Local index.
            top: How many.
        """
        counts = {paths.name: _meeting(paths, drug, disease) for paths in self.metapaths}
        scaled = {p.name: float(np.arcsinh(counts[p.name][1].sum() / p.mean)) for p in self.metapaths}
        total = sum(scaled.values())
        if not total:
            return []
        found = [
            path
            for paths in self.metapaths
            if scaled[paths.name]
            for path in self._of_metapath(paths, drug, disease, *counts[paths.name], scaled[paths.name] / total)
        ]
        return sorted(found, key=lambda path: (-path.share, path.nodes))[:top]

    def _of_metapath(
        self, paths: Paths, drug: int, disease: int, ends: IntArray, weights: FloatArray, share: float
    ) -> Iterator[Path]:
        names, meeting_type = self.graph.therapeutic, _end_of(paths.drug_steps, self.graph.therapeutic.drug)
        edges = (*paths.drug_steps, *reversed(paths.disease_steps))
        heaviest = ends[np.argsort(-weights, kind="stable")[:ENDS_PER_METAPATH]]
        of_drug = self._halves(paths.drug_steps, names.drug, drug, heaviest)
        of_disease = self._halves(paths.disease_steps, names.disease, disease, heaviest)
        for end, there_by, back_by in zip(heaviest.tolist(), of_drug, of_disease, strict=True):
            for there, back in product(there_by, back_by):
                nodes = (
                    Node(names.drug, drug),
                    *there.between,
                    Node(meeting_type, end),
                    *back.between,
                    Node(names.disease, disease),
                )
                yield Path(paths.name, nodes, edges, share * there.weight * back.weight / float(weights.sum()))

    def _halves(self, steps: tuple[EdgeType, ...], start: str, node: int, ends: IntArray) -> list[list[_Half]]:
        """The heaviest walks by these steps from a node to each end, where it leads to all of them."""
        first = csr_array(self._step(steps[0], start)[[node]])
        if len(steps) == 1:
            return [[_Half((), weight)] for weight in first[:, ends].toarray()[0].tolist()]
        middle = _end_of(steps[:1], start)
        onward = self._step(steps[1], middle)[first.indices][:, ends].toarray() * first.data[:, None]
        best = np.argsort(-onward, axis=0, kind="stable")[:WAYS_PER_END]
        return [
            [
                _Half((Node(middle, int(first.indices[row])),), float(onward[row, column]))
                for row in best[:, column]
                if onward[row, column] > 0
            ]
            for column in range(len(ends))
        ]

    def _step(self, edge_type: EdgeType, start: str) -> csr_array:
        if (edge_type, start) not in self._steps:
            self._steps[edge_type, start] = damped(incidence(self.graph, edge_type, start=start))
        return self._steps[edge_type, start]

    @cached_property
    def _steps(self) -> dict[tuple[EdgeType, str], csr_array]:
        return {}


def row_of(matrix: csr_array, row: int) -> tuple[IntArray, FloatArray]:
    """Columns and values of the entries of a row; SciPy's own slices take fifty times as long. Not to be changed."""
    inside = slice(matrix.indptr[row], matrix.indptr[row + 1])
    return np.asarray(matrix.indices[inside], dtype=np.int64), np.asarray(matrix.data[inside])


def _meeting(paths: Paths, drug: int, disease: int) -> tuple[IntArray, FloatArray]:
    """Where both walks meet, ascending, with the weight of all paths through it."""
    (ends, there), (others, back) = row_of(paths.drug_walk, drug), row_of(paths.disease_walk, disease)
    both, mine, its = np.intersect1d(ends, others, assume_unique=True, return_indices=True)
    return both, (there[mine] * back[its]).astype(np.float64)


def _end_of(steps: tuple[EdgeType, ...], start: str) -> str:
    for step in steps:
        start = step.target if step.source == start else step.source
    return start
