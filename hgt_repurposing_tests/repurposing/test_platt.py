import numpy as np
import pytest
from scipy.special import expit

from hgt_repurposing.repurposing.platt import MIN_SLOPE, calibrate


@pytest.mark.parametrize("num_heads", [1, 2, 3])
def test_the_slopes_and_the_prevalence_of_the_truth_are_found(num_heads: int) -> None:
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((num_heads, 40_000))
    outcome = generator.random(40_000) < expit(np.arange(1, num_heads + 1) @ scores - 2)
    found = calibrate(scores, outcome, np.ones(40_000))
    assert found.weights == pytest.approx(np.arange(1, num_heads + 1), abs=0.1)  # standard error .02 to .03
    assert found.intercept == pytest.approx(-2, abs=0.1)
    np.testing.assert_allclose(found.apply(scores), found.weights @ scores + found.intercept)


def test_a_head_that_says_nothing_is_left_out() -> None:
    generator = np.random.default_rng(0)
    good, flat = generator.standard_normal(20_000), np.full(20_000, 7.0)
    outcome = generator.random(20_000) < expit(2 * good - 3)
    for scores, weights in (
        (np.stack([good, -good]), (2, 0)),
        (np.stack([-good, good]), (0, 2)),
        (np.stack([-good, flat, good]), (0, 0, 2)),
    ):
        found = calibrate(scores, outcome, np.ones(20_000))
        assert found.weights == pytest.approx(weights, abs=0.2)  # standard error .06
        assert expit(found.apply(scores)).mean() == pytest.approx(outcome.mean(), rel=0.01)


def test_heads_worse_than_chance_are_silenced_and_not_turned_round() -> None:
    generator = np.random.default_rng(0)
    wrong = generator.standard_normal((3, 5000))
    outcome = generator.random(5000) < expit(-2 * wrong.sum(axis=0) - 3)
    found = calibrate(wrong, outcome, np.ones(5000))
    assert found.weights == (MIN_SLOPE,) * 3
    assert expit(found.apply(wrong)).mean() == pytest.approx(outcome.mean(), rel=0.01)


def test_the_units_of_a_head_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((2, 5000))
    outcome = generator.random(5000) < expit(scores.sum(axis=0))
    units = np.array([[1e-3], [1e3]])
    found = calibrate(scores * units, outcome, np.ones(5000)).apply(scores * units)
    np.testing.assert_allclose(found, calibrate(scores, outcome, np.ones(5000)).apply(scores), atol=1e-3)


def test_cells_count_for_those_that_they_stand_for() -> None:
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((2, 4000))
    outcome = generator.random(4000) < expit(scores.sum(axis=0))
    weight = np.where(outcome, 1.0, 100.0)
    predicted = expit(calibrate(scores, outcome, weight).apply(scores))
    assert (predicted * weight).sum() == pytest.approx(outcome.sum(), rel=0.01)  # the intercept's own condition
