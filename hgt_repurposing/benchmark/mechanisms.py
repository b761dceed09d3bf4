"""Is the gene that an explanation ranks first the one through which the drug works?

For pairs with a known mechanism the genes of the drug are ranked, by the explanation and by simple rules. Of several
known genes of a pair the best-ranked counts; ties count as their mean over all orders. Left out, and counted: genes
that the drug does not reach, and pairs whose drug reaches one gene only. Every pair is ranked on a graph without any
edge between its drug and its disease (`without_pairs`), fold by fold.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import comb

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.walks import gene_incidence
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference

NUM_FOLDS = 10
HITS = (1, 3)
METRICS = ("mean reciprocal rank", *(f"hits@{k}" for k in HITS))

ScoreGenes = Callable[[int, int, IntArray], FloatArray]
"""Scores of the genes of a drug for a disease, higher is better: (drug, disease, genes) -> shape [num_genes]."""
Rankers = Mapping[str, ScoreGenes]
"""By name."""


class Case(NamedTuple):
    """A pair with a known mechanism."""

    drug: int
    disease: int
    genes: IntArray
    """All genes of the drug, as columns of `gene_incidence`. Shape [num_genes]."""
    is_cause: BoolArray
    """Same shape."""


class Cases(NamedTuple):
    """Pairs whose genes can be ranked, and how many cannot."""

    cases: tuple[Case, ...]
    num_not_reached: int
    """Pairs whose drug reaches none of the known genes."""
    num_single: int
    """Other pairs whose drug reaches one gene only: nothing to rank."""


@dataclass(frozen=True, eq=False)
class RankedCases:
    """What each ranker reaches for each pair."""

    pairs: IntArray
    """Drug and disease. Shape [2, num_pairs]."""
    values: Mapping[str, FloatArray]
    """By ranker: reciprocal rank and hits, METRICS. Shape [num_pairs, num_metrics] each."""

    def mean(self, name: str, generator: np.random.Generator) -> list[BootstrapDifference]:
        """Mean of each metric, with its bootstrap interval over pairs."""
        found = self.values[name]
        return self._against(found, np.zeros_like(found), generator)

    def lead(self, name: str, other: str, generator: np.random.Generator) -> list[BootstrapDifference]:
        """Mean paired difference of two rankers in each metric, with its bootstrap interval over pairs."""
        return self._against(self.values[name], self.values[other], generator)

    def best(self, names: Sequence[str]) -> str:
        """The one of these with the highest mean reciprocal rank."""
        return max(names, key=lambda name: float(self.values[name][:, 0].mean()))

    def _against(
        self, mine: FloatArray, others: FloatArray, generator: np.random.Generator
    ) -> list[BootstrapDifference]:
        every = np.arange(len(mine))
        return [
            bootstrap_difference(mine[:, column], others[:, column], every, generator=generator)
            for column in range(len(METRICS))
        ]


def cases_of(graph: KnowledgeGraph, triples: IntArray) -> Cases:
    """Pairs to rank genes for.

    Args:
        graph: Has the genes of the drugs.
        triples: Drug, disease and gene. Shape [3, num_mechanisms].
    """
    reached = gene_incidence(graph, graph.therapeutic.drug)
    cases, num_not_reached, num_single = [], 0, 0
    for drug, disease in np.unique(triples[:2], axis=1).T.tolist():
        genes = np.sort(reached.indices[reached.indptr[drug] : reached.indptr[drug + 1]]).astype(np.int64)
        is_cause = np.isin(genes, triples[2, (triples[0] == drug) & (triples[1] == disease)])
        if not is_cause.any():
            num_not_reached += 1
        elif len(genes) == 1:
            num_single += 1
        else:
            cases.append(Case(drug, disease, genes, is_cause))
    return Cases(tuple(cases), num_not_reached, num_single)


def rank_cases(
    graph: KnowledgeGraph,
    cases: Sequence[Case],
    rankers_on: Callable[[KnowledgeGraph], Rankers],
    *,
    generator: np.random.Generator,
    num_folds: int = NUM_FOLDS,
) -> RankedCases:
    """Rank the genes of held-out pairs.

    Args:
        graph: With all treatments.
        cases: Pairs to rank genes for.
        rankers_on: Makes the rankers of a graph, which lacks the pairs that they will rank.
        generator: Draws the folds.
        num_folds: Pairs are held out in so many parts, at most as many as there are pairs.
    """
    fold = generator.permutation(len(cases)) % min(num_folds, len(cases))
    values: dict[str, FloatArray] = {}
    pairs = np.array([(case.drug, case.disease) for case in cases], dtype=np.int64).T
    for held_out in (np.flatnonzero(fold == number) for number in np.unique(fold)):
        rankers = rankers_on(without_pairs(graph, pairs[:, held_out]))
        for place in held_out.tolist():
            case = cases[place]
            for name, scores in rankers.items():
                found = values.setdefault(name, np.empty((len(cases), len(METRICS))))
                found[place] = of_first_cause(scores(case.drug, case.disease, case.genes), case.is_cause)
    return RankedCases(pairs, values)


def without_pairs(graph: KnowledgeGraph, pairs: IntArray) -> KnowledgeGraph:
    """The graph without any edge between these drugs and diseases, by whatever relation.

    Args:
        graph: Not changed.
        pairs: Drug and disease. Shape [2, num_pairs].
    """
    gone = np.ravel_multi_index(tuple(pairs), graph.grid_shape)
    edges = dict(graph.edges)
    for edge_type, index in graph.edges.items():
        if graph.is_drug_disease(edge_type):
            ends = index if edge_type.source == graph.therapeutic.drug else index[::-1]
            edges[edge_type] = index[:, ~np.isin(np.ravel_multi_index(tuple(ends), graph.grid_shape), gone)]
    return replace(graph, edges=edges)


def of_first_cause(scores: FloatArray, is_cause: BoolArray) -> FloatArray:
    """Reciprocal rank of the best-ranked cause, and whether it is among the first k: mean over all orders of ties.

    Args:
        scores: Higher is better. Shape [num_genes].
        is_cause: At least one is. Same shape.

    Raises:
        ValueError: If a score is not finite or there is no cause.
    """
    if not np.isfinite(scores).all() or not is_cause.any():
        raise ValueError("scores must be finite and one gene must be a cause")
    best = scores[is_cause].max()
    before, tied = int((scores > best).sum()), int((scores == best).sum())
    num_causes = int((is_cause & (scores == best)).sum())
    place = np.arange(1, tied - num_causes + 2)
    # The first of m causes is in place j of n if the other m - 1 are among the n - j behind it.
    chance = comb(tied - place, num_causes - 1) / comb(tied, num_causes)
    rank = before + place
    return np.array([(chance / rank).sum(), *(chance[rank <= k].sum() for k in HITS)])
