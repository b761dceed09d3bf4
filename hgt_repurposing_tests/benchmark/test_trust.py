from dataclasses import replace
from functools import cache

import pytest

from hgt_repurposing.benchmark.assumptions import OTHER_ASSUMPTIONS, WHOLE_GRID
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.benchmark.trust import (
    MAX_CALIBRATION_ERROR,
    MOST_PROBABLE,
    Calibration,
    calibration_of,
    misfit,
    num_lists,
    popularity_of,
    why_not_measured,
)
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.metrics.calibration import observed_over_expected
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid
from hgt_repurposing_tests.benchmark.measured_grids import promising

EVERY_PART = [WHOLE_GRID, *SETTINGS, MOST_PROBABLE]


def on(grid: WholeGrid) -> Calibration:
    """Calibration of an evaluation with this whole grid."""
    found = calibration_of(replace(evaluated(), whole_grid=grid))
    assert found is not None
    return found


# calibration


@cache
def promised(factor: float) -> Calibration:
    return on(promising(factor))


def test_honest_probabilities_are_calibrated() -> None:
    assert list(promised(1.0).tested) == EVERY_PART
    assert promised(1.0).verdict == "calibrated"
    assert promised(1.0).holds


@pytest.mark.parametrize(("factor", "verdict"), [(5.0, "overconfident"), (0.2, "underconfident")])
def test_probabilities_five_times_too_high_or_too_low_do_not_hold_and_the_parts_are_named(
    factor: float, verdict: str
) -> None:
    assert promised(factor).off == dict.fromkeys(EVERY_PART, verdict)
    assert promised(factor).verdict == f"{verdict} ({', '.join(EVERY_PART)})"
    assert not promised(factor).holds


def test_a_setting_that_is_off_is_named_even_if_the_whole_grid_is_not() -> None:
    # 20 treatments in each setting, over two folds.
    found = on(whole_grid(expected_in={"cold drug": 5.0, "cold pair": 4.0, "warm pair": 1.6}))
    assert found.off == {"cold drug": "overconfident", "cold pair": "overconfident"}
    assert found.verdict == "overconfident (cold drug, cold pair)"
    assert not found.holds


def test_both_ways_of_being_off_are_named() -> None:
    found = on(
        whole_grid(num_positives=dict.fromkeys(SETTINGS, 40.0), expected_in={"cold drug": 5.0, "warm pair": 0.2})
    )
    assert found.verdict == "underconfident (warm pair) and overconfident (cold drug)"


def test_top_bins_that_are_off_are_named_even_if_nothing_else_is() -> None:
    grid = whole_grid()
    bins = grid.bins.assign(
        observed=[value - 17 * (number == 1) for value, number in grid.bins[["observed", "bin"]].to_numpy()]
    )
    found = on(replace(grid, bins=bins))
    assert found.verdict == "overconfident (most probable pairs)"
    assert not found.holds


def test_what_its_interval_allows_is_no_misfit_and_said_to_be_perhaps_noise() -> None:
    found = on(whole_grid(expected_in={"cold drug": 2.2}))  # 20 treatments where 44 are expected
    assert found.perhaps_noise.keys() == {"cold drug"}
    assert found.holds
    assert found.verdict == "calibrated"
    assert "Off by more than a factor of 2, which may be noise: cold drug, 0.45 (95 % interval 0.28 to 0.70)." in (
        found.in_words()
    )


def test_settings_with_few_treatments_do_not_count_and_are_named() -> None:
    # Two treatments in each fold, where 13 are expected in all: off beyond noise, but too few to tell.
    found = on(whole_grid(num_positives={"cold pair": 2}, expected_in={"cold pair": 7.0}))
    assert misfit(found.settings["cold pair"]) == "overconfident"
    assert "cold pair" not in found.tested
    assert found.holds
    assert "Too few treatments to tell (fewer than 30): warm pair, cold disease, cold drug, cold pair." in (
        found.in_words()
    )


@pytest.mark.parametrize(("expected", "tested"), [(1.4, False), (1.5, True)])
def test_treatments_that_are_expected_count_like_hidden_ones(
    expected: float,
    tested: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    found = on(whole_grid(expected_in={"cold drug": expected}))  # times 20
    assert ("cold drug" in found.tested) is tested


def test_a_large_error_alone_is_poor_on_average() -> None:
    grid = whole_grid()
    lowest = grid.bins["bin"] == 0
    # Of 4,000 pairs of each fold: 162 in the lower bin and one in the other.
    found = on(replace(grid, bins=grid.bins.assign(observed=grid.bins["observed"] + 164 * lowest)))
    assert found.error == pytest.approx((162 + 1) / 4000)
    assert found.error > MAX_CALIBRATION_ERROR
    assert found.verdict == "poorly calibrated on average"
    assert not found.holds


def test_only_what_is_hidden_as_assumed_counts() -> None:
    grid = whole_grid()
    scorers, bins = grid.scorers.copy(), grid.bins.copy()
    for table in (scorers, bins):
        table.loc[table["assumption"].isin(list(OTHER_ASSUMPTIONS)), "expected"] *= 9
    assert on(replace(grid, scorers=scorers, bins=bins)) == on(grid)


def test_it_is_told_in_words() -> None:
    assert on(whole_grid()).in_words() == (
        "On the whole grid, all folds together, 80 pairs are expected to be hidden treatments, and 80 are: observed / "
        "expected 1.00 (95 % interval 0.79 to 1.24). By setting: warm pair 1.00, cold disease 1.00, cold drug 1.00, "
        "cold pair 1.00. Of the 200 most probable pairs, 40 are expected to be hidden treatments, and 38 are: 0.95 "
        "(95 % interval 0.67 to 1.30). Over all pairs, probabilities are off by 0.07 percentage points on average "
        "(expected calibration error 0.0008). Too few treatments to tell (fewer than 30): warm pair, cold disease, "
        "cold drug, cold pair."
    )


@pytest.mark.parametrize(
    ("observed", "found"), [(10, None), (100, None), (30, "overconfident"), (400, "underconfident"), (225, None)]
)
def test_a_misfit_is_more_than_a_factor_of_two_and_more_than_noise(observed: float, found: str | None) -> None:
    expected = 15 if observed == 10 else 100
    assert misfit(observed_over_expected(observed, expected)) == found


@pytest.mark.parametrize(
    ("evaluation", "said"),
    [
        (evaluated(), "set deployment_folds of drug_disease_split to 1 or more"),
        (replace(evaluated(), not_measured={"deployment": "of 6 treatments, none would be hidden"}), "of 6 treatments"),
    ],
)
def test_without_the_whole_grid_nothing_is_known_and_the_reason_given(evaluation: Evaluation, said: str) -> None:
    assert calibration_of(evaluation) is None
    assert f"as the whole grid was not measured: {said}" in why_not_measured(evaluation)


# popularity


@pytest.mark.parametrize(
    ("spearman", "matched", "verdict", "holds"),
    [
        (0.95, 0.52, "popularity in disguise", False),
        (-0.95, 0.52, "inverted popularity", False),
        (0.95, 0.90, "more than popularity", True),  # as an oracle's, whose mean score is the number of uses
        (0.60, 0.55, "more than popularity", True),
        (0.10, 0.55, "not popularity", True),
    ],
)
def test_a_correlation_alone_is_no_disguise(
    spearman: float,
    matched: float,
    verdict: str,
    holds: bool,  # noqa: FBT001  (a parameter of the test)
) -> None:
    popularity = popularity_of(evaluated(spearman=spearman, matched=matched), "disease")
    assert popularity is not None
    assert popularity.verdict == verdict
    assert popularity.holds is holds
    assert f"{spearman:+.2f}" in popularity.in_words()


def test_without_a_correlation_there_is_nothing_to_object_to() -> None:
    popularity = popularity_of(evaluated(spearman=float("nan"), matched=0.5), "disease")
    assert popularity is not None
    assert popularity.holds
    assert "popularity cannot be assessed" in popularity.in_words()


def test_external_pairs_have_no_lists() -> None:
    assert popularity_of(evaluated(splits=("disease", "external")), "external") is None


def test_lists_are_counted_over_one_shuffle() -> None:
    evaluation = evaluated()
    again = evaluation.diseases.assign(repeat=1, disease=evaluation.diseases["disease"] + 100)
    assert num_lists(replace(evaluation, diseases=again)) == 0
    assert num_lists(evaluation) == 12
