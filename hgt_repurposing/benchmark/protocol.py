"""The evaluation protocol of a split: each fold's grid of drugs x diseases, and the spread over folds.

A fold's grid is every drug against every disease with a held-out pair. Training positives are left out in every suite;
the suite says what else is, since a pair with another known relation is not a plain negative.
"""

from typing import Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.graph.split_kinds import HeldOutPairs

SPLIT = "split"
SUITE = "suite"
SCORER = "scorer"
MODEL = "model"
REPEAT = "repeat"
FOLD = "fold"

Removed = Literal["training pairs", "contraindications", "off-label"]

REMOVED_IN_WORDS: dict[Removed, str] = {
    "training pairs": "training pairs",
    "contraindications": "contraindications, pairs recorded as not indicated",
    "off-label": "off-label use and palliation",
}


class TherapeuticPairs(NamedTuple):
    """Drug-disease pairs of a graph other than indications."""

    contraindications: IntArray
    """Known negatives, pairs recorded as not indicated included. Shape [2, num_contraindications]."""
    off_label: IntArray
    """Off-label use and palliation. Shape [2, num_off_label]."""

    @classmethod
    def of_graph(cls, graph: KnowledgeGraph) -> Self:
        """Collect them from a graph."""
        return cls(graph.known_negatives, graph.off_label_pairs)


class Suite(NamedTuple):
    """Which pairs are positives, and which do not count."""

    name: Literal["strict", "open"]
    positives: HeldOutPairs
    removed: frozenset[Removed]
    """Pairs that are not candidates, unless they are positives."""

    def ignored(self, pairs: TherapeuticPairs) -> IntArray:
        """Pairs that are not candidates, in addition to the training pairs. Shape [2, num_ignored]."""
        parts = [np.empty((2, 0), dtype=np.int64)]
        if "contraindications" in self.removed:
            parts.append(pairs.contraindications)
        if "off-label" in self.removed:
            parts.append(pairs.off_label)
        return np.concatenate(parts, axis=1)

    def in_words(self) -> str:
        """Explanation for readers of the table."""
        left_out = ", ".join(words for name, words in REMOVED_IN_WORDS.items() if name in self.removed)
        counted = ", ".join(words for name, words in REMOVED_IN_WORDS.items() if name not in self.removed)
        return (
            f"Positives, ranked among all drugs: {self.positives.positives}. Left out: {left_out}. "
            f"Negatives: {counted + ' and ' if counted else ''}pairs the graph does not mention."
        )


def suites_of(positives: HeldOutPairs) -> tuple[Suite, Suite]:
    """The two suites on the same positives: strict, comparable with published figures, and open."""
    return (
        Suite("strict", positives, frozenset({"training pairs"})),
        Suite("open", positives, frozenset({"training pairs", "contraindications", "off-label"})),
    )


class FoldGrid(NamedTuple):
    """One fold's training labels, and the cells it is evaluated on."""

    columns: IntArray
    """Local indices of the evaluated diseases, ascending. Shape [num_columns]."""
    train: csr_array
    """1 for training pairs. Shape [num_drugs, num_diseases]."""
    positive: BoolArray
    """True for held-out pairs. Shape [num_drugs, num_columns]."""
    candidate: BoolArray
    """True where a cell is ranked. Shape [num_drugs, num_columns]."""


def fold_grid(
    split: DrugDiseaseSplit, key: FoldKey, *, ignored: IntArray | None = None, columns: IntArray | None = None
) -> FoldGrid:
    """The grid on which one fold is evaluated.

    Args:
        split: All indications with their folds.
        key: The held-out fold; the other folds of its repeat are training pairs.
        ignored: Drug and disease of pairs that are neither positive nor negative, as given by `Suite.ignored`; held-out
            pairs among them stay positives. Shape [2, num_ignored].
        columns: Diseases to evaluate, including all with a held-out pair; None: only these. Shape [num_columns].

    Raises:
        ValueError: If the fold holds out no pair, or leaves no negative to rank it against.
    """
    return _grid(split, split.test_pairs(key), split.training_pairs(key), ignored, columns)


def external_grid(split: DrugDiseaseSplit, *, ignored: IntArray | None = None) -> FoldGrid:
    """The grid on which the model fitted on all indications is evaluated: external pairs against all others.

    Args:
        split: All its indications are training pairs.
        ignored: As in `fold_grid`.

    Raises:
        ValueError: If the split has no external pairs, or leaves no negative to rank it against.
    """
    if not split.external_positives.shape[1]:
        raise ValueError("the split has no external pairs to evaluate on: set external_pairs to a file of them")
    return _grid(split, split.external_positives, split.pairs, ignored)


def _grid(
    split: DrugDiseaseSplit,
    test: IntArray,
    training: IntArray,
    ignored: IntArray | None,
    columns: IntArray | None = None,
) -> FoldGrid:
    columns = np.unique(test[1]) if columns is None else columns
    train = csr_array((np.ones(training.shape[1]), tuple(training)), shape=(split.num_drugs, split.num_diseases))
    positive = _mask(test, columns, split)
    masked = _mask(training, columns, split)
    if ignored is not None:
        masked |= _mask(ignored, columns, split)
    candidate = positive | ~masked
    if np.array_equal(candidate, positive):
        raise ValueError(
            f"no negatives are left to rank {np.count_nonzero(positive)} held-out pairs against: every other pair of "
            f"their diseases ({len(columns)}) is a training pair or ignored"
        )
    return FoldGrid(columns, train, positive, candidate)


def _mask(pairs: IntArray, columns: IntArray, split: DrugDiseaseSplit) -> BoolArray:
    """True at the given pairs; pairs outside the columns are left out. Shape [num_drugs, num_columns]."""
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
        rows: One row per split, suite, scorer, repeat and fold: columns of these names (suite is optional) and one per
            metric.

    Returns:
        One row per (split, suite, scorer), in order of first appearance: these, num_folds, then per metric
        `<metric>_mean` and `<metric>_sd` (sample standard deviation, n - 1; NaN for a single fold).
    """
    names = [name for name in (SPLIT, SUITE, SCORER) if name in rows]
    grouped = rows.groupby(names, sort=False)
    metrics = [name for name in rows.columns if name not in (*names, REPEAT, FOLD)]
    spread = grouped[metrics].agg(["mean", "std"])
    spread.columns = pd.Index([f"{metric}_{figure}" for metric in metrics for figure in ("mean", "sd")])
    return grouped.size().rename("num_folds").to_frame().join(spread).reset_index()
