"""How well a score ranks the drugs of each disease: ranks with tie handling, and the metrics computed from them.

Rows are drugs, columns are diseases, higher scores are better. Everything here follows from two counts per positive:
the candidates that score higher, and those that score the same. The optimistic rank puts the positive before its ties,
the pessimistic rank after them; their mean is the realistic rank (the average tie rank), which is reported.
"""

from typing import NamedTuple

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray


class Ranks(NamedTuple):
    """Ranks of items among others, from 1, under both extremes of tie handling."""

    optimistic: IntArray
    """Rank if all ties are broken in the item's favour."""
    pessimistic: IntArray
    """Rank if all ties are broken against the item."""

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


class AveragePrecisions(NamedTuple):
    """Average precision of each disease (column), or of each drug (row), with a positive."""

    indices: IntArray
    """Column (row) indices, ascending. Shape [num_with_positive]."""
    precision: FloatArray
    """Shape [num_with_positive]."""


def positive_ranks(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> PositiveRanks:
    """Rank every positive drug of every disease.

    Args:
        scores: Higher is better. Shape [num_drugs, num_columns].
        positive: True where the drug treats the disease and the pair was held out. Same shape.
        candidate: True where a pair is ranked; includes every positive. Same shape.

    Raises:
        ValueError: If the shapes differ, the score of a candidate is not finite, there is no positive, a positive is
            not a candidate, or a disease has no candidate.
    """
    require_grid(scores, positive, candidate)
    return _positive_ranks(scores, positive, candidate)


def _positive_ranks(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> PositiveRanks:
    column, row = np.nonzero(positive.T)
    parts = []
    for c in np.unique(column):
        found = scores[positive[:, c], c]
        parts.append((_ranks(found, scores[candidate[:, c], c]), _ranks(found, found)))
    return PositiveRanks(row, column, _join([part[0] for part in parts]), _join([part[1] for part in parts]))


def per_disease_ap(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> AveragePrecisions:
    """Average precision of each disease with a positive; ties share one threshold.

    Arguments and errors are those of `positive_ranks`. A constant score yields the prevalence.
    """
    return average_precisions(positive_ranks(scores, positive, candidate))


def per_drug_ap(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> AveragePrecisions:
    """Average precision of each drug with a positive, over its candidate diseases; ties share one threshold.

    Arguments and errors are those of `positive_ranks`.
    """
    require_grid(scores, positive, candidate)
    return average_precisions(_positive_ranks(scores.T, positive.T, candidate.T))


def average_precisions(ranks: PositiveRanks) -> AveragePrecisions:
    """Average precision of each column."""
    # AP = sum over thresholds of (gain in recall) x precision = mean over positives of the precision at their own
    # score; all ties pass that threshold together, so both counts are pessimistic ranks.
    precision = ranks.among_positives.pessimistic / ranks.among_candidates.pessimistic
    return AveragePrecisions(*_mean_by_column(precision, ranks.column))


def macro_recall(ranks: PositiveRanks, k: int) -> float:
    """Share of a column's positives with average tie rank at most k among all candidates, mean over columns."""
    _, recall = _mean_by_column((ranks.among_candidates.realistic <= k).astype(np.float64), ranks.column)
    return float(recall.mean())


def require_informative(scores: FloatArray, candidate: BoolArray, *, scorer: str) -> None:
    """Reject uninformative scores of a model, before a table reports chance level as its result.

    A baseline may score all candidates the same, such as the degree of held-out drugs; a model may not.

    Args:
        scores: Shape [num_drugs, num_columns].
        candidate: True where a pair is ranked. Same shape.
        scorer: Name of the scorer, for the message.

    Raises:
        ValueError: If the shapes differ, there is no candidate, a candidate's score is not finite, or all candidates
            have the same score.
    """
    try:
        _require_scores(scores, candidate)
    except ValueError as error:
        raise ValueError(f"{scorer}: {error}") from error
    found = scores[candidate]
    if not found.size:
        raise ValueError(f"{scorer}: scores need at least one candidate (got none)")
    if found.min() == found.max():
        raise ValueError(f"{scorer}: scores must differ between candidates (got {found[0]} for all {found.size})")


def _ranks(items: FloatArray, among: FloatArray) -> Ranks:
    """Ranks of items among values that contain them."""
    ordered = np.sort(among)
    not_lower = len(ordered) - np.searchsorted(ordered, items, side="left")
    higher = len(ordered) - np.searchsorted(ordered, items, side="right")
    return Ranks(higher + 1, not_lower)


def _join(parts: list[Ranks]) -> Ranks:
    return Ranks(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def _mean_by_column(values: FloatArray, column: IntArray) -> tuple[IntArray, FloatArray]:
    columns, place = np.unique(column, return_inverse=True)
    return columns, np.bincount(place, weights=values) / np.bincount(place)


def require_grid(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> None:
    """Reject a grid on which nothing can be measured; arguments and errors are those of `positive_ranks`."""
    if positive.shape != scores.shape:
        raise ValueError(f"positives must have the shape of the scores {scores.shape} (got {positive.shape})")
    _require_scores(scores, candidate)
    if not positive.any():
        raise ValueError("ranking needs at least one positive (got none)")
    outside = positive & ~candidate
    if outside.any():
        row, column = _first(outside)
        raise ValueError(f"every positive must be a candidate (got one at row {row}, column {column} that is not)")
    empty = ~candidate.any(axis=0)
    if empty.any():
        raise ValueError(f"every disease needs a candidate drug (got none in column {int(empty.argmax())})")


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
