"""A combination of all rules that learns nothing: the mean of their ranks."""

from collections.abc import Mapping

import numpy as np
from scipy.stats import rankdata

from hgt_repurposing.graph.schema import FloatArray, IntArray

RANK_AVERAGE = "rank average"
"""Name in tables."""


def rank_average(scores: Mapping[str, FloatArray], setting: IntArray) -> FloatArray:
    """Mean rank of every cell over the rules that tell cells of its setting apart.

    Ranks are among all cells, so that settings stay comparable as far as the rules make them so.

    Args:
        scores: Of the same cells, by rule; higher is better. Shape [num_cells] each.
        setting: Setting of each cell. Shape [num_cells].

    Returns:
        0 in a setting that no rule tells apart. Shape [num_cells].
    """
    total, used = np.zeros(len(setting)), np.zeros(len(setting))
    here = [np.flatnonzero(setting == number) for number in np.unique(setting)]
    for values in scores.values():
        ranks = rankdata(values)
        for cells in here:
            if np.ptp(values[cells]) > 0:
                total[cells] += ranks[cells]
                used[cells] += 1
    return np.asarray(total / np.maximum(used, 1))
