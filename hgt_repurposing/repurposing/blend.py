"""Blending of several scores of a cell into the log odds of one class."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit, logsumexp

from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.graph.settings import Setting

PRIOR_WEIGHT = 0.1
"""Weight of every score, per standard deviation, before anything is known: all agree a little."""
PENALTY = 1.0
"""Strength of that prior, in units of one positive."""
MIN_EXPECTED = 0.5
"""Positives assumed where none was seen: rarer than one, not impossible."""
CONSTANT = 1e-7
"""A score whose standard deviation is below this share of its mean is the same for every cell, but for rounding."""
MAX_INTERCEPT = 50.0
"""Bound where every cell is a positive."""


class Blend(NamedTuple):
    """Log odds of one class from the scores of a cell."""

    weights: tuple[float, ...]
    """One per score, never negative. A score with weight 0 is not used."""
    intercept: float
    shares: tuple[float, ...] = ()
    """How much of the log odds each score decides where it was fitted: its weight times its standard deviation, over
    their sum; all 0 if no score is used. Weights alone do not compare, as scores have scales of their own."""

    def apply(self, scores: FloatArray) -> FloatArray:
        """Shape [num_cells, num_scores] -> [num_cells]."""
        return np.asarray(scores @ np.array(self.weights) + self.intercept)


class ScorePart(NamedTuple):
    """One of the scores that a setting's log odds are blended from."""

    setting: Setting
    score: str
    """Name of a head or of a baseline."""
    is_learned: bool
    """Whether it is learned from features of the graph; else it is a baseline, or a regression over the baselines."""
    share: float
    """Of its influence on the log odds, as in `Blend.shares`."""


def mean_log_odds(members: Sequence[FloatArray]) -> FloatArray:
    """Log odds of the mean probability of several members.

    A blend is calibrated on the scores of single members. The mean of their log odds would be less extreme than those,
    and the probabilities too low; the mean of their probabilities keeps the number of expected positives.

    Args:
        members: Log odds of the same cells. Shape [num_cells] each.
    """
    log_odds = np.stack(members)
    return np.asarray(logsumexp(log_expit(log_odds), axis=0) - logsumexp(log_expit(-log_odds), axis=0))


def sum_to(number: float, log_odds: FloatArray, weight: FloatArray) -> float:
    """What to add to log odds so that the probabilities sum to a number.

    Args:
        number: Between 0 and the sum of the weights, both excluded.
        log_odds: Shape [num_cells].
        weight: Number of cells that each represents. Shape [num_cells].

    Saerens, Latinne & Decaestecker 2002: a change of prevalence is a shift of the log odds.
    """

    def excess(shift: float) -> float:
        return float(weight @ expit(log_odds + shift)) - number

    return float(brentq(excess, -MAX_INTERCEPT, MAX_INTERCEPT))


def fit_blend(scores: FloatArray, outcome: BoolArray, weight: FloatArray) -> Blend:
    """Logistic regression of the outcome on all scores with non-negative weights, as in stacking (Breiman 1996).

    The sum of probabilities over the cells is the weighted number of positives (Platt 1999): the log odds are
    calibrated on these cells. Scores of members that have not seen a cell belong here, or the weights go to those that
    fit best rather than to those that predict best.

    Args:
        scores: Higher is more likely. Shape [num_cells, num_scores].
        outcome: True for positives; may be false everywhere. Shape [num_cells].
        weight: Number of cells that each cell represents. Shape [num_cells].

    Raises:
        ValueError: If there is no cell.
    """
    if not len(scores):
        raise ValueError("a blend needs at least one cell (got none)")
    centre, spread = scores.mean(axis=0), scores.std(axis=0)
    used = spread > CONSTANT * np.maximum(np.abs(centre), 1)
    standardised = (scores[:, used] - centre[used]) / spread[used]
    if outcome.any():
        found, intercept = _solve(standardised, outcome, weight)
    else:
        found, intercept = np.full(used.sum(), PRIOR_WEIGHT), float(np.log(MIN_EXPECTED / weight.sum()))
    weights, shares = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    weights[used], shares[used] = found / spread[used], found / max(found.sum(), np.finfo(np.float64).tiny)
    return Blend(tuple(weights.tolist()), intercept - float(weights @ centre), tuple(shares.tolist()))


def _solve(scores: FloatArray, outcome: BoolArray, weight: FloatArray) -> tuple[FloatArray, float]:
    """Weights of standardised scores, and the intercept."""

    def loss(found: FloatArray) -> tuple[float, FloatArray]:
        log_odds = scores @ found[:-1] + found[-1]
        likelihood = weight @ np.where(outcome, log_expit(log_odds), log_expit(-log_odds))
        from_prior = found[:-1] - PRIOR_WEIGHT
        error = weight * (expit(log_odds) - outcome)
        gradient = np.append(scores.T @ error + PENALTY * from_prior, error.sum())
        return float(PENALTY / 2 * from_prior @ from_prior - likelihood), gradient

    share = float(weight @ outcome / weight.sum())
    start = np.append(np.full(scores.shape[1], PRIOR_WEIGHT), np.log(share / max(1 - share, 1e-9)))
    bounds = [(0.0, None)] * scores.shape[1] + [(-MAX_INTERCEPT, MAX_INTERCEPT)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000}).x
    return found[:-1], float(found[-1])
