"""How much the evidence matters: a pair scored anew after its evidence was taken out of the graph.

Similarities, paths, labels and baselines are computed again on the graph without the edges. The fitted weights stay as
they are, and so do the vectors of drugs and diseases and the kernels of the Kronecker ridge, which would take most of
the time. As many random edges of the same edge types are taken out for comparison.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.repurposing.evidence_paths import Node
from hgt_repurposing.repurposing.explanation import Explainer, Explanation
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.neighbourhoods import neighbourhoods_of
from hgt_repurposing.repurposing.scorer import Scorer

NUM_PATHS = 5
"""Heaviest paths whose edges count as evidence."""
NUM_SIMILAR = 3
"""Most similar drugs that treat the disease, and diseases that the drug treats, whose treatments count as evidence."""


class Place(NamedTuple):
    """Where a pair stands."""

    log_odds: float
    rank: int
    """Among all drugs, from 1."""


class Ablation(NamedTuple):
    """What becomes of a pair without its evidence."""

    before: Place
    without_evidence: Place
    without_random: tuple[Place, ...]
    """Without as many random edges, one for each draw."""
    num_edges: Mapping[EdgeType, int]
    """Edges that were taken out."""

    @property
    def matters(self) -> bool:
        """Whether the evidence lowers the rank more than random edges do, on average; at equal ranks, the log odds."""
        ranks = float(np.mean([place.rank for place in self.without_random]))
        if self.without_evidence.rank != ranks:
            return self.without_evidence.rank > ranks
        return self.without_evidence.log_odds < float(np.mean([place.log_odds for place in self.without_random]))


@dataclass(frozen=True, eq=False)
class Ablator:
    """Takes evidence out of the graph of an explainer."""

    explainer: Explainer

    def ablate(self, found: Explanation, generator: np.random.Generator, *, num_draws: int = 1) -> Ablation:
        """Score a pair without the evidence of its explanation, and without random edges.

        Args:
            found: The explanation.
            generator: Of the random edges.
            num_draws: How often random edges are drawn.

        Raises:
            ValueError: If what is left of the graph cannot be scored.
        """
        evidence = _evidence_of(found, self._graph)
        draws = [
            {edge_type: self._random(edge_type, len(gone), generator) for edge_type, gone in evidence.items()}
            for _ in range(num_draws)
        ]
        return Ablation(
            self._place(self.explainer.scorer, found),
            self._place(self._without(evidence), found),
            tuple(self._place(self._without(drawn), found) for drawn in draws),
            {edge_type: len(columns) for edge_type, columns in evidence.items()},
        )

    def _random(self, edge_type: EdgeType, count: int, generator: np.random.Generator) -> IntArray:
        return generator.choice(self._graph.edges[edge_type].shape[1], count, replace=False)

    def _without(self, columns: Mapping[EdgeType, IntArray]) -> Scorer:
        """The scorer on the graph without these edges."""
        graph = self._graph
        edges = {**graph.edges, **{t: np.delete(graph.edges[t], gone, axis=1) for t, gone in columns.items()}}
        left = replace(graph, edges=edges)
        scorer = self.explainer.scorer
        neighbourhoods = neighbourhoods_of(left).with_kernels_of(self.explainer.neighbourhoods)
        inputs = PairInputs(neighbourhoods, scorer.vectors, Labels.of_graph(left))
        return scorer.on(inputs)

    def _place(self, scorer: Scorer, found: Explanation) -> Place:
        scores = scorer.indications(np.array([found.disease]))[:, 0]
        return Place(float(scores[found.drug]), int(1 + np.count_nonzero(scores > scores[found.drug])))

    @property
    def _graph(self) -> KnowledgeGraph:
        return self.explainer.graph


def _evidence_of(found: Explanation, graph: KnowledgeGraph) -> dict[EdgeType, IntArray]:
    """Columns of the edges that an explanation names first, by edge type; those without a node in common are absent."""
    by_type: dict[EdgeType, set[tuple[int, int]]] = {}
    for edge_type, pair in chain(_on_paths(found), _treatments(found, graph)):
        by_type.setdefault(edge_type, set()).add(pair)
    columns = {}
    for edge_type, pairs in by_type.items():
        shape = (graph.num_nodes[edge_type.source], graph.num_nodes[edge_type.target])
        stored = np.ravel_multi_index(tuple(graph.edges[edge_type]), shape)
        gone = np.flatnonzero(np.isin(stored, [np.ravel_multi_index(pair, shape) for pair in pairs]))
        if len(gone):
            columns[edge_type] = gone
    return columns


def _on_paths(found: Explanation) -> Iterator[tuple[EdgeType, tuple[int, int]]]:
    """Edges of the heaviest paths."""
    for path in found.paths[:NUM_PATHS]:
        for edge_type, ends in zip(path.edges, pairwise(path.nodes), strict=True):
            yield from _as_stored(edge_type, *ends)


def _treatments(found: Explanation, graph: KnowledgeGraph) -> Iterator[tuple[EdgeType, tuple[int, int]]]:
    """Indications of the most similar drugs and diseases."""
    drug, disease = found.drug, found.disease
    pairs = [(each.node.local_index, disease) for each in found.similar_drugs[:NUM_SIMILAR]]
    pairs += [(drug, each.node.local_index) for each in found.similar_diseases[:NUM_SIMILAR]]
    for edge_type in graph.edges:
        if graph.is_drug_disease(edge_type) and edge_type.relation in graph.therapeutic.indication:
            turned = edge_type.source != graph.therapeutic.drug
            yield from ((edge_type, pair[::-1] if turned else pair) for pair in pairs)


def _as_stored(edge_type: EdgeType, one: Node, other: Node) -> Iterator[tuple[EdgeType, tuple[int, int]]]:
    """Both ways in which an edge may be stored."""
    if (one.node_type, other.node_type) == (edge_type.source, edge_type.target):
        yield edge_type, (one.local_index, other.local_index)
    if (other.node_type, one.node_type) == (edge_type.source, edge_type.target):
        yield edge_type, (other.local_index, one.local_index)
