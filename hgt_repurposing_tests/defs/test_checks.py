"""What the checks say of an evaluation; the check of leaks is tested with whole runs."""

from dataclasses import replace

import dagster as dg
import pytest

from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.defs import checks
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.grids_by_hand import whole_grid


def with_grid(**figures: object) -> Evaluation:
    """An evaluation with these values on the whole grid."""
    return replace(evaluated(), whole_grid=whole_grid(**figures))  # type: ignore[arg-type]  # as whole_grid takes them


CASES = {
    "beats baselines": (checks.model_beats_baselines_on_held_out_diseases, evaluated(), evaluated(baseline=0.5)),
    "calibrated": (checks.probabilities_are_calibrated, with_grid(), with_grid(expected=5.0)),
    "not popularity": (
        checks.ranking_is_more_than_popularity,
        evaluated(spearman=0.95),
        evaluated(spearman=0.95, matched=0.5),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_check_of_the_evaluation_passes_and_fails_and_never_stops_the_run(name: str) -> None:
    check, good, bad = CASES[name]
    passed, failed = check(good), check(bad)
    assert isinstance(passed, dg.AssetCheckResult)
    assert isinstance(failed, dg.AssetCheckResult)
    assert (passed.passed, failed.passed) == (True, False)
    assert passed.severity is failed.severity is dg.AssetCheckSeverity.WARN


NO_PATHS = {"drug-gene-disease paths": "the graph links no drug to a gene"}


@pytest.mark.parametrize(
    "evaluation",
    [
        evaluated(),
        evaluated((0.0, 0.1, 0.4)),
        evaluated((0.1, 0.1, 0.1)),
        evaluated((0.4,)),
        evaluated(baseline=0.5),
        evaluated(left_out=NO_PATHS),
        evaluated(left_out={"random": "why not"}),
        evaluated((0.5, 0.5, 0.6), splits=("drug",)),
        evaluated((0.1, 0.2, 0.9), splits=("drug",)),
    ],
)
def test_the_check_of_the_lead_passes_where_the_model_is_ahead_and_nowhere_else(evaluation: Evaluation) -> None:
    result = checks.model_beats_baselines_on_held_out_diseases(evaluation)
    assert isinstance(result, dg.AssetCheckResult)
    standing = evaluation.lead(evaluation.headline_split).standing
    assert result.passed == (standing == "ahead")
    assert result.metadata["standing"].value == standing
    assert result.description == evaluation.headline()


def test_the_check_of_the_lead_names_baselines_that_are_missing() -> None:
    result = checks.model_beats_baselines_on_held_out_diseases(evaluated(left_out=NO_PATHS))
    assert isinstance(result, dg.AssetCheckResult)
    said = result.metadata["baselines_not_computed"].value
    assert said == "drug-gene-disease paths (the graph links no drug to a gene)"


def test_the_lead_is_described_with_its_interval() -> None:
    result = checks.model_beats_baselines_on_held_out_diseases(evaluated())
    assert isinstance(result, dg.AssetCheckResult)
    assert "95 % interval over 12 diseases" in (result.description or "")
    assert {"lower_end_of_95_percent_interval", "upper_end_of_95_percent_interval"} <= set(result.metadata)


def test_the_check_of_probabilities_names_what_is_off_with_its_figures() -> None:
    result = checks.probabilities_are_calibrated(with_grid(expected_in={"cold drug": 5.0}))
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert (result.description or "").startswith("overconfident (cold drug): On the whole grid, ")
    assert result.metadata["measured_on"].value == "whole grid"
    assert result.metadata["observed_over_expected"].value == 1
    assert result.metadata["observed_over_expected_cold_drug"].value == 0.2
    assert result.metadata["observed_over_expected_most_probable_pairs"].value == 38 / 40
    assert result.metadata["expected_calibration_error"].value == pytest.approx(6 / 8000)


@pytest.mark.parametrize(
    ("not_measured", "said"),
    [
        ({}, "set deployment_folds of drug_disease_split to 1 or more"),
        ({"deployment": "of 6 treatments, none would be hidden"}, "of 6 treatments, none would be hidden"),
    ],
)
def test_without_the_whole_grid_the_check_of_probabilities_does_not_pass_and_says_why(
    not_measured: dict[str, str], said: str
) -> None:
    result = checks.probabilities_are_calibrated(replace(evaluated(), not_measured=not_measured))
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert said in (result.description or "")


@pytest.mark.parametrize("name", ["beats baselines", "not popularity"])
def test_without_held_out_diseases_the_checks_say_what_they_measured_on(name: str) -> None:
    check, _, _ = CASES[name]
    result = check(evaluated(splits=("pair",)))
    assert isinstance(result, dg.AssetCheckResult)
    assert result.metadata["measured_on"].value == "pair"
