"""Cells of a whole grid as one list, each of which may represent several: AUROC, average precision, numbers found.

Both AUROC and average precision are means over the positives, of the share of negatives below each and of the precision
at each. Keeping these values lets any group of positives be compared, and a bootstrap resample them.
"""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray


class Standings(NamedTuple):
    """Where every positive stands in the list. Shape [num_positives] each, in the order of the positives."""

    placement: FloatArray
    """Share of the negatives that score lower, half of those that score the same. Weighted mean: the AUROC."""
    precision: FloatArray
    """Share of positives among the cells that score at least as high. Weighted mean: the average precision."""


def standings(scores: FloatArray, positive: BoolArray, weight: FloatArray) -> Standings:
    """Placement and precision of every positive.

    Args:
        scores: Higher is better. Shape [num_cells].
        positive: True for held-out pairs. Shape [num_cells].
        weight: Number of cells that each represents. Shape [num_cells].

    Raises:
        ValueError: If a score is not finite, or there is no positive or no negative.

    Hanley & McNeil 1982 (AUROC by placements). Ties share one threshold, as in `ranking.average_precisions`.
    """
    if not np.isfinite(scores).all():
        raise ValueError(f"scores must be finite (got {scores[~np.isfinite(scores)][0]})")
    if positive.all() or not positive.any():
        raise ValueError(f"a list needs positives and negatives (got {positive.sum()} positives of {len(positive)})")
    _, level = np.unique(scores, return_inverse=True)
    of_positives = np.bincount(level, weights=weight * positive)
    of_negatives = np.bincount(level, weights=weight * ~positive)
    below = np.cumsum(of_negatives) - of_negatives
    at_least = np.cumsum((of_positives + of_negatives)[::-1])[::-1]
    true_at_least = np.cumsum(of_positives[::-1])[::-1]
    placement = (below + of_negatives / 2) / of_negatives.sum()
    precision = true_at_least / at_least
    return Standings(placement[level[positive]], precision[level[positive]])


def num_found(scores: FloatArray, positive: BoolArray, weight: FloatArray, *, top: int) -> float:
    """Positives among the `top` highest cells; ties at the cutoff count by their share of it.

    Args:
        scores: Higher is better. Shape [num_cells].
        positive: True for held-out pairs. Shape [num_cells].
        weight: Number of cells that each represents. Shape [num_cells].
        top: Length of the list.
    """
    _, level = np.unique(-scores, return_inverse=True)
    cells = np.bincount(level, weights=weight)
    before = np.cumsum(cells) - cells
    share = np.clip((top - before) / cells, 0, 1)
    return float(share @ np.bincount(level, weights=weight * positive))
