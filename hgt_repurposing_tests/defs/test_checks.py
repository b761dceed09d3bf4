"""What the checks say of an evaluation; the check of leaks is tested with whole runs."""

import dagster as dg
import pytest

from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.defs import checks
from hgt_repurposing_tests.benchmark.evaluations import evaluated

BAD_BINS = ((0.01, 0.01), (0.5, 0.1))
CASES = {
    "beats baselines": (checks.model_beats_baselines_on_held_out_diseases, evaluated(), evaluated(baseline=0.5)),
    "calibrated": (checks.probabilities_are_calibrated_on_held_out_diseases, evaluated(), evaluated(bins=BAD_BINS)),
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


def test_without_held_out_diseases_the_checks_say_what_they_measured_on() -> None:
    for check, _, _ in CASES.values():
        result = check(evaluated(splits=("pair",)))
        assert isinstance(result, dg.AssetCheckResult)
        assert result.metadata["measured_on"].value == "pair"
