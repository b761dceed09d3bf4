"""Calibration: whether as many positives are found as the probabilities expect."""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2

from hgt_repurposing.graph.schema import FloatArray

_CONFIDENCE = 0.95


class ObservedOverExpected(NamedTuple):
    """How many positives were found, against how many the probabilities expected."""

    observed: float
    expected: float
    lower: float
    """Lower end of the exact 95 % Poisson interval of the ratio."""
    upper: float
    """Upper end."""

    @property
    def ratio(self) -> float:
        """Observed / expected; above 1 if probabilities are too low."""
        return self.observed / self.expected


def observed_over_expected(observed: float, expected: float, *, stands_for: float = 1.0) -> ObservedOverExpected:
    """Observed over expected positives, with an interval of the number of cells that were seen.

    Args:
        observed: Number of positives, those that were not seen included.
        expected: Sum of the probabilities of the same cells.
        stands_for: Number of cells that each positive that was seen represents.

    Raises:
        ValueError: If nothing is expected.

    Garwood 1936 (exact interval of a Poisson mean).
    """
    if not expected > 0:
        raise ValueError(f"the expected number of positives must be above 0 (got {expected})")
    seen, rest = observed / stands_for, (1 - _CONFIDENCE) / 2
    lower = chi2.ppf(rest, 2 * seen) / 2 if seen else 0.0
    upper = chi2.ppf(1 - rest, 2 * seen + 2) / 2
    scale = stands_for / expected
    return ObservedOverExpected(observed, expected, float(lower * scale), float(upper * scale))


def expected_calibration_error(expected: FloatArray, observed: FloatArray, num_cells: FloatArray) -> float:
    """Mean absolute difference between the shares of positives predicted and observed, weighted by the cells per bin.

    Args:
        expected: Sum of probabilities in each bin. Shape [num_bins].
        observed: Number of positives in each bin. Shape [num_bins].
        num_cells: Cells in each bin; at least one cell in all. Shape [num_bins].

    Naeini et al. 2015 (eq. 3), for any bins.
    """
    return float(np.abs(observed - expected).sum() / num_cells.sum())
