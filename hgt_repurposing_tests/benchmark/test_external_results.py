"""Results on external pairs: by file, as a whole artefact, and only if they fit together."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.external_results import ExternalResults
from hgt_repurposing.benchmark.results import Evaluation
from hgt_repurposing.graph.external_pairs import POOLED
from hgt_repurposing.storage.artifacts import read_artifact, write_artifact
from hgt_repurposing.storage.manifest import Provenance
from hgt_repurposing_tests.benchmark.evaluations import evaluated
from hgt_repurposing_tests.benchmark.outside import FIRST, outside_results


def test_files_without_treatments_are_not_measured() -> None:
    assert outside_results().measured == ["trials", "catalog", POOLED]


def test_a_lead_is_that_of_the_file_and_over_the_best_baseline() -> None:
    found = outside_results((FIRST,)).of("trials")
    lead = found.lead("auroc")
    assert lead is not None
    assert lead.baseline == "drug degree"
    assert lead.own == found.mean("model", "auroc")
    assert lead.mean == pytest.approx(found.mean("model", "auroc") - found.mean("drug degree", "auroc"))
    assert lead.num_diseases == 8
    assert lead.interval is not None
    assert lead.standing == "ahead"
    assert lead.in_words().startswith("On pairs from outside the graph the model beats the best baseline (drug degree)")


def test_chance_is_never_the_best_baseline() -> None:
    found = outside_results((FIRST,)).of("trials")
    lucky = found.scorers.assign(auroc=np.where(found.scorers["scorer"] == "random", 1.0, found.scorers["auroc"]))
    assert replace(found, scorers=lucky).best_baseline("auroc") == "drug degree"


def test_a_file_of_few_diseases_is_neither_ahead_nor_behind() -> None:
    lead = outside_results().of("catalog").lead("auroc")
    assert lead is not None
    assert (lead.standing, lead.doubt) == ("tied", "too few")


def test_a_setting_without_treatments_has_no_lead() -> None:
    assert outside_results().of("catalog").lead("auroc", setting="cold pair") is None


def test_results_round_trip_through_the_evaluation(tmp_path: Path) -> None:
    evaluation = replace(evaluated(splits=("disease", "external")), external=outside_results())
    write_artifact(tmp_path, "repurposing_evaluation", evaluation.to_parts(), Provenance())
    found = Evaluation.from_parts(read_artifact(tmp_path, "repurposing_evaluation")).external
    assert found is not None
    assert evaluation.external is not None
    for name in ("files", "scorers", "positives"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(evaluation.external, name))


def test_without_external_pairs_there_are_no_results() -> None:
    assert ExternalResults.from_parts(evaluated().to_parts()) is None


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("files", "file", "trials", r"must have each file once \(got trials again in row 2\)"),
        ("scorers", "auroc", 1.5, r"column 'auroc' must be between 0 and 1 \(got 1.5 in row 1\)"),
        ("positives", "weight", -1.0, r"column 'weight' must be at least 0 \(got -1.0 in row 1\)"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused(table: str, column: str, value: object, said: str) -> None:
    found = outside_results()
    with pytest.raises(ValueError, match=rf"^the table '{table}' of external pairs:? {said}$"):
        replace(found, **{table: getattr(found, table).assign(**{column: value})})
