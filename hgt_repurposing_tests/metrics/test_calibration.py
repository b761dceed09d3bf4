import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.calibration import calibration_curve as second_opinion

from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.metrics.calibration import calibration_curve, expected_calibration_error

PROBABILITY = np.array([0.8, 0.1, 0.4, 0.2])
OUTCOME = np.array([True, False, False, True])

Predictions = tuple[FloatArray, BoolArray]


@st.composite
def predictions(draw: st.DrawFn) -> Predictions:
    """Probabilities in tenths, so that ties are the rule."""
    size = draw(st.integers(5, 40))
    tenths = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 10)))
    return tenths / 10, draw(hnp.arrays(np.bool_, size))


# the curve


def test_the_worked_example_has_the_curve_found_by_hand() -> None:
    curve = calibration_curve(PROBABILITY, OUTCOME, num_bins=2)
    assert curve.edges.tolist() == [0.1, 0.4, 0.8]
    assert curve.predicted.tolist() == pytest.approx([0.15, 0.6])
    assert curve.observed.tolist() == [0.5, 0.5]
    assert curve.num_pairs.tolist() == [2, 2]
    assert expected_calibration_error(curve) == pytest.approx((0.35 + 0.1) / 2)


def test_pairs_of_one_probability_stay_in_one_bin() -> None:
    curve = calibration_curve(np.array([0.1, 0.2, 0.2, 0.2, 0.2, 0.9]), np.zeros(6, dtype=np.bool_), num_bins=3)
    assert curve.num_pairs.tolist() == [1, 5]  # the second and the third bin would both begin in the tie


def test_larger_bins_weigh_more() -> None:
    curve = calibration_curve(np.array([0.1, 0.2, 0.2, 0.2]), np.array([False, True, True, True]), num_bins=2)
    assert expected_calibration_error(curve) == pytest.approx((1 * 0.1 + 3 * 0.8) / 4)


@given(predictions(), st.integers(1, 5))
def test_the_bins_hold_every_pair_once(given_pairs: Predictions, num_bins: int) -> None:
    probability, outcome = given_pairs
    curve = calibration_curve(probability, outcome, num_bins=num_bins)
    assert curve.num_pairs.sum() == len(probability)
    assert curve.num_pairs @ curve.predicted == pytest.approx(probability.sum())
    assert curve.num_pairs @ curve.observed == pytest.approx(outcome.sum())
    assert (np.diff(curve.edges[:-1]) > 0).all()


@given(predictions(), st.integers(1, 5))
def test_every_bin_predicts_between_its_edges(given_pairs: Predictions, num_bins: int) -> None:
    curve = calibration_curve(*given_pairs, num_bins=num_bins)
    rounding = 1e-12  # a mean of 40 numbers up to 1 is off by 40 times 2^-53 at most
    assert (curve.predicted >= curve.edges[:-1] - rounding).all()
    assert (curve.predicted <= curve.edges[1:] + rounding).all()


def test_without_ties_the_curve_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    probability = generator.random(1000)
    outcome = generator.random(1000) < probability**2
    curve = calibration_curve(probability, outcome)
    observed, predicted = second_opinion(outcome, probability, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(curve.predicted, predicted, atol=1e-12)
    np.testing.assert_allclose(curve.observed, observed, atol=1e-12)
    assert curve.num_pairs.tolist() == [100] * 10


def test_honest_probabilities_have_a_small_error_and_doubled_ones_a_large_one() -> None:
    generator = np.random.default_rng(0)
    probability = generator.random(20_000) / 2
    outcome = generator.random(20_000) < probability
    # 2,000 pairs per bin: the standard error of an observed share is at most .011.
    assert expected_calibration_error(calibration_curve(probability, outcome)) < 0.02
    assert expected_calibration_error(calibration_curve(2 * probability, outcome)) == pytest.approx(0.25, abs=0.02)


# what is refused


@pytest.mark.parametrize(("wrong", "shown"), [(np.nan, "nan"), (1.5, "1.5"), (-0.1, "-0.1")])
def test_a_probability_outside_its_range_is_named_with_its_place(wrong: float, shown: str) -> None:
    probability = PROBABILITY.copy()
    probability[2] = wrong
    with pytest.raises(ValueError, match=rf"must be in \[0, 1\] \(got {shown} at index 2\)"):
        calibration_curve(probability, OUTCOME, num_bins=2)


def test_outcomes_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"share one 1-d shape \(got \(4,\) and \(3,\)\)"):
        calibration_curve(PROBABILITY, OUTCOME[:3], num_bins=2)


@pytest.mark.parametrize("num_bins", [0, 5])
def test_more_bins_than_pairs_and_none_are_refused(num_bins: int) -> None:
    with pytest.raises(ValueError, match=rf"num_bins must be between 1 and the number of pairs, 4 \(got {num_bins}\)"):
        calibration_curve(PROBABILITY, OUTCOME, num_bins=num_bins)
