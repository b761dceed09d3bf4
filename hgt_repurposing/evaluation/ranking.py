"""How well a score ranks the drugs of each disease: ranks with tie treatment, and the grid metrics read off them.

Rows are drugs, columns are diseases, higher scores are better. Everything here follows from two counts per positive:
how many candidates score higher, and how many score the same. An optimist puts the positive before its ties, a
pessimist behind them; their mean is the realistic rank (the average tie rank), and the one that is reported.
"""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray


class Ranks(NamedTuple):
    """Ranks of some items among others, from 1, under both extremes of tie treatment."""

    optimistic: IntArray
    """Rank if every tie falls in the item's favour."""
    pessimistic: IntArray
    """Rank if every tie falls against the item."""

    @property
    def realistic(self) -> FloatArray:
        """Average rank over all orders of the ties."""
        return (self.optimistic + self.pessimistic) / 2


class PositiveRanks(NamedTuple):
    """Ranks of every positive within its column. Shape [num_positives] each, column by column."""

    row: IntArray
    column: IntArray
    among_candidates: Ranks
    """Rank among all candidates of the column."""
    among_positives: Ranks
    """Rank among the positives of the column."""

    @property
    def filtered(self) -> Ranks:
        """Rank among the candidates that are not other positives (Bordes et al. 2013, the filtered setting)."""
        # Other positives ahead = rank among the positives - 1; leaving them out moves the positive up by that many.
        return Ranks(
            self.among_candidates.optimistic - self.among_positives.optimistic + 1,
            self.among_candidates.pessimistic - self.among_positives.pessimistic + 1,
        )


class DiseaseAP(NamedTuple):
    """Average precision of each column that has a positive."""

    columns: IntArray
    """Columns with at least one positive, ascending. Shape [num_diseases]."""
    values: FloatArray
    """Average precision. Shape [num_diseases]."""


class GridMetrics(NamedTuple):
    """What one score is worth on one grid of drugs x diseases."""

    macro_ap: float
    """Average precision, mean over diseases."""
    recall_at_10: float
    """Share of a disease's positives with average tie rank at most 10 among all candidates, mean over diseases."""
    recall_at_50: float
    recall_at_100: float
    mrr: float
    """1 / filtered average tie rank, mean over positives."""
    hits_at_10: float
    """Share of all positives with filtered average tie rank at most 10."""
    auroc: float
    """Area under the ROC curve, pooled over all candidate cells."""
    num_diseases: int
    """Columns with at least one positive."""
    num_positives: int


def positive_ranks(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> PositiveRanks:
    """Rank every positive drug of every disease.

    Args:
        scores: Higher is better. Shape [num_drugs, num_columns].
        positive: True where the drug treats the disease and the pair was held out. Same shape.
        candidate: True where a pair takes part in the ranking; every positive does. Same shape.

    Raises:
        ValueError: If the shapes differ, the score of a candidate is not finite, there is no positive, or a positive
            is no candidate.
    """
    _require_grid(scores, positive, candidate)
    column, row = np.nonzero(positive.T)
    parts = []
    for c in np.unique(column):
        found = scores[positive[:, c], c]
        parts.append((_ranks(found, scores[candidate[:, c], c]), _ranks(found, found)))
    return PositiveRanks(row, column, _join([part[0] for part in parts]), _join([part[1] for part in parts]))


def filtered_ranks(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> Ranks:
    """Rank every positive among the candidates that are not other positives of its disease.

    Args and errors are those of `positive_ranks`; the order is column by column, then by row.

    Bordes et al. 2013 (the filtered setting).
    """
    return positive_ranks(scores, positive, candidate).filtered


def per_disease_ap(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> DiseaseAP:
    """Average precision of each disease that has a positive; ties share one threshold.

    Args and errors are those of `positive_ranks`. A constant score gets the prevalence.
    """
    return _average_precision(positive_ranks(scores, positive, candidate))


def grid_metrics(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> GridMetrics:
    """All metrics of one score on one grid.

    Args and errors are those of `positive_ranks`; besides, AUROC needs a candidate that is no positive.
    """
    ranks = positive_ranks(scores, positive, candidate)
    average_precision = _average_precision(ranks)
    realistic, filtered = ranks.among_candidates.realistic, ranks.filtered.realistic
    return GridMetrics(
        macro_ap=float(average_precision.values.mean()),
        recall_at_10=_macro_recall(realistic, ranks.column, 10),
        recall_at_50=_macro_recall(realistic, ranks.column, 50),
        recall_at_100=_macro_recall(realistic, ranks.column, 100),
        mrr=float((1 / filtered).mean()),
        hits_at_10=float((filtered <= 10).mean()),
        auroc=_pooled_auroc(scores[positive], scores[candidate & ~positive]),
        num_diseases=len(average_precision.columns),
        num_positives=len(ranks.row),
    )


def _ranks(items: FloatArray, among: FloatArray) -> Ranks:
    """Ranks of items among values that contain them."""
    ordered = np.sort(among)
    not_lower = len(ordered) - np.searchsorted(ordered, items, side="left")
    higher = len(ordered) - np.searchsorted(ordered, items, side="right")
    return Ranks(higher + 1, not_lower)


def _join(parts: list[Ranks]) -> Ranks:
    return Ranks(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _average_precision(ranks: PositiveRanks) -> DiseaseAP:
    # AP = sum over thresholds of (gain in recall) x precision = mean over positives of the precision at their own
    # score; all ties pass that threshold together, so both counts are pessimistic ranks.
    precision = ranks.among_positives.pessimistic / ranks.among_candidates.pessimistic
    return DiseaseAP(*_mean_by_column(precision, ranks.column))


def _macro_recall(rank: FloatArray, column: IntArray, k: int) -> float:
    _, recall = _mean_by_column((rank <= k).astype(np.float64), column)
    return float(recall.mean())


def _mean_by_column(values: FloatArray, column: IntArray) -> tuple[IntArray, FloatArray]:
    columns, place = np.unique(column, return_inverse=True)
    return columns, np.bincount(place, weights=values) / np.bincount(place)


def _pooled_auroc(positives: FloatArray, negatives: FloatArray) -> float:
    """Chance that a positive scores above a negative, ties counting half."""
    if not negatives.size:
        raise ValueError("AUROC needs a candidate that is not positive (got only positives)")
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    not_above = np.searchsorted(ordered, positives, side="right")
    return float((below + not_above).mean() / (2 * len(ordered)))


def _require_grid(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> None:
    if positive.shape != scores.shape:
        raise ValueError(f"positives must have the shape of the scores {scores.shape} (got {positive.shape})")
    _require_scores(scores, candidate)
    if not positive.any():
        raise ValueError("ranking needs at least one positive (got none)")
    outside = positive & ~candidate
    if outside.any():
        row, column = _first(outside)
        raise ValueError(f"every positive must be a candidate (got one at row {row}, column {column} that is not)")


def _require_scores(scores: FloatArray, candidate: BoolArray) -> None:
    if scores.ndim != 2 or candidate.shape != scores.shape:
        raise ValueError(f"scores and candidates must share one 2-d shape (got {scores.shape} and {candidate.shape})")
    wrong = candidate & ~np.isfinite(scores)
    if wrong.any():
        row, column = _first(wrong)
        raise ValueError(f"scores must be finite (got {scores[row, column]} at row {row}, column {column})")


def _first(mask: BoolArray) -> tuple[int, int]:
    row, column = np.unravel_index(int(mask.argmax()), mask.shape)
    return int(row), int(column)
