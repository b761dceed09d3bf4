import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from hgt_repurposing.repurposing.blend import MIN_EXPECTED, PRIOR_WEIGHT, fit_blend, mean_log_odds, sum_to


@pytest.mark.parametrize("num_scores", [1, 2, 3])
def test_the_weights_and_the_prevalence_of_the_truth_are_found(num_scores: int) -> None:
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((40_000, num_scores))
    outcome = generator.random(40_000) < expit(scores @ np.arange(1, num_scores + 1) - 2)
    found = fit_blend(scores, outcome, np.ones(40_000))
    assert found.weights == pytest.approx(np.arange(1, num_scores + 1), abs=0.1)  # standard error .02 to .03
    assert found.intercept == pytest.approx(-2, abs=0.1)
    np.testing.assert_allclose(found.apply(scores), scores @ found.weights + found.intercept)


def test_a_score_that_says_nothing_is_left_out() -> None:
    generator = np.random.default_rng(0)
    good, flat = generator.standard_normal(20_000), np.full(20_000, 7.0)
    outcome = generator.random(20_000) < expit(2 * good - 3)
    for scores, weights in (
        (np.stack([good, -good], axis=1), (2, 0)),
        (np.stack([-good, good], axis=1), (0, 2)),
        (np.stack([-good, flat, good], axis=1), (0, 0, 2)),
    ):
        found = fit_blend(scores, outcome, np.ones(20_000))
        assert found.weights == pytest.approx(weights, abs=0.2)  # standard error .06
        assert expit(found.apply(scores)).mean() == pytest.approx(outcome.mean(), rel=0.01)


def test_a_constant_score_has_no_weight_whatever_its_rounding() -> None:
    generator = np.random.default_rng(0)
    good = generator.standard_normal(1000)
    flat = 0.1 + generator.choice([-1e-17, 0, 1e-17], 1000)
    nearly = 1e6 * (1 + 1e-9 * generator.standard_normal(1000))
    outcome = generator.random(1000) < expit(good)
    found = fit_blend(np.stack([flat, good, nearly], axis=1), outcome, np.ones(1000))
    assert found.weights[0] == found.weights[2] == 0
    assert found.weights[1] > 0.5


def test_scores_worse_than_chance_are_silenced_and_not_turned_round() -> None:
    generator = np.random.default_rng(0)
    wrong = generator.standard_normal((5000, 3))
    outcome = generator.random(5000) < expit(-2 * wrong.sum(axis=1) - 3)
    found = fit_blend(wrong, outcome, np.ones(5000))
    assert set(found.weights) == {0}
    assert expit(found.apply(wrong)).mean() == pytest.approx(outcome.mean(), rel=0.01)


@given(st.integers(0, 99), st.integers(1, 6), st.floats(0.01, 0.99))
def test_no_weight_is_negative_and_probabilities_sum_to_the_positives(seed: int, num_scores: int, share: float) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.standard_normal((300, num_scores)) * generator.exponential(10, num_scores)
    outcome, weight = generator.random(300) < share, generator.exponential(5, 300)
    outcome[0] = True
    found = fit_blend(scores, outcome, weight)
    assert min(found.weights) >= 0
    assert weight @ expit(found.apply(scores)) == pytest.approx(weight @ outcome, rel=0.01)


def test_the_units_of_a_score_do_not_matter() -> None:
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((5000, 2))
    outcome = generator.random(5000) < expit(scores.sum(axis=1))
    units = np.array([1e-3, 1e3])
    found = fit_blend(scores * units, outcome, np.ones(5000)).apply(scores * units)
    np.testing.assert_allclose(found, fit_blend(scores, outcome, np.ones(5000)).apply(scores), atol=1e-3)


def test_cells_count_for_those_that_they_stand_for() -> None:
    generator = np.random.default_rng(0)
    scores = generator.standard_normal((4000, 2))
    outcome = generator.random(4000) < expit(scores.sum(axis=1))
    weight = np.where(outcome, 1.0, 100.0)
    predicted = expit(fit_blend(scores, outcome, weight).apply(scores))
    assert (predicted * weight).sum() == pytest.approx(outcome.sum(), rel=0.01)  # the intercept's own condition


# little or nothing to learn from


def test_without_a_positive_all_scores_agree_a_little_and_half_a_positive_is_expected() -> None:
    scores = np.random.default_rng(0).standard_normal((1000, 3)) * [1, 10, 0.1]
    found = fit_blend(scores, np.zeros(1000, dtype=np.bool_), np.full(1000, 5.0))
    assert np.array(found.weights) * scores.std(axis=0) == pytest.approx([PRIOR_WEIGHT] * 3)
    assert found.apply(scores).mean() == pytest.approx(np.log(MIN_EXPECTED / 5000))
    assert 5 * expit(found.apply(scores)).sum() == pytest.approx(MIN_EXPECTED, rel=0.05)


def test_a_single_positive_hardly_moves_the_prior() -> None:
    scores = np.random.default_rng(0).standard_normal((1000, 2))
    outcome = np.arange(1000) == scores[:, 0].argmax()
    found = fit_blend(scores, outcome, np.ones(1000))
    assert found.weights[0] > PRIOR_WEIGHT
    assert expit(found.apply(scores)).sum() == pytest.approx(1, rel=0.01)


def test_positives_everywhere_are_certain_and_finite() -> None:
    scores = np.random.default_rng(0).standard_normal((20, 2))
    found = fit_blend(scores, np.ones(20, dtype=np.bool_), np.ones(20)).apply(scores)
    assert np.isfinite(found).all()
    assert (expit(found) > 0.9).all()


def test_without_scores_every_cell_has_the_prevalence() -> None:
    found = fit_blend(np.ones((10, 1)), np.arange(10) < 2, np.ones(10))
    assert set(found.weights) == {0}
    np.testing.assert_allclose(expit(found.apply(np.ones((10, 1)))), 0.2, rtol=1e-3)


def test_without_a_cell_there_is_nothing_to_blend() -> None:
    with pytest.raises(ValueError, match=r"a blend needs at least one cell \(got none\)"):
        fit_blend(np.empty((0, 2)), np.empty(0, dtype=np.bool_), np.empty(0))


# several members


@given(st.integers(0, 99), st.integers(1, 5))
def test_members_are_averaged_as_probabilities(seed: int, num_members: int) -> None:
    members = np.random.default_rng(seed).normal(-3, 4, (num_members, 50))
    found = mean_log_odds(list(members))
    np.testing.assert_allclose(expit(found), expit(members).mean(axis=0), rtol=1e-9)
    if num_members == 1:
        np.testing.assert_allclose(found, members[0], rtol=1e-9)


def test_averages_of_near_certainties_are_finite() -> None:
    low, high = np.full(2, -800.0), np.array([-790.0, 800.0])
    found = mean_log_odds([low, high])
    np.testing.assert_allclose(found, [-790 - np.log(2), 0], atol=1e-4)


# a number that is expected


@given(st.integers(0, 99), st.floats(0.001, 0.999))
def test_shifted_probabilities_sum_to_any_number_below_that_of_the_cells(seed: int, share: float) -> None:
    generator = np.random.default_rng(seed)
    log_odds, weight = generator.normal(-5, 3, 200), generator.exponential(3, 200)
    number = share * weight.sum()
    shift = sum_to(number, log_odds, weight)
    assert weight @ expit(log_odds + shift) == pytest.approx(number, rel=1e-6)


def test_a_number_that_is_met_already_shifts_nothing() -> None:
    log_odds, weight = np.array([-1.0, 0, 2]), np.array([1.0, 2, 3])
    assert sum_to(float(weight @ expit(log_odds)), log_odds, weight) == pytest.approx(0, abs=1e-9)
