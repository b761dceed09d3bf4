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
from hgt_repurposing.repurposing.decomposition import Decomposition, decompose
from hgt_repurposing.repurposing.evidence_paths import Node, Path, PathFinder
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
        return next(iter(self.scorer.features.values())).neighbourhoods

    @cached_property
    def treatments(self) -> csr_array:
        """1 for known treatments. Shape [num_drugs, num_diseases]."""
        return next(iter(self.scorer.features.values())).visible

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
            csr_array(row).indices.astype(np.int64) for row in (self.treatments[[drug]], self.treatments.T[[disease]])
        )
        return Explanation(
            drug,
            disease,
            decompose(self.scorer, drug, disease),
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
        row = csr_array(side.average[[node]])
        anchors, values = side.anchors[row.indices], row.data
        if among is not None:
            kept = np.isin(anchors, among)
            anchors, values = anchors[kept], values[kept]
        best = np.lexsort((anchors, -values))[:top]
        known = self.treatments if node_type == self._names.drug else csr_array(self.treatments.T)
        other_type = self._names.disease if node_type == self._names.drug else self._names.drug
        return tuple(
            Similar(
                Node(node_type, int(anchors[i])),
                float(values[i]),
                self._shared(node_type, node, int(anchors[i])),
                tuple(Node(other_type, int(index)) for index in csr_array(known[[anchors[i]]]).indices),
            )
            for i in best
        )

    def _shared(self, node_type: str, one: int, other: int) -> tuple[Shared, ...]:
        found = []
        for edge_type, end, matrix in self._profiles[node_type]:
            both = csr_array(matrix[[one]].multiply(matrix[[other]]))
            found += [
                (-float(value), Shared(Node(end, int(index)), edge_type))
                for index, value in zip(both.indices, both.data, strict=True)
            ]
        return tuple(shared for _, shared in sorted(found)[:SHARED_SHOWN])

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
