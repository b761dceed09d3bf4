import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.metrics.pooled_cells import num_found, standings
from hgt_repurposing.metrics.ranking import per_disease_ap
from hgt_repurposing.metrics.top import share_in_top

ONES = np.ones(5)
CellList = tuple[FloatArray, BoolArray, FloatArray]
"""Scores, positives and weights. Shape [num_cells] each."""


@st.composite
def lists(draw: st.DrawFn) -> CellList:
    """Scores with many ties, both outcomes, and weights from a tenth to a few hundred."""
    size = draw(st.integers(2, 30))
    scores = draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
    others = draw(st.lists(st.booleans(), min_size=size - 2, max_size=size - 2))
    weight = draw(st.lists(st.sampled_from([0.1, 1.0, 2.5, 300.0]), min_size=size, max_size=size))
    return np.array(scores, dtype=np.float64), np.array([True, False, *others]), np.array(weight)


# AUROC and average precision


def test_standings_by_hand() -> None:
    # From the top: +, then + and - together, then -, then +. Placements: all of 2 negatives below, half of one tie and
    # the other below, none; precisions 1/1, 2/3, 3/5.
    scores, positive = np.array([5.0, 3, 3, 2, 1]), np.array([True, True, False, False, True])
    found = standings(scores, positive, ONES)
    assert found.placement.tolist() == [1, 0.75, 0]
    assert found.precision.tolist() == pytest.approx([1, 2 / 3, 3 / 5])


def test_standings_are_in_the_order_of_the_positives() -> None:
    found = standings(np.array([1.0, 5, 2]), np.array([True, True, False]), ONES[:3])
    assert found.placement.tolist() == [0, 1]


@given(lists())
def test_their_weighted_means_are_the_metrics_of_scikit_learn(
    of: CellList,
) -> None:
    scores, positive, weight = of
    found, of_positives = standings(scores, positive, weight), weight[positive]
    area = roc_auc_score(positive, scores, sample_weight=weight)
    precision = average_precision_score(positive, scores, sample_weight=weight)
    assert np.average(found.placement, weights=of_positives) == pytest.approx(area)
    assert np.average(found.precision, weights=of_positives) == pytest.approx(precision)


@given(lists())
def test_without_weights_their_means_are_the_metrics_of_scikit_learn(
    of: CellList,
) -> None:
    scores, positive, weight = of
    found = standings(scores, positive, np.ones_like(weight))
    assert found.placement.mean() == pytest.approx(roc_auc_score(positive, scores))
    assert found.precision.mean() == pytest.approx(average_precision_score(positive, scores))
    column = per_disease_ap(scores[:, None], positive[:, None], np.ones_like(positive[:, None]))
    assert found.precision.mean() == pytest.approx(column.precision[0])


@given(lists(), st.integers(1, 4))
def test_a_cell_of_weight_n_is_n_cells(of: CellList, times: int) -> None:
    scores, positive, _ = of
    count = np.where(np.arange(len(scores)) % 2, times, 1)
    one = standings(scores, positive, count.astype(np.float64))
    several = standings(np.repeat(scores, count), np.repeat(positive, count), np.ones(count.sum()))
    for mine, theirs in zip(one, several, strict=True):
        np.testing.assert_allclose(np.repeat(mine, count[positive]), theirs)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=rf"scores must be finite \(got {wrong}\)"):
        standings(np.array([1.0, wrong]), np.array([True, False]), ONES[:2])


@pytest.mark.parametrize("num_positives", [0, 3])
def test_a_list_of_one_outcome_is_refused(num_positives: int) -> None:
    with pytest.raises(ValueError, match=rf"positives and negatives \(got {num_positives} positives of 3\)"):
        standings(np.arange(3.0), np.arange(3) < num_positives, ONES[:3])


# numbers found


def test_numbers_found_by_hand() -> None:
    scores, positive = np.array([9.0, 7, 7, 7, 1]), np.array([True, True, False, False, True])
    found = [num_found(scores, positive, ONES, top=top) for top in range(1, 7)]
    assert found == pytest.approx([1, 1 + 1 / 3, 1 + 2 / 3, 2, 3, 3])  # a third of the tie is the positive


def test_a_cell_that_stands_for_many_fills_their_places() -> None:
    scores, positive, weight = np.array([3.0, 2, 1]), np.array([False, True, True]), np.array([4.0, 3, 1])
    assert [num_found(scores, positive, weight, top=top) for top in (4, 6, 7, 8)] == [0, 2, 3, 4]


@given(lists(), st.integers(1, 35))
def test_without_weights_numbers_found_are_the_shares_in_the_top(of: CellList, top: int) -> None:
    scores, positive, weight = of
    expected = share_in_top(scores, top) @ positive
    assert num_found(scores, positive, np.ones_like(weight), top=top) == pytest.approx(expected)
