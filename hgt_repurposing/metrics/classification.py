"""How well a score separates positives from negatives: all pairs pooled, 1:1 as in papers, and degree-matched.

Uniformly drawn negatives are mostly unstudied drugs and diseases, so degree alone reaches an AUROC of .98. The 1:1
metrics are reported under their full names, for comparison with papers; the deciding ones are in `ranking.py`.
"""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import auc, roc_curve

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.metrics.ranking import per_disease_ap, require_grid


class Pooled(NamedTuple):
    """Positives against all other candidates, diseases pooled."""

    auroc: float
    average_precision: float


class UniformOneToOne(NamedTuple):
    """Positives against equally many uniformly drawn other candidates."""

    auroc_uniform_1_to_1: float
    average_precision_uniform_1_to_1: float
    num_positives: int


class DegreeMatched(NamedTuple):
    """Positives against negatives whose drug and disease have similar degrees."""

    auroc_degree_matched: float
    num_matched: int
    """Positives with a matching negative."""
    num_unmatched: int
    """Positives without one, which are left out."""


def pooled(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> Pooled:
    """AUROC and average precision over all candidate cells, pooled.

    Args:
        scores: Higher is better. Shape [num_drugs, num_columns].
        positive: True where the drug treats the disease and the pair was held out. Same shape.
        candidate: True where a pair is evaluated; includes every positive. Same shape.

    Raises:
        ValueError: If the grid is invalid (see `positive_ranks`), or every candidate is positive.
    """
    require_grid(scores, positive, candidate)
    if np.array_equal(candidate, positive):
        raise ValueError("AUROC needs at least one negative candidate (got only positives)")
    truth, values = positive[candidate], scores[candidate]
    return Pooled(_auroc(truth, values), _average_precision(truth, values))


def uniform_one_to_one(
    scores: FloatArray, positive: BoolArray, candidate: BoolArray, *, generator: np.random.Generator
) -> UniformOneToOne:
    """The conventional 1:1 metrics: all positives, and equally many uniformly drawn other candidates.

    Args:
        scores: Higher is better. Shape [num_drugs, num_columns].
        positive: True where the drug treats the disease and the pair was held out. Same shape.
        candidate: True where a pair is evaluated; includes every positive. Same shape.
        generator: Draws the negatives, without replacement.

    Returns:
        NaN if there are fewer negatives than positives.

    Raises:
        ValueError: If the grid is invalid (see `positive_ranks`).
    """
    require_grid(scores, positive, candidate)
    found, others = scores[positive], scores[candidate & ~positive]
    if len(others) < len(found):
        return UniformOneToOne(float("nan"), float("nan"), num_positives=len(found))
    both = np.concatenate([found, generator.choice(others, len(found), replace=False)])
    truth = np.arange(len(both)) < len(found)
    return UniformOneToOne(_auroc(truth, both), _average_precision(truth, both), num_positives=len(found))


def degree_matched(
    scores: FloatArray, positive: BoolArray, candidate: BoolArray, *, drug_degree: IntArray, disease_degree: IntArray
) -> DegreeMatched:
    """AUROC against one negative per positive, matched by training degree of drug and disease.

    Degrees match within the ranges 0, 1, 2-3, 4-7, 8-15, ... Popularity alone scores about .5. The result is the exact
    mean over all draws of negatives (AUROC is linear in them): each negative is weighted by the number of positives in
    its ranges, divided by the number of negatives there. Nothing is drawn, so runs do not differ.

    Args:
        scores: Higher is better. Shape [num_drugs, num_columns].
        positive: True where the drug treats the disease and the pair was held out. Same shape.
        candidate: True where a pair is evaluated; includes every positive. Same shape.
        drug_degree: Known treatments of each drug in training. Shape [num_drugs].
        disease_degree: Known treatments of each disease in training. Shape [num_columns].

    Returns:
        NaN if no positive has a matching negative.

    Raises:
        ValueError: If the grid is invalid (see `positive_ranks`), or degrees are negative or do not match its shape.
    """
    require_grid(scores, positive, candidate)
    if (*drug_degree.shape, *disease_degree.shape) != scores.shape:
        raise ValueError(
            f"degrees must have one entry per drug and one per column, {scores.shape} "
            f"(got {drug_degree.shape} and {disease_degree.shape})"
        )
    drug_range, disease_range = _degree_range(drug_degree), _degree_range(disease_degree)
    stratum = drug_range[:, None] * (disease_range.max() + 1) + disease_range
    num_strata = int(stratum.max()) + 1
    negative = candidate & ~positive
    num_positives = np.bincount(stratum[positive], minlength=num_strata)
    num_negatives = np.bincount(stratum[negative], minlength=num_strata)
    matched = positive & (num_negatives > 0)[stratum]
    if not matched.any():
        return DegreeMatched(float("nan"), 0, int(positive.sum()))
    weights = num_positives[stratum[negative]] / num_negatives[stratum[negative]]
    num_matched = int(matched.sum())
    auroc = _auroc(
        np.arange(num_matched + len(weights)) < num_matched,
        np.concatenate([scores[matched], scores[negative]]),
        weight=np.concatenate([np.ones(num_matched), weights]),
    )
    return DegreeMatched(auroc, num_matched, int(positive.sum()) - num_matched)


def _auroc(truth: BoolArray, scores: FloatArray, weight: FloatArray | None = None) -> float:
    # As `roc_auc_score`, whose checks take longer than a small grid's curve.
    false_positives, true_positives, _ = roc_curve(truth, scores, sample_weight=weight)
    return float(auc(false_positives, true_positives))


def _average_precision(truth: BoolArray, scores: FloatArray) -> float:
    """Of all pairs as one list. Shapes [num_pairs]."""
    one_list = (scores[:, None], truth[:, None], np.ones_like(truth)[:, None])
    return float(per_disease_ap(*one_list).precision[0])


def _degree_range(degree: IntArray) -> IntArray:
    """Bit length: 0, 1, 2-3, 4-7, 8-15 become 0, 1, 2, 3, 4. Same shape as the degrees."""
    if degree.min(initial=0) < 0:
        raise ValueError(f"degrees must not be negative (got {degree.min()})")
    return np.frexp(degree)[1].astype(np.int64)
