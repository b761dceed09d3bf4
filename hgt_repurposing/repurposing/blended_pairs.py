"""Which pairs each member of a classifier is blended on, and which it may therefore not learn from."""

import math

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.repurposing.labels import UNKNOWN
from hgt_repurposing.repurposing.masked_cells import MaskedCells


def pair_numbers(pairs: IntArray, num_folds: int) -> IntArray:
    """A number for each pair by whose remainder pairs can be dealt to any number of folds.

    The step from drug to drug has no divisor in common with any number of folds up to `num_folds`, so the pairs of one
    disease are dealt evenly, as those of one drug are, whatever their indices.

    Args:
        pairs: Drug and disease. Shape [2, num_pairs].
        num_folds: Largest number of folds.

    Returns:
        Equal for equal pairs alone. Shape [num_pairs].
    """
    step = 1 + int(pairs[1].max(initial=0))
    while math.gcd(step, math.lcm(*range(1, num_folds + 1))) > 1:
        step += 1
    return np.asarray(pairs[0] * step + pairs[1])


def weight_in_blend(cells: MaskedCells, *, fold: IntArray, pair_number: IntArray, num_folds: int) -> FloatArray:
    """Weight of each cell in the blend: a pair without a label counts in one of its inner folds, for all of them.

    On a small graph nearly each of these pairs occurs in every inner fold. If each member had learned them from the
    others, a head that remembers pairs would look far better in the blend than it is on new pairs, and rank what is
    missing, which is among the remembered pairs, last.

    Args:
        cells: Of all masks.
        fold: Inner fold of each cell. Shape [num_cells].
        pair_number: Number of the pair of each cell. Shape [num_cells].
        num_folds: Number of inner folds.

    Returns:
        Sums to the sum of `cells.weight`. Shape [num_cells].
    """
    weight = cells.weight.copy()
    dealt = np.flatnonzero((cells.label == UNKNOWN) & (weight > 0))
    distinct, index = np.unique(pair_number[dealt], return_inverse=True)
    sums = np.zeros((len(distinct), num_folds))
    np.add.at(sums, (index, fold[dealt]), weight[dealt])
    occurs = sums > 0
    which = distinct % occurs.sum(axis=1)
    own = (occurs.cumsum(axis=1) > which[:, None]).argmax(axis=1)
    factor = sums.sum(axis=1) / sums[np.arange(len(distinct)), own]
    weight[dealt] *= np.where(fold[dealt] == own[index], factor[index], 0)
    return weight


def may_learn_from(left_out: int, *, fold: IntArray, pair_number: IntArray, weight: FloatArray) -> BoolArray:
    """Cells that a member may learn from: of other inner folds, and no pair that it is blended on.

    Args:
        left_out: Inner fold that the member is blended on.
        fold: Inner fold of each cell. Shape [num_cells].
        pair_number: Number of the pair of each cell. Shape [num_cells].
        weight: Of each cell in the blend. Shape [num_cells].

    Returns:
        Shape [num_cells].
    """
    blended = pair_number[(fold == left_out) & (weight > 0)]
    return np.asarray((fold != left_out) & ~np.isin(pair_number, blended))
