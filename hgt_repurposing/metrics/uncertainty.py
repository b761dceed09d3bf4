"""Whether a difference is more than noise: bootstrap over diseases, and overlap of lists between seeds."""

from typing import NamedTuple

import numpy as np
from scipy.stats import bootstrap

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.metrics.top import share_in_top

BATCH = 100  # resamples at a time: memory is two arrays of BATCH x num_diseases


class BootstrapDifference(NamedTuple):
    """Mean of model - baseline, with its bootstrap interval over diseases."""

    mean: float
    lower: float
    """Lower end of the interval."""
    upper: float
    """Upper end of the interval."""
    num_diseases: int


class TopOverlap(NamedTuple):
    """Agreement of two scorers on the top of each disease's list, mean over diseases."""

    share: float
    """Drugs in both lists / length of the list."""
    jaccard: float
    """Drugs in both lists / drugs in either."""


def bootstrap_difference(
    model: FloatArray,
    baseline: FloatArray,
    disease: IntArray,
    *,
    generator: np.random.Generator,
    weight: FloatArray | None = None,
    num_resamples: int = 10_000,
    confidence: float = 0.95,
) -> BootstrapDifference:
    """Bootstrap the mean paired difference over diseases.

    A disease is drawn with all its values (a split by pairs measures it in several folds): they are not independent.

    Args:
        model: Metric of the model, such as the average precision of a disease. Shape [num_values].
        baseline: The same of the baseline, in the same order. Shape [num_values].
        disease: Disease of each value. Shape [num_values].
        generator: Draws the resamples.
        weight: Number of values that each represents; None: 1. Same shape.
        num_resamples: Number of resamples.
        confidence: Level of the percentile interval.

    Raises:
        ValueError: If the shapes differ, a value is not finite, or there are fewer than two diseases.

    Efron & Tibshirani 1993, ch. 13 (percentile interval).
    """
    if not model.shape == baseline.shape == disease.shape or model.ndim != 1:
        raise ValueError(
            "values of model and baseline and their diseases must share one 1-d shape "
            f"(got {model.shape}, {baseline.shape} and {disease.shape})"
        )
    difference = model - baseline
    if not np.isfinite(difference).all():
        place = int((~np.isfinite(difference)).argmax())
        raise ValueError(f"values must be finite (got {model[place]} and {baseline[place]} at index {place})")
    distinct, member = np.unique(disease, return_inverse=True)
    if len(distinct) < 2:
        raise ValueError(f"a bootstrap over diseases needs at least two diseases (got {len(distinct)})")
    each = np.ones(len(member)) if weight is None else weight
    sums, sizes = (np.bincount(member, weights=values) for values in (difference * each, each))
    result = bootstrap(
        (sums, sizes),
        _ratio,
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=num_resamples,
        batch=BATCH,
        confidence_level=confidence,
        rng=generator,
    )
    # Sorted: between equal means, interpolation may round the lower end above the upper one.
    lower, upper = sorted(result.confidence_interval)
    return BootstrapDifference(
        mean=float(np.average(difference, weights=each)),
        lower=float(lower),
        upper=float(upper),
        num_diseases=len(distinct),
    )


def top_overlap(first: FloatArray, second: FloatArray, candidate: BoolArray, *, top: int) -> TopOverlap:
    """Overlap of the top `top` drugs of each disease under two scorers, such as two seeds of one model.

    Ties at the cutoff count by the share of their orders that make the list, independently in both lists, so that tied
    scores do not agree by accident of their order.

    Args:
        first: Higher is better. Shape [num_drugs, num_columns].
        second: The same for the other scorer. Same shape.
        candidate: True where a pair may be listed. Same shape.
        top: Length of each list.

    Raises:
        ValueError: If the shapes differ, a candidate's score is not finite, or a disease has fewer candidates than
            `top`.
    """
    if not first.shape == second.shape == candidate.shape or first.ndim != 2:
        raise ValueError(
            "both scores and the candidates must share one 2-d shape "
            f"(got {first.shape}, {second.shape} and {candidate.shape})"
        )
    if not (np.isfinite(first[candidate]).all() and np.isfinite(second[candidate]).all()):
        raise ValueError("scores must be finite (got a candidate whose score is not)")
    fewest = int(candidate.sum(axis=0).min(initial=top))
    if fewest < top:
        raise ValueError(f"a list of {top} drugs needs as many candidates per disease (got {fewest})")
    both = [
        float(share_in_top(first[chosen, column], top) @ share_in_top(second[chosen, column], top))
        for column, chosen in enumerate(candidate.T)
    ]
    return TopOverlap(
        share=float(np.mean(both)) / top, jaccard=float(np.mean([shared / (2 * top - shared) for shared in both]))
    )


def _ratio(sums: FloatArray, sizes: FloatArray, axis: int) -> FloatArray:
    """Mean over all values of the resampled diseases."""
    return np.asarray(sums.sum(axis=axis) / sizes.sum(axis=axis))
