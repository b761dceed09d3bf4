import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.metrics.uncertainty import BootstrapDifference, bootstrap_difference, top_overlap


def resampled(
    model: FloatArray, baseline: FloatArray, disease: IntArray, *, seed: int = 0, confidence: float = 0.95
) -> BootstrapDifference:
    generator = np.random.default_rng(seed)
    return bootstrap_difference(
        model, baseline, disease, generator=generator, num_resamples=2000, confidence=confidence
    )


MIDDLE = 0.4
"""Confidence of an interval that both ends of lie among the middle half of the resamples."""


# bootstrap


def test_the_bootstrap_of_two_diseases_by_hand() -> None:
    # Differences 0 and 1: the mean of a resample is 0, 1/2, 1 with chance 1/4, 1/2, 1/4.
    result = resampled(np.array([0.5, 1.0]), np.array([0.5, 0.0]), np.array([7, 9]))
    assert (result.mean, result.lower, result.upper, result.num_diseases) == (0.5, 0.0, 1.0, 2)
    middle = resampled(np.array([0.5, 1.0]), np.array([0.5, 0.0]), np.array([7, 9]), confidence=MIDDLE)
    assert (middle.lower, middle.upper) == (0.5, 0.5)


def test_a_constant_lead_has_no_spread() -> None:
    baseline = np.linspace(0, 0.5, 12)
    result = resampled(baseline + 0.25, baseline, np.arange(12))
    assert (result.mean, result.lower, result.upper) == pytest.approx((0.25, 0.25, 0.25))


def test_the_interval_is_about_two_standard_errors_to_each_side() -> None:
    difference = np.random.default_rng(1).normal(0.1, 1, 400)
    result = resampled(difference, np.zeros(400), np.arange(400))
    error = difference.std() / np.sqrt(400)
    assert result.upper - result.lower == pytest.approx(2 * 1.96 * error, rel=0.1)


def test_values_of_one_disease_are_drawn_together() -> None:
    difference = np.random.default_rng(1).normal(0, 1, 100)
    once = resampled(difference, np.zeros(100), np.arange(100))
    copied = resampled(np.tile(difference, 5), np.zeros(500), np.tile(np.arange(100), 5))
    independent = resampled(np.tile(difference, 5), np.zeros(500), np.arange(500))
    assert copied.upper - copied.lower == pytest.approx(once.upper - once.lower, rel=0.1)
    assert independent.upper - independent.lower < 0.6 * (once.upper - once.lower)


def test_every_value_weighs_the_same_in_a_resample_too() -> None:
    # One value of +1 and three of -1/2: each disease alone in a quarter of the resamples, both in the other half, where
    # the four values have one weight each; as two diseases of one weight they would have a mean of 1/4.
    result = resampled(np.array([1, -0.5, -0.5, -0.5]), np.zeros(4), np.array([0, 1, 1, 1]))
    assert result.mean == -0.125
    assert (result.lower, result.upper) == (-0.5, 1.0)
    middle = resampled(np.array([1, -0.5, -0.5, -0.5]), np.zeros(4), np.array([0, 1, 1, 1]), confidence=MIDDLE)
    assert (middle.lower, middle.upper) == (-0.125, -0.125)


def test_a_value_that_represents_two_weighs_as_much_as_twice_the_value() -> None:
    model, baseline, disease = np.array([0.3, 0.5, 0.9, 0.2]), np.array([0.1, 0.6, 0.4, 0.2]), np.array([0, 0, 1, 2])
    twice = np.array([0, 1, 1, 2, 3])
    weighted = bootstrap_difference(
        model, baseline, disease, generator=np.random.default_rng(0), weight=np.array([1.0, 2.0, 1.0, 1.0])
    )
    repeated = bootstrap_difference(model[twice], baseline[twice], disease[twice], generator=np.random.default_rng(0))
    assert weighted == pytest.approx(repeated)
    assert weighted.mean != pytest.approx((model - baseline).mean())


def test_the_bootstrap_repeats_with_the_seed() -> None:
    values = np.random.default_rng(1).random((2, 30))
    first, second, other = (resampled(values[0], values[1], np.arange(30), seed=seed) for seed in (3, 3, 4))
    assert first == second
    assert first != other


@given(hnp.arrays(np.float64, st.integers(2, 12), elements=st.floats(-1, 1)), st.integers(0, 2**32 - 1))
@example(np.full(2, 0.013), 0)  # interpolated between equal means, the ends pass each other
def test_the_mean_lies_between_the_extremes_and_the_interval_too(difference: FloatArray, seed: int) -> None:
    result = resampled(difference, np.zeros_like(difference), np.arange(len(difference)), seed=seed)
    rounding = 1e-12  # a mean of twelve numbers up to 1, and a quantile between two means, are off by some 2^-49
    bounds = (difference.min() - rounding, result.lower, result.upper, difference.max() + rounding)
    assert list(bounds) == sorted(bounds)
    assert bounds[0] <= result.mean <= bounds[-1]


def test_a_bootstrap_over_one_disease_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least two diseases \(got 1\)"):
        resampled(np.array([0.5, 1.0]), np.array([0.5, 0.0]), np.array([7, 7]))


def test_unpaired_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"share one 1-d shape \(got \(2,\), \(3,\) and \(2,\)\)"):
        resampled(np.zeros(2), np.zeros(3), np.arange(2))


def test_a_value_that_is_not_finite_is_named_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"values must be finite \(got 0.0 and nan at index 1\)"):
        resampled(np.zeros(2), np.array([0, np.nan]), np.arange(2))


# overlap

FIRST = np.array([[4.0, 1.0], [3.0, 2.0], [2.0, 3.0], [1.0, 4.0]])
EVERYTHING = np.ones((4, 2), dtype=np.bool_)


def test_the_overlap_of_the_worked_example() -> None:
    second = FIRST.copy()
    second[:, 0] = [4, 1, 3, 2]  # disease 0 lists drugs 0 and 2 instead of 0 and 1: one of two, one of three in either
    overlap = top_overlap(FIRST, second, EVERYTHING, top=2)
    assert (overlap.share, overlap.jaccard) == pytest.approx(((1 / 2 + 1) / 2, (1 / 3 + 1) / 2))


def test_the_overlap_of_opposite_orders_is_none() -> None:
    assert top_overlap(FIRST, -FIRST, EVERYTHING, top=2) == (0.0, 0.0)


def test_constant_scores_agree_no_more_than_chance() -> None:
    flat = np.zeros((4, 2))
    assert top_overlap(flat, flat, EVERYTHING, top=2).share == 0.5


def test_masked_drugs_stand_in_no_list() -> None:
    candidate = EVERYTHING.copy()
    candidate[0, 0] = False
    second = FIRST.copy()
    second[0, 0] = -9.0
    assert top_overlap(FIRST, second, candidate, top=2) == (1.0, 1.0)


@given(hnp.arrays(np.float64, (6, 3), elements=st.integers(-50, 50).map(float), unique=True), st.integers(1, 6))
def test_a_scorer_agrees_with_a_monotone_map_of_itself(scores: FloatArray, top: int) -> None:
    assert top_overlap(scores, np.exp(scores / 100), np.ones((6, 3), dtype=np.bool_), top=top) == (1.0, 1.0)


def test_a_list_longer_than_its_candidates_is_refused() -> None:
    candidate = EVERYTHING.copy()
    candidate[:2, 1] = False
    with pytest.raises(ValueError, match=r"a list of 3 drugs needs as many candidates per disease \(got 2\)"):
        top_overlap(FIRST, FIRST, candidate, top=3)


def test_overlap_of_scores_of_different_shapes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"share one 2-d shape \(got \(4, 2\), \(3, 2\) and \(4, 2\)\)"):
        top_overlap(FIRST, FIRST[:3], EVERYTHING, top=1)


def test_overlap_with_scores_that_are_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="scores must be finite"):
        top_overlap(FIRST, np.full((4, 2), np.nan), EVERYTHING, top=1)
