"""What is measured on a split: the grid of drugs x diseases of each fold, and the spread over folds.

The grid of a fold is every drug against every disease that has a held-out pair. Its training positives are left out,
and so are pairs that nobody can call negatives (off-label use, palliation); contraindications stay, as negatives.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey

SPLIT = "split"
SCORER = "scorer"
REPEAT = "repeat"
FOLD = "fold"


class FoldGrid(NamedTuple):
    """One fold's training labels, and the cells it is judged by."""

    columns: IntArray
    """Local index of every disease with a held-out pair, ascending. Shape [num_columns]."""
    train: csr_array
    """1 where a training pair is. Shape [num_drugs, num_diseases]."""
    positive: BoolArray
    """True where a held-out pair is. Shape [num_drugs, num_columns]."""
    candidate: BoolArray
    """True where a cell takes part in the ranking. Shape [num_drugs, num_columns]."""


def fold_grid(split: DrugDiseaseSplit, key: FoldKey, *, ignored: IntArray | None = None) -> FoldGrid:
    """The grid on which one fold is judged.

    Args:
        split: All indications with their folds.
        key: Which fold is held out; the others of its shuffle are training pairs.
        ignored: Drug and disease of pairs that are neither positive nor negative, such as off-label use; a held-out
            pair among them stays a positive. Shape [2, num_ignored].

    Raises:
        ValueError: If the fold holds out no pair.
    """
    test, training = split.test_pairs(key), split.training_pairs(key)
    columns = np.unique(test[1])
    train = csr_array((np.ones(training.shape[1]), tuple(training)), shape=(split.num_drugs, split.num_diseases))
    positive = _mask(test, columns, split)
    masked = _mask(training, columns, split)
    if ignored is not None:
        masked |= _mask(ignored, columns, split)
    return FoldGrid(columns, train, positive, candidate=positive | ~masked)


def _mask(pairs: IntArray, columns: IntArray, split: DrugDiseaseSplit) -> BoolArray:
    """True where a pair is; pairs outside the columns are left out. Shape [num_drugs, num_columns]."""
    column_of = np.full(split.num_diseases, -1, dtype=np.int64)
    column_of[columns] = np.arange(len(columns))
    inside = column_of[pairs[1]] >= 0
    mask = np.zeros((split.num_drugs, len(columns)), dtype=np.bool_)
    mask[pairs[0, inside], column_of[pairs[1, inside]]] = True
    return mask


def spread_over_folds(values: FloatArray) -> float:
    """Sample standard deviation, n - 1; NaN for a single fold. Shape [num_folds]."""
    return float(values.std(ddof=1)) if len(values) > 1 else float("nan")


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean and spread of every metric over all folds of all repeats.

    Args:
        rows: One row per split, scorer, repeat and fold: columns of these names, and one per metric.

    Returns:
        One row per (split, scorer), in order of first appearance: split, scorer, num_folds, then per metric
        `<metric>_mean` and `<metric>_sd` (sample standard deviation, n - 1; NaN for a single fold).
    """
    grouped = rows.groupby([SPLIT, SCORER], sort=False)
    summary = grouped.size().rename("num_folds").to_frame()
    for metric in (name for name in rows.columns if name not in (SPLIT, SCORER, REPEAT, FOLD)):
        summary[f"{metric}_mean"] = grouped[metric].mean()
        summary[f"{metric}_sd"] = grouped[metric].std(ddof=1)
    return summary.reset_index()
