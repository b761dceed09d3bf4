"""Popularity bias of a ranking: its correlation with degree, and the most frequently listed drugs and diseases."""

from typing import NamedTuple

import numpy as np
from scipy.stats import entropy, spearmanr

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.metrics.ranking import require_informative
from hgt_repurposing.metrics.top import share_in_top


class Frequency(NamedTuple):
    """The most frequently listed drugs or diseases, most frequent first."""

    who: IntArray
    """Row index of each drug or column index of each disease. Shape [num_listed]."""
    num_lists: FloatArray
    """Number of lists that contain it; ties at the cutoff count fractionally. Shape [num_listed]."""


class PopularityReport(NamedTuple):
    """How closely a score follows degree, and how diverse its lists are."""

    spearman_drugs: float
    """Spearman correlation of a drug's mean score with its degree; NaN if either is the same for all drugs."""
    drugs: Frequency
    """Drugs by the number of diseases whose lists contain them."""
    diseases: Frequency
    """Diseases by the number of drugs whose lists contain them."""
    entropy_normalised: float
    """Entropy of the drugs over all entries of the diseases' lists / log2(number of candidate drugs): 1 if all are
    equally frequent, 0 if one drug is every entry. Few entries cannot reach 1."""


def popularity_report(
    scores: FloatArray,
    candidate: BoolArray,
    *,
    drug_degree: IntArray,
    disease_degree: IntArray,
    top: int = 10,
    num_listed: int = 10,
) -> PopularityReport:
    """Popularity diagnostics of one scorer.

    Args:
        scores: Higher is better. Shape [num_drugs, num_columns].
        candidate: True where a pair may be listed. Same shape.
        drug_degree: Known treatments of each drug. Shape [num_drugs].
        disease_degree: Known treatments of each disease. Shape [num_columns].
        top: Length of each list: drugs per disease, and diseases per drug.
        num_listed: Number of most frequent drugs, and diseases, to report.

    Raises:
        ValueError: If the shapes do not match, a candidate's score is not finite, or all candidates score the same.
    """
    require_informative(scores, candidate, scorer="popularity report")
    if (*drug_degree.shape, *disease_degree.shape) != scores.shape:
        raise ValueError(
            f"degrees must have one entry per drug and one per column, {scores.shape} "
            f"(got {drug_degree.shape} and {disease_degree.shape})"
        )
    listed = candidate.any(axis=1)
    mean_score = np.sum(scores[listed], axis=1, where=candidate[listed]) / candidate[listed].sum(axis=1)
    in_lists = _num_lists(scores, candidate, top)
    most = float(np.log2(listed.sum()))
    return PopularityReport(
        spearman_drugs=_spearman(mean_score, drug_degree[listed]),
        drugs=_most_frequent(in_lists, num_listed),
        diseases=_most_frequent(_num_lists(scores.T, candidate.T, top), num_listed),
        entropy_normalised=float(entropy(in_lists, base=2)) / most if most > 0 else 0.0,
    )


def _num_lists(scores: FloatArray, candidate: BoolArray, top: int) -> FloatArray:
    """Number of columns that have each row among their top `top`. Shape [num_rows]."""
    total = np.zeros(len(scores))
    for column, chosen in enumerate(candidate.T):
        total[chosen] += share_in_top(scores[chosen, column], top)
    return total


def _most_frequent(num_lists: FloatArray, num_listed: int) -> Frequency:
    order = np.argsort(-num_lists, kind="stable")[:num_listed]
    return Frequency(order, num_lists[order])


def _spearman(first: FloatArray, second: IntArray) -> float:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(spearmanr(first, second).statistic)
