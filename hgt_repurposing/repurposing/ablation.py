"""How much the evidence matters: a pair scored anew after its evidence was taken out of the graph.

Similarities, paths, labels and baselines are computed again on the graph without the edges. The fitted weights stay as
they are, and so do the vectors of drugs and diseases and what features are measured in (`reduced_neighbourhoods.py`).
As many random edges of the same edge types are taken out for comparison.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.repurposing.evidence_paths import Node
from hgt_repurposing.repurposing.explanation import Explainer, Explanation, Similar
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.reduced_neighbourhoods import WholeGraph, reduced_neighbourhoods
from hgt_repurposing.repurposing.scorer import Scorer

NUM_PATHS = 5
"""Heaviest paths whose edges count as evidence."""
NUM_SIMILAR = 3
"""Most similar drugs that treat the disease, and diseases that the drug treats, whose treatments count as evidence."""
LEAST_WORTH = 1e-6
"""Log odds of evidence that adds nothing, so that its edges keep an order."""


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


class Piece(NamedTuple):
    """An edge that is evidence for a pair."""

    edge_type: EdgeType
    column: int
    """Of the edges of its type."""
    log_odds: float
    """What it stands for: its share of what its kind of evidence adds to the score."""


class Deletion(NamedTuple):
    """What becomes of a pair as its evidence is taken out, the best first."""

    before: Place
    num_pieces: int
    """How many edges its evidence has."""
    without_evidence: tuple[Place, ...]
    """For each count of edges."""
    without_random: tuple[Place, ...]
    """Without as many random edges of the same types."""


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
            self._place(self._without(evidence, found.disease), found),
            tuple(self._place(self._without(drawn, found.disease), found) for drawn in draws),
            {edge_type: len(columns) for edge_type, columns in evidence.items()},
        )

    def deletion(self, found: Explanation, counts: Sequence[int], generator: np.random.Generator) -> Deletion:
        """Score a pair without its best pieces of evidence, more and more of them, and without random edges.

        Args:
            found: The explanation.
            counts: How many edges are taken out; all there are if there are fewer.
            generator: Of the random edges, drawn for each count anew.

        Raises:
            ValueError: If what is left of the graph cannot be scored.
        """
        ranked = ranked_evidence(found, self._graph)
        of_evidence, of_random = [], []
        for count in counts:
            gone: dict[EdgeType, list[int]] = {}
            for piece in ranked[:count]:
                gone.setdefault(piece.edge_type, []).append(piece.column)
            best = {edge_type: np.array(columns) for edge_type, columns in gone.items()}
            drawn = {edge_type: self._random(edge_type, len(each), generator) for edge_type, each in best.items()}
            of_evidence.append(self._place(self._without(best, found.disease), found))
            of_random.append(self._place(self._without(drawn, found.disease), found))
        before = self._place(self.explainer.scorer, found)
        return Deletion(before, len(ranked), tuple(of_evidence), tuple(of_random))

    def _random(self, edge_type: EdgeType, count: int, generator: np.random.Generator) -> IntArray:
        return generator.choice(self._graph.edges[edge_type].shape[1], count, replace=False)

    def _without(self, columns: Mapping[EdgeType, IntArray], disease: int) -> Scorer:
        """The scorer on the graph without these edges, for one disease."""
        graph = self._graph
        edges = {**graph.edges, **{t: np.delete(graph.edges[t], gone, axis=1) for t, gone in columns.items()}}
        left = replace(graph, edges=edges)
        scorer = self.explainer.scorer
        neighbourhoods = reduced_neighbourhoods(self._whole, left, disease)
        return scorer.on(PairInputs(neighbourhoods, scorer.vectors, Labels.of_graph(left)))

    def _place(self, scorer: Scorer, found: Explanation) -> Place:
        scores = scorer.indications(np.array([found.disease]))[:, 0]
        return Place(float(scores[found.drug]), int(1 + np.count_nonzero(scores > scores[found.drug])))

    @cached_property
    def _whole(self) -> WholeGraph:
        return WholeGraph(self._graph, self.explainer.neighbourhoods)

    @property
    def _graph(self) -> KnowledgeGraph:
        return self.explainer.graph


def ranked_evidence(found: Explanation, graph: KnowledgeGraph) -> tuple[Piece, ...]:
    """Edges that an explanation names, those that stand for most of the score first.

    What a kind of evidence adds to the log odds (`Decomposition.by_group`) is shared by its edges: among treatments by
    similarity, among edges of paths by the paths through them. Evidence for both sides and shared treatments are halved
    between the two kinds of treatments. A kind that adds nothing comes last, in the same order.
    """
    group = found.decomposition.by_group
    either = (group["both"] + group["shared treatments"]) / 2
    weights: dict[tuple[EdgeType, tuple[int, int]], float] = {}

    def add(edge_type: EdgeType, pair: tuple[int, int], share: float, worth: float) -> None:
        weights[edge_type, pair] = weights.get((edge_type, pair), 0.0) + share * max(worth, LEAST_WORTH)

    for kind, similar in (("similar drugs", found.similar_drugs), ("similar diseases", found.similar_diseases)):
        total = sum(each.similarity for each in similar)
        for each in similar:
            for edge_type, pair in _treatment(found, each, graph):
                add(edge_type, pair, each.similarity / total if total else 0.0, float(group[kind] + either))
    for path in found.paths:
        for edge_type, ends in zip(path.edges, pairwise(path.nodes), strict=True):
            for stored, pair in _as_stored(edge_type, *ends):
                add(stored, pair, path.share, float(group["paths"]))
    found_at = ((t, _column(graph, t, pair), worth) for (t, pair), worth in weights.items())
    pieces = [Piece(edge_type, column, worth) for edge_type, column, worth in found_at if column is not None]
    return tuple(sorted(pieces, key=lambda piece: (-piece.log_odds, piece.edge_type, piece.column)))


def _column(graph: KnowledgeGraph, edge_type: EdgeType, pair: tuple[int, int]) -> int | None:
    """Where an edge lies; None if it is not stored this way round."""
    source, target = graph.edges[edge_type]
    start, end = np.searchsorted(source, pair[0], side="left"), np.searchsorted(source, pair[0], side="right")
    place = start + int(np.searchsorted(target[start:end], pair[1]))
    return int(place) if place < end and target[place] == pair[1] else None


def _evidence_of(found: Explanation, graph: KnowledgeGraph) -> dict[EdgeType, IntArray]:
    """Columns of the edges that an explanation names first, by edge type; those without a node in common are absent."""
    columns: dict[EdgeType, set[int]] = {}
    similar = (*found.similar_drugs[:NUM_SIMILAR], *found.similar_diseases[:NUM_SIMILAR])
    treatments = (treatment for each in similar for treatment in _treatment(found, each, graph))
    for edge_type, pair in chain(_on_paths(found), treatments):
        column = _column(graph, edge_type, pair)
        if column is not None:
            columns.setdefault(edge_type, set()).add(column)
    return {edge_type: np.array(sorted(gone)) for edge_type, gone in columns.items()}


def _on_paths(found: Explanation) -> Iterator[tuple[EdgeType, tuple[int, int]]]:
    """Edges of the heaviest paths."""
    for path in found.paths[:NUM_PATHS]:
        for edge_type, ends in zip(path.edges, pairwise(path.nodes), strict=True):
            yield from _as_stored(edge_type, *ends)


def _treatment(found: Explanation, each: Similar, graph: KnowledgeGraph) -> Iterator[tuple[EdgeType, tuple[int, int]]]:
    """Indications of the disease by a similar drug, or of a similar disease by the drug."""
    is_drug = each.node.node_type == graph.therapeutic.drug
    pair = (each.node.local_index, found.disease) if is_drug else (found.drug, each.node.local_index)
    for edge_type in graph.edges:
        if graph.is_drug_disease(edge_type) and edge_type.relation in graph.therapeutic.indication:
            yield edge_type, pair if edge_type.source == graph.therapeutic.drug else pair[::-1]


def _as_stored(edge_type: EdgeType, one: Node, other: Node) -> Iterator[tuple[EdgeType, tuple[int, int]]]:
    """Both ways in which an edge may be stored."""
    if (one.node_type, other.node_type) == (edge_type.source, edge_type.target):
        yield edge_type, (one.local_index, other.local_index)
    if (other.node_type, one.node_type) == (edge_type.source, edge_type.target):
        yield edge_type, (other.local_index, one.local_index)
