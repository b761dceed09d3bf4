"""Why a drug is proposed for a disease: what the score is made of, and which evidence the graph has.

Nothing here changes a score: the parts of the score are exact (`decomposition.py`), the evidence is what the features
were computed from. `ablation.py` takes evidence out of the graph and scores the pair anew.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray, TherapeuticRelations
from hgt_repurposing.graph.walks import damped, direct_walks, incidence
from hgt_repurposing.repurposing.decomposition import Decomposer, Decomposition
from hgt_repurposing.repurposing.evidence_paths import Node, Path, PathFinder, row_of
from hgt_repurposing.repurposing.gene_ranking import GeneRanker, RankedGene
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, Side
from hgt_repurposing.repurposing.scorer import Scorer

PATHS_FOLLOWED = 500
"""Paths of a pair over which the nodes on the way are counted."""
NUM_SHOWN = 10
SHARED_SHOWN = 5
"""Nodes named of those that two similar drugs or diseases have in common."""


class Through(NamedTuple):
    """A node through which paths run."""

    node: Node
    share: float
    """Of all paths of the pair, those that run through it."""


class Shared(NamedTuple):
    """Something that two drugs or two diseases both have."""

    node: Node
    edge_type: EdgeType


class Similar(NamedTuple):
    """A similar drug that treats the disease, or a similar disease that the drug treats."""

    node: Node
    similarity: float
    """Mean over relations, each divided by its maximum."""
    shared: tuple[Shared, ...]
    """What both have in common, the rarest first."""
    treats: tuple[Node, ...] = ()
    """Diseases that a similar drug is known to treat, drugs of a similar disease."""


class Explanation(NamedTuple):
    """Why the score of a pair is what it is."""

    drug: int
    disease: int
    decomposition: Decomposition
    paths: tuple[Path, ...]
    """The heaviest first."""
    through: tuple[Through, ...]
    """Nodes on these and lighter paths, the heaviest first."""
    genes: tuple[RankedGene, ...]
    """Genes of the drug through which it may help, the likeliest first."""
    similar_diseases: tuple[Similar, ...]
    """Diseases that the drug treats, by similarity to this one."""
    similar_drugs: tuple[Similar, ...]
    """Drugs that treat the disease, by similarity to this one."""
    nearest_drugs: tuple[Similar, ...]
    """The most similar drugs of all, with what they treat."""


@dataclass(frozen=True, eq=False)
class Explainer:
    """Explains pairs of one graph and model."""

    graph: KnowledgeGraph
    scorer: Scorer

    @cached_property
    def neighbourhoods(self) -> Neighbourhoods:
        """Of the graph, as the scorer reads them."""
        return self.scorer.neighbourhoods

    @cached_property
    def treatments(self) -> csr_array:
        """1 for known treatments. Shape [num_drugs, num_diseases]."""
        return self.scorer.visible

    def explain(self, drug: int, disease: int, *, top: int = NUM_SHOWN) -> Explanation:
        """Explain the score of a pair.

        Args:
            drug: Local index.
            disease: Local index.
            top: Paths, nodes on the way, genes, and similar drugs and diseases.

        Raises:
            ValueError: If the pair's setting has no classifier.
        """
        paths = self._finder.paths(drug, disease, top=PATHS_FOLLOWED)
        both = self.neighbourhoods
        uses, treating = (
            row_of(self._treats[node.node_type][0], node.local_index)[0]
            for node in (Node(self._names.drug, drug), Node(self._names.disease, disease))
        )
        return Explanation(
            drug,
            disease,
            self._decomposer.decompose(drug, disease),
            tuple(paths[:top]),
            _through(paths)[:top],
            self._gene_ranker.rank(drug, disease)[:top],
            self._similar(both.diseases, self._names.disease, disease, among=uses, top=top),
            self._similar(both.drugs, self._names.drug, drug, among=treating, top=top),
            self._similar(both.drugs, self._names.drug, drug, among=None, top=top),
        )

    def _similar(
        self, side: Side, node_type: str, node: int, *, among: IntArray | None, top: int
    ) -> tuple[Similar, ...]:
        """The most similar of some anchors; None: of all."""
        columns, values = row_of(side.average, node)
        anchors = side.anchors[columns]
        if among is not None:
            kept = np.isin(anchors, among)
            anchors, values = anchors[kept], values[kept]
        best = np.lexsort((anchors, -values))[:top]
        known, other_type = self._treats[node_type]
        shared = self._shared(node_type, node, anchors[best])
        return tuple(
            Similar(
                Node(node_type, anchor),
                float(values[place]),
                shared[anchor],
                tuple(Node(other_type, index) for index in row_of(known, anchor)[0].tolist()),
            )
            for place, anchor in zip(best, anchors[best].tolist(), strict=True)
        )

    def _shared(self, node_type: str, one: int, others: IntArray) -> dict[int, tuple[Shared, ...]]:
        """What a node has in common with each of some others."""
        found: dict[int, list[tuple[float, Shared]]] = {other: [] for other in others.tolist()}
        for edge_type, end, matrix in self._profiles[node_type]:
            mine = np.zeros(matrix.shape[1], dtype=matrix.dtype)
            ends, weights = row_of(matrix, one)
            mine[ends] = weights
            for other in found:
                ends, weights = row_of(matrix, other)
                both = mine[ends] * weights
                found[other] += [
                    (-float(both[place]), Shared(Node(end, int(ends[place])), edge_type))
                    for place in np.flatnonzero(both)
                ]
        return {other: tuple(each for _, each in sorted(of_other)[:SHARED_SHOWN]) for other, of_other in found.items()}

    @cached_property
    def _profiles(self) -> dict[str, list[tuple[EdgeType, str, csr_array]]]:
        """Relations of drugs and of diseases to other types, damped."""
        return {
            node_type: [
                (walk.steps[0], walk.end, damped(incidence(self.graph, walk.steps[0], start=node_type)))
                for walk in direct_walks(self.graph, node_type)
            ]
            for node_type in (self._names.drug, self._names.disease)
        }

    @cached_property
    def _treats(self) -> dict[str, tuple[csr_array, str]]:
        """What drugs treat and what diseases are treated by, with the type of the other end."""
        drug, disease = self._names.drug, self._names.disease
        return {drug: (self.treatments, disease), disease: (csr_array(self.treatments.T), drug)}

    @cached_property
    def _decomposer(self) -> Decomposer:
        return Decomposer(self.scorer)

    @cached_property
    def _finder(self) -> PathFinder:
        return PathFinder(self.graph, self.neighbourhoods.paths)

    @cached_property
    def _gene_ranker(self) -> GeneRanker:
        return GeneRanker.of(self.graph)

    @property
    def _names(self) -> TherapeuticRelations:
        return self.graph.therapeutic


def _through(paths: list[Path]) -> tuple[Through, ...]:
    shares: dict[Node, float] = {}
    for path in paths:
        for node in path.nodes[1:-1]:
            shares[node] = shares.get(node, 0.0) + path.share
    return tuple(Through(node, share) for node, share in sorted(shares.items(), key=lambda item: (-item[1], item[0])))
