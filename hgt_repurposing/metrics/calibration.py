"""Calibration: whether predicted probabilities match observed shares of positives."""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray


class CalibrationCurve(NamedTuple):
    """Reliability diagram with equal-mass bins, in ascending order of probability."""

    edges: FloatArray
    """Lowest probability of each bin, then the highest overall. Shape [num_bins + 1]."""
    predicted: FloatArray
    """Mean probability. Shape [num_bins]."""
    observed: FloatArray
    """Share of positives. Shape [num_bins]."""
    num_pairs: IntArray
    """Pairs per bin. Shape [num_bins]."""


def calibration_curve(probability: FloatArray, outcome: BoolArray, *, num_bins: int = 10) -> CalibrationCurve:
    """Mean predicted probability and share of positives in bins of about equally many pairs.

    Equal-width bins would put nearly all pairs of a grid, where one in hundreds is positive, into the first. Pairs of
    equal probability share a bin, so there may be fewer bins than requested.

    Args:
        probability: Predicted, in [0, 1]. Shape [num_pairs].
        outcome: True for positive pairs. Shape [num_pairs].
        num_bins: Number of bins if there are no ties.

    Raises:
        ValueError: If the shapes differ, a probability is outside [0, 1], there are fewer pairs than bins, or fewer
            than one bin.

    Nguyen & O'Connor 2015 (adaptive binning).
    """
    _require_probabilities(probability, outcome)
    if not 1 <= num_bins <= len(probability):
        raise ValueError(f"num_bins must be between 1 and the number of pairs, {len(probability)} (got {num_bins})")
    order = np.argsort(probability, kind="stable")
    ordered, truth = probability[order], outcome[order].astype(np.float64)
    cuts = np.arange(num_bins) * len(ordered) // num_bins
    starts = np.unique(np.searchsorted(ordered, ordered[cuts], side="left"))
    count = np.diff(starts, append=len(ordered))
    return CalibrationCurve(
        edges=np.append(ordered[starts], ordered[-1]),
        predicted=np.add.reduceat(ordered, starts) / count,
        observed=np.add.reduceat(truth, starts) / count,
        num_pairs=count,
    )


def expected_calibration_error(curve: CalibrationCurve) -> float:
    """Mean absolute difference between predicted and observed share, weighted by the pairs per bin.

    Naeini et al. 2015 (eq. 3), here with equal-mass bins.
    """
    return float(np.average(np.abs(curve.observed - curve.predicted), weights=curve.num_pairs))


def _require_probabilities(probability: FloatArray, outcome: BoolArray) -> None:
    if probability.ndim != 1 or outcome.shape != probability.shape:
        raise ValueError(
            f"probabilities and outcomes must share one 1-d shape (got {probability.shape} and {outcome.shape})"
        )
    wrong = ~((probability >= 0) & (probability <= 1))
    if wrong.any():
        place = int(wrong.argmax())
        raise ValueError(f"probabilities must be in [0, 1] (got {probability[place]} at index {place})")
