"""Platt scaling of the scores of several heads into one probability."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from hgt_repurposing.graph.schema import BoolArray, FloatArray

MIN_SLOPE = 1e-3
"""Weight of heads if none is better than chance: almost zero, but never negative."""


class PlattScaling(NamedTuple):
    """Log odds of one class at the prevalence of the grid, from the scores of all heads."""

    weights: tuple[float, ...]
    """One per head, non-negative."""
    intercept: float

    def apply(self, scores: FloatArray) -> FloatArray:
        """Shape [num_heads, ...] -> [...]."""
        return np.tensordot(self.weights, scores, axes=1) + self.intercept


def calibrate(scores: FloatArray, outcome: BoolArray, weight: FloatArray) -> PlattScaling:
    """Logistic regression of the outcome on all scores, each cell weighted by the cells it represents (Platt 1999).

    The head with the most negative weight is dropped until all weights are positive; if none is left, all get
    `MIN_SLOPE`.

    Args:
        scores: Higher is more likely. Shape [num_heads, num_cells].
        outcome: Both outcomes must occur. Shape [num_cells].
        weight: Number of cells that each cell represents. Shape [num_cells].
    """
    spread = np.maximum(scores.std(axis=1), 1e-9)
    used = np.arange(len(scores))
    while len(used):
        model = LogisticRegression(C=np.inf, max_iter=1000)
        model.fit((scores[used] / spread[used, None]).T, outcome, sample_weight=weight / weight.mean())
        slopes = model.coef_[0]
        if slopes.min() > 0:
            weights = np.zeros(len(scores))
            weights[used] = slopes / spread[used]
            return PlattScaling(tuple(weights.tolist()), float(model.intercept_[0]))
        used = np.delete(used, slopes.argmin())
    prevalence = float(weight[outcome].sum() / weight.sum())
    centre = MIN_SLOPE * float(scores.sum(axis=0).mean())
    return PlattScaling((MIN_SLOPE,) * len(scores), float(np.log(prevalence / (1 - prevalence))) - centre)
