import numpy as np
import pytest
from scipy.stats import poisson

from hgt_repurposing.metrics.calibration import expected_calibration_error, observed_over_expected

# observed over expected


@pytest.mark.parametrize("observed", [1, 7, 120])
def test_at_either_end_of_the_interval_what_was_seen_is_rare(observed: int) -> None:
    found = observed_over_expected(observed, 10.0)
    assert found.ratio == observed / 10
    # With the mean at either end, as many or more (fewer) are seen with probability 2.5 %.
    assert poisson.sf(observed - 1, found.lower * 10) == pytest.approx(0.025)
    assert poisson.cdf(observed, found.upper * 10) == pytest.approx(0.025)


def test_where_nothing_was_found_the_interval_begins_at_nothing() -> None:
    found = observed_over_expected(0, 2.0)
    assert (found.ratio, found.lower) == (0, 0)
    assert found.upper == pytest.approx(3.689 / 2, abs=0.001)  # 3.689: exact upper limit of no event


def test_where_positives_stand_for_several_the_interval_is_of_those_that_were_seen() -> None:
    assert observed_over_expected(12, 8.0, stands_for=4)[2:] == pytest.approx(observed_over_expected(3, 2.0)[2:])


@pytest.mark.parametrize("expected", [0.0, -1.0, float("nan")])
def test_where_nothing_is_expected_there_is_no_ratio(expected: float) -> None:
    with pytest.raises(ValueError, match=rf"must be above 0 \(got {expected}\)"):
        observed_over_expected(1, expected)


# the error


def test_the_error_is_the_mean_difference_of_shares_weighted_by_cells() -> None:
    expected, observed, num_cells = np.array([0.1, 2.6]), np.array([1.0, 2.0]), np.array([1.0, 3.0])
    by_hand = (1 * abs(1 / 1 - 0.1 / 1) + 3 * abs(2 / 3 - 2.6 / 3)) / 4  # one too low, one too high
    assert expected_calibration_error(expected, observed, num_cells) == pytest.approx(by_hand)


def test_honest_probabilities_have_a_small_error_and_doubled_ones_a_large_one() -> None:
    generator = np.random.default_rng(0)
    probability = np.sort(generator.random(20_000) / 2).reshape(10, -1)
    outcome = generator.random(probability.shape) < probability
    expected, observed, num_cells = probability.sum(axis=1), outcome.sum(axis=1), np.full(10, 2000.0)
    # 2,000 cells per bin: the standard error of an observed share is at most .011.
    assert expected_calibration_error(expected, observed, num_cells) < 0.02
    assert expected_calibration_error(2 * expected, observed, num_cells) == pytest.approx(0.25, abs=0.02)
