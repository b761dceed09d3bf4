"""The genes of a drug, ranked by how likely each is the one through which it may help with a disease.

The score of a gene is a weighted sum of what the graph says about it (`gene_evidence.py`), and softmax over the genes
of the drug makes shares of the scores: a conditional logit (McFadden 1974). The weights are fixed. They were chosen on
generated graphs with known causes and on a part of Hetionet's treatments (`scripts/gene_weights.py`), neither of which
any published figure is measured on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np
from scipy.special import softmax

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, FloatArray
from hgt_repurposing.graph.walks import gene_offsets
from hgt_repurposing.repurposing.evidence_paths import Node
from hgt_repurposing.repurposing.gene_evidence import QUESTIONS, Answers, GeneEvidence

WEIGHTS: Mapping[str, float] = {
    "carried": 0.5,
    "interacting": 0.75,
    "pathway": 0.0,
    "treating": 1.0,
    "similar": 0.0,
    "uses": 2.0,
    "effect": 0.5,
    "specific": 0.5,
    "relation": 2.5,
}
"""Weight of each question; those without one add nothing to the others on the development data."""
REASONS_SHOWN = 3
MIN_PART = 0.25
"""Weighted answers below which a reason is not worth saying."""


class RankedGene(NamedTuple):
    """A gene through which a drug may help."""

    node: Node
    share: float
    """How likely it is the one, if one of the drug's genes is: the shares of a pair sum to 1."""
    relations: tuple[EdgeType, ...]
    """By which the drug reaches it."""
    parts: Mapping[str, float]
    """Weighted answer to each question."""
    reasons: tuple[str, ...]
    """What speaks for it, in words, the strongest first."""


@dataclass(frozen=True, eq=False)
class GeneRanker:
    """Ranks the genes of drugs."""

    graph: KnowledgeGraph
    evidence: GeneEvidence

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> Self:
        """From a graph."""
        return cls(graph, GeneEvidence.of(graph))

    def rank(self, drug: int, disease: int) -> tuple[RankedGene, ...]:
        """All genes of a drug, the likeliest first; none if it has none.

        Args:
            drug: Local index.
            disease: Local index.
        """
        answers = self.evidence.answers(drug, disease)
        scores = weighted(answers.values)
        shares = softmax(scores) if len(scores) else scores
        return tuple(
            RankedGene(
                self._node(int(answers.genes[place])),
                float(shares[place]),
                self.evidence.relations_of(drug, int(answers.genes[place])),
                self._parts(answers, place),
                tuple(self._reasons(answers, place))[:REASONS_SHOWN],
            )
            for place in np.argsort(-scores, kind="stable").tolist()
        )

    def _parts(self, answers: Answers, place: int) -> dict[str, float]:
        values = answers.values[place].tolist()
        return {name: WEIGHTS[name] * value for name, value in zip(QUESTIONS, values, strict=True)}

    def _reasons(self, answers: Answers, place: int) -> Iterator[str]:
        parts = self._parts(answers, place)
        for name in sorted(parts, key=lambda name: -parts[name]):
            if parts[name] >= MIN_PART and name in _SAID:
                observed, number = answers.counts[name][place].tolist() if name in answers.counts else (0, 0)
                yield _SAID[name].format(observed=observed, number=number)

    def _node(self, column: int) -> Node:
        for node_type, start in self._offsets.items():
            if column < start + self.graph.num_nodes[node_type]:
                return Node(node_type, column - start)
        raise AssertionError("a gene has a column")

    @cached_property
    def _offsets(self) -> dict[str, int]:
        return gene_offsets(self.graph)


def weighted(values: FloatArray) -> FloatArray:
    """Score of each gene.

    Args:
        values: Answers. Shape [num_genes, num_questions].
    """
    return np.asarray(values @ np.array([WEIGHTS[name] for name in QUESTIONS]))


_SAID: Mapping[str, str] = {
    "carried": "the disease carries it, like {observed} of {number} diseases",
    "interacting": "genes joined to it are genes of the disease",
    "pathway": "it shares pathways with genes of the disease",
    "treating": "reached by {observed} of {number} other drugs that treat the disease",
    "similar": "drugs that treat similar diseases reach it",
    "uses": "{observed} of {number} other diseases that the drug treats carry it",
    "effect": "other drugs that reach it treat diseases that carry it",
    "specific": "reached by only {observed} of {number} drugs",
}
