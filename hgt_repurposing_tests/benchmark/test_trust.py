from dataclasses import replace

import pytest

from hgt_repurposing.benchmark.trust import calibration_of, num_lists, popularity_of
from hgt_repurposing_tests.benchmark.evaluations import evaluated


@pytest.mark.parametrize(
    ("bins", "verdict"),
    [
        (((0.01, 0.01), (0.1, 0.05)), "poorly calibrated on average"),
        (((0.01, 0.01), (0.03, 0.015)), "calibrated"),
        (((0.01, 0.01), (0.03, 0.060)), "calibrated"),
        (((0.01, 0.01), (0.03, 0.014)), "overconfident"),
        (((0.01, 0.01), (0.03, 0.061)), "underconfident"),
    ],
)
def test_probabilities_hold_within_both_bounds(bins: tuple[tuple[float, float], ...], verdict: str) -> None:
    calibration = calibration_of(evaluated(bins=bins), "disease")
    assert calibration is not None
    assert calibration.verdict == verdict
    assert calibration.holds == (verdict == "calibrated")


def test_the_top_bin_is_counted_in_pairs() -> None:
    calibration = calibration_of(evaluated(), "disease")
    assert calibration is not None
    assert (calibration.top_pairs, calibration.top_expected, calibration.top_observed) == (1000, 100, 80)
    assert calibration.prevalence == pytest.approx(92 / 3000)


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


def test_external_pairs_have_neither_probabilities_nor_lists() -> None:
    evaluation = evaluated(splits=("disease", "external"))
    assert calibration_of(evaluation, "external") is None
    assert popularity_of(evaluation, "external") is None


def test_lists_are_counted_over_one_shuffle() -> None:
    evaluation = evaluated()
    again = evaluation.diseases.assign(repeat=1, disease=evaluation.diseases["disease"] + 100)
    assert num_lists(replace(evaluation, diseases=again)) == 0
    assert num_lists(evaluation) == 12
