from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score

from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.metrics.ranking import (
    per_disease_ap,
    per_drug_ap,
    positive_ranks,
    require_informative,
)
from hgt_repurposing_tests.metrics.measured import grid_metrics

Grid = tuple[FloatArray, BoolArray, BoolArray]

# Disease 0: drugs 0 and 2 of four are positive; disease 1: drug 3 is, tied with drug 1, and drug 0 is masked.
SCORES = np.array([[0.9, 9.0], [0.8, 0.5], [0.7, 0.1], [0.6, 0.5]])
POSITIVE = np.array([[1, 0], [0, 0], [1, 0], [0, 1]], dtype=np.bool_)
CANDIDATE = np.array([[1, 0], [1, 1], [1, 1], [1, 1]], dtype=np.bool_)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Few distinct scores, so that ties are the rule; at least one positive and one candidate that is none."""
    shape = draw(st.tuples(st.integers(2, 9), st.integers(1, 4)))
    scores = draw(hnp.arrays(np.float64, shape, elements=st.integers(-3, 3).map(float)))
    kind = draw(hnp.arrays(np.int64, shape, elements=st.integers(0, 2)))
    kind[1] = np.maximum(kind[1], 1)  # every disease has a candidate
    kind[0, 0], kind[1, 0] = 2, 1
    return scores, kind == 2, kind >= 1


def slow_filtered_rank(grid: Grid, row: int, column: int) -> float:
    scores, positive, candidate = grid
    mine, rank = scores[row, column], 1.0
    for other in range(len(scores)):
        if other != row and candidate[other, column] and not positive[other, column]:
            rank += (scores[other, column] > mine) + 0.5 * (scores[other, column] == mine)
    return rank


def test_the_worked_example_has_the_metrics_found_by_hand() -> None:
    metrics = grid_metrics(SCORES, POSITIVE, CANDIDATE)
    # Disease 0: precision 1/1 and 2/3; disease 1: drug 3 passes its threshold together with drug 1, precision 1/2.
    assert metrics.macro_ap == pytest.approx(((1 + 2 / 3) / 2 + 1 / 2) / 2)
    # Filtered ranks: 1, 2 (only drug 1 ahead), 1.5 (a tie).
    assert metrics.mrr == pytest.approx((1 + 1 / 2 + 1 / 1.5) / 3)
    # Negatives .8 .6 | .5 .1: positive .9 beats 4, .7 beats 3, .5 beats 1 and ties with 1.
    assert metrics.auroc == pytest.approx((4 + 3 + 1.5) / 12)
    # All seven candidates from the top: .9+ .8 .7+ .6 .5+ .5 .1; precision 1/1, 2/3, and 3/6 for the tie.
    assert metrics.average_precision == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)
    # Drugs 0 and 2 score their positive disease first (drug 0 has no other candidate), drug 3 scores it second of two.
    assert metrics.macro_ap_by_drug == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert (metrics.num_diseases, metrics.num_positives) == (2, 3)


def test_filtered_ranks_of_the_worked_example() -> None:
    ranks = positive_ranks(SCORES, POSITIVE, CANDIDATE).filtered
    assert ranks.optimistic.tolist() == [1, 2, 1]
    assert ranks.pessimistic.tolist() == [1, 2, 2]
    assert ranks.realistic.tolist() == [1, 2, 1.5]


@pytest.mark.parametrize(("rank", "found"), [(10, 1.0), (11, 0.0)])
def test_a_positive_counts_as_found_up_to_rank_ten(rank: int, found: float) -> None:
    scores = -np.arange(1.0, 121.0)[:, None]
    positive = np.arange(1, 121)[:, None] == rank
    metrics = grid_metrics(scores, positive, np.ones_like(positive))
    assert (metrics.recall_at_10, metrics.hits_at_10) == (found, found)


@pytest.mark.parametrize(("rank", "at_50", "at_100"), [(50, 1, 1), (51, 0, 1), (100, 0, 1), (101, 0, 0)])
def test_recall_at_50_and_100_look_that_far_and_no_further(rank: int, at_50: float, at_100: float) -> None:
    scores = -np.arange(1.0, 121.0)[:, None]
    positive = np.arange(1, 121)[:, None] == rank
    metrics = grid_metrics(scores, positive, np.ones_like(positive))
    assert (metrics.recall_at_50, metrics.recall_at_100) == (at_50, at_100)


def test_recall_weighs_every_disease_alike() -> None:
    scores = np.tile(-np.arange(20.0)[:, None], (1, 2))
    positive = np.zeros((20, 2), dtype=np.bool_)
    positive[0, 0] = True  # disease 0: its only drug is found
    positive[16:, 1] = True  # disease 1: none of four is found
    assert grid_metrics(scores, positive, np.ones_like(positive)).recall_at_10 == 0.5


def test_recall_counts_ties_at_their_average_rank() -> None:
    scores = np.zeros((20, 1))  # all 20 tie at rank 10.5
    positive = np.arange(20)[:, None] == 0
    assert grid_metrics(scores, positive, np.ones_like(positive)).recall_at_10 == 0.0


def test_other_positives_do_not_push_a_positive_out_of_the_filtered_hits() -> None:
    scores = -np.arange(30.0)[:, None]
    positive = np.arange(30)[:, None] < 15
    metrics = grid_metrics(scores, positive, np.ones_like(positive))
    assert (metrics.hits_at_10, metrics.mrr) == (1.0, 1.0)


def test_a_disease_without_positives_enters_no_average_precision() -> None:
    positive = np.column_stack([np.zeros(4, dtype=np.bool_), POSITIVE[:, 0]])
    result = per_disease_ap(SCORES, positive, np.ones_like(positive))
    assert result.indices.tolist() == [1]
    assert np.isfinite(result.precision).all()


def test_a_masked_cell_changes_nothing_whatever_its_score() -> None:
    scores = SCORES.copy()
    scores[0, 1] = np.nan
    assert grid_metrics(scores, POSITIVE, CANDIDATE) == grid_metrics(SCORES, POSITIVE, CANDIDATE)


@given(grids())
def test_filtered_ranks_agree_with_counting_one_by_one(grid: Grid) -> None:
    ranks = positive_ranks(*grid)
    expected = [slow_filtered_rank(grid, row, column) for row, column in zip(ranks.row, ranks.column, strict=True)]
    assert ranks.filtered.realistic.tolist() == expected


@given(grids())
def test_ranks_among_all_candidates_are_the_average_ranks_of_scipy(grid: Grid) -> None:
    scores, positive, candidate = grid
    ranks = positive_ranks(scores, positive, candidate)
    expected = rankdata(np.where(candidate, -scores, np.nan), axis=0, nan_policy="omit")
    assert ranks.among_candidates.realistic.tolist() == expected[ranks.row, ranks.column].tolist()


@given(grids())
def test_every_positive_is_ranked_once_in_the_order_of_columns(grid: Grid) -> None:
    ranks = positive_ranks(*grid)
    columns, rows = np.nonzero(grid[1].T)
    assert (ranks.row.tolist(), ranks.column.tolist()) == (rows.tolist(), columns.tolist())


@given(grids())
def test_average_precision_is_that_of_scikit_learn(grid: Grid) -> None:
    scores, positive, candidate = grid
    result = per_disease_ap(scores, positive, candidate)
    expected = [
        average_precision_score(positive[candidate[:, c], c], scores[candidate[:, c], c]) for c in result.indices
    ]
    np.testing.assert_allclose(result.precision, expected, rtol=1e-12)


@given(grids())
def test_average_precision_of_a_drug_is_that_of_the_grid_turned_around(grid: Grid) -> None:
    scores, positive, candidate = grid
    result = per_drug_ap(scores, positive, candidate)
    expected = [average_precision_score(positive[r, candidate[r]], scores[r, candidate[r]]) for r in result.indices]
    assert result.indices.tolist() == np.flatnonzero(positive.any(axis=1)).tolist()
    np.testing.assert_allclose(result.precision, expected, rtol=1e-12)


def test_a_drug_whose_cells_are_all_masked_is_no_obstacle() -> None:
    candidate = np.vstack([CANDIDATE, [[0, 0]]]).astype(np.bool_)
    more = (np.vstack([SCORES, [[np.nan, np.nan]]]), np.vstack([POSITIVE, [[0, 0]]]).astype(np.bool_), candidate)
    assert grid_metrics(*more) == grid_metrics(SCORES, POSITIVE, CANDIDATE)


def test_shuffled_labels_bring_every_metric_to_chance() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random((400, 30))
    truth = scores > 0.97
    shuffled = generator.permuted(truth, axis=0)
    everything = np.ones_like(truth)
    knowing, guessing = (grid_metrics(scores, labels, everything) for labels in (truth, shuffled))
    assert (knowing.macro_ap, knowing.auroc, knowing.average_precision) == (1, 1, 1)
    # About 360 positives: the standard error of the AUROC is .29 / sqrt(360) = .015; that of AP is smaller.
    assert guessing.auroc == pytest.approx(0.5, abs=0.05)
    assert guessing.average_precision == pytest.approx(truth.mean(), abs=0.02)
    assert guessing.macro_ap == pytest.approx(truth.mean(), abs=0.05)
    assert guessing.recall_at_100 == pytest.approx(100 / 400, abs=0.1)


@given(grids())
def test_auroc_is_the_share_of_pairs_that_stand_in_the_right_order(grid: Grid) -> None:
    scores, positive, candidate = grid
    ahead = scores[positive][:, None] - scores[candidate & ~positive]
    assert grid_metrics(*grid).auroc == pytest.approx(((ahead > 0) + 0.5 * (ahead == 0)).mean(), rel=1e-12)


@given(grids())
def test_pooled_average_precision_is_the_mean_precision_at_the_score_of_each_positive(grid: Grid) -> None:
    scores, positive, candidate = grid
    at = [(scores[positive] >= score).sum() / (scores[candidate] >= score).sum() for score in scores[positive]]
    assert grid_metrics(*grid).average_precision == pytest.approx(np.mean(at), rel=1e-12)


@given(grids())
def test_a_monotone_map_of_the_scores_changes_nothing(grid: Grid) -> None:
    scores, positive, candidate = grid
    assert grid_metrics(np.exp(scores) + 7, positive, candidate) == grid_metrics(scores, positive, candidate)


@given(grids())
def test_the_order_of_the_drugs_changes_nothing(grid: Grid) -> None:
    scores, positive, candidate = grid
    turned = grid_metrics(scores[::-1], positive[::-1], candidate[::-1])
    # Not equal to the bit: means over the positives are summed in another order.
    assert turned == pytest.approx(grid_metrics(scores, positive, candidate), rel=1e-12)


@given(grids())
def test_a_perfect_score_gets_one(grid: Grid) -> None:
    _, positive, candidate = grid
    metrics = grid_metrics(positive.astype(np.float64), positive, candidate)
    assert (metrics.macro_ap, metrics.mrr, metrics.hits_at_10, metrics.auroc) == (1, 1, 1, 1)
    assert (metrics.macro_ap_by_drug, metrics.average_precision) == (1, 1)


@given(grids())
def test_a_constant_score_gets_the_prevalence_and_half_the_area(grid: Grid) -> None:
    _, positive, candidate = grid
    constant = np.zeros(positive.shape)
    result = per_disease_ap(constant, positive, candidate)
    prevalence = positive.sum(axis=0) / np.maximum(candidate.sum(axis=0), 1)
    np.testing.assert_allclose(result.precision, prevalence[result.indices], rtol=1e-12)
    assert grid_metrics(constant, positive, candidate).auroc == 0.5


@given(grids())
def test_the_arguments_stay_as_they_were(grid: Grid) -> None:
    copies = [array.copy() for array in grid]
    grid_metrics(*grid)
    for array, copy in zip(grid, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_a_score_that_is_not_finite_is_named_with_its_place() -> None:
    scores = SCORES.copy()
    scores[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"scores must be finite \(got nan at row 2, column 1\)"):
        grid_metrics(scores, POSITIVE, CANDIDATE)


def test_positives_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"positives must have the shape of the scores \(4, 2\) \(got \(3, 2\)\)"):
        grid_metrics(SCORES, POSITIVE[:3], CANDIDATE)


def test_candidates_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"share one 2-d shape \(got \(4, 2\) and \(4, 1\)\)"):
        grid_metrics(SCORES, POSITIVE, CANDIDATE[:, :1])


def test_a_grid_without_positives_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one positive \(got none\)"):
        grid_metrics(SCORES, np.zeros_like(POSITIVE), CANDIDATE)


def test_a_positive_outside_the_candidates_is_named_with_its_place() -> None:
    candidate = CANDIDATE.copy()
    candidate[3, 1] = False
    with pytest.raises(ValueError, match=r"must be a candidate \(got one at row 3, column 1 that is not\)"):
        grid_metrics(SCORES, POSITIVE, candidate)


def test_a_grid_of_positives_only_has_no_auroc() -> None:
    with pytest.raises(ValueError, match=r"AUROC needs at least one negative candidate"):
        grid_metrics(SCORES, POSITIVE, POSITIVE)


def test_a_disease_without_candidates_is_named() -> None:
    empty = np.zeros((4, 1), dtype=np.bool_)
    grid = (np.hstack([SCORES, SCORES[:, :1]]), np.hstack([POSITIVE, empty]), np.hstack([CANDIDATE, empty]))
    with pytest.raises(ValueError, match=r"every disease needs a candidate drug \(got none in column 2\)"):
        grid_metrics(*grid)


def test_a_model_that_scores_all_candidates_alike_is_refused() -> None:
    scores = np.full((4, 2), 0.25)
    scores[0, 1] = 9  # masked
    with pytest.raises(ValueError, match=r"model: scores must differ between candidates \(got 0.25 for all 7\)"):
        require_informative(scores, CANDIDATE, scorer="model")


def test_a_model_that_scores_nan_is_refused_by_name() -> None:
    scores = SCORES.copy()
    scores[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"model: scores must be finite \(got nan at row 2, column 1\)"):
        require_informative(scores, CANDIDATE, scorer="model")


def test_a_model_without_candidates_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model: scores need at least one candidate \(got none\)"):
        require_informative(SCORES, np.zeros_like(CANDIDATE), scorer="model")


@given(grids())
def test_only_scores_that_are_all_alike_are_refused(grid: Grid) -> None:
    scores, _, candidate = grid
    alike = len(set(scores[candidate].tolist())) == 1
    with pytest.raises(ValueError, match="must differ") if alike else nullcontext():
        require_informative(scores, candidate, scorer="model")
