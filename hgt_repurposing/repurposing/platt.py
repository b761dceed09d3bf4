"""Scores of several heads turned into one probability: Platt scaling with as many scores as there are heads."""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from hgt_repurposing.graph.schema import BoolArray, FloatArray

MIN_SLOPE = 1e-3
"""Weight of heads that are no better than chance: nearly silenced, never turned round."""


class PlattScaling(NamedTuple):
    """Log odds of one class at the prevalence of the grid, from the scores of all heads."""

    weights: tuple[float, ...]
    """One for each head, not negative."""
    intercept: float

    def apply(self, scores: FloatArray) -> FloatArray:
        """Shape [num_heads, ...] -> [...]."""
        return np.tensordot(self.weights, scores, axes=1) + self.intercept


def calibrate(scores: FloatArray, outcome: BoolArray, weight: FloatArray) -> PlattScaling:
    """Logistic regression of the outcome on all scores, every cell counting for those it stands for (Platt 1999).

    The head with the most negative weight is left out until none is negative; if nothing is left, all are nearly
    silenced.

    Args:
        scores: Higher is likelier. Shape [num_heads, num_cells].
        outcome: Both outcomes must occur. Shape [num_cells].
        weight: Cells that a cell stands for. Shape [num_cells].
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
