"""An evaluation is made of whole tables, with as many metrics as there are."""

from dataclasses import replace

import numpy as np
import pytest

from hgt_repurposing_tests.benchmark.evaluations import evaluated


def test_metrics_come_and_go() -> None:
    found = evaluated()
    more = found.folds.drop(columns="mrr").assign(another=float("nan"), num_others=3)
    assert list(replace(found, folds=more).folds) == list(more)


def test_a_share_may_round_to_above_one() -> None:
    found = evaluated()
    trust = found.trust.assign(drug_entropy=np.nextafter(1, 2))
    assert replace(found, trust=trust).trust is trust


@pytest.mark.parametrize(
    ("table", "column", "value", "said"),
    [
        ("folds", "macro_ap", "high", r"column 'macro_ap' must be float64 \(got str\)"),
        ("folds", "fold", 0, r"must have each split, suite, scorer, repeat, fold once \(got disease, strict, model.*"),
        ("folds", "num_positives", -1, r"column 'num_positives' must be at least 0 \(got -1 in row 1\)"),
        ("diseases", "average_precision", 1.5, r"column 'average_precision' must be between 0 and 1 \(got 1.5 in.*"),
        ("trust", "drug_entropy", float("nan"), r"column 'drug_entropy' must have no missing value .*"),
        ("frequent", "kind", "gene", r"column 'kind' must be drug or disease \(got 'gene' in row 1\)"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused(table: str, column: str, value: object, said: str) -> None:
    found = evaluated()
    with pytest.raises(ValueError, match=rf"^the evaluation's table '{table}':? {said}$"):
        replace(found, **{table: getattr(found, table).assign(**{column: value})})


@pytest.mark.parametrize("table", ["folds", "diseases", "trust", "frequent"])
def test_a_table_without_a_column_is_refused(table: str) -> None:
    found = evaluated()
    first = getattr(found, table).columns[0]
    with pytest.raises(ValueError, match=rf"table '{table}' must have the columns .* \(got none called '{first}'\)$"):
        replace(found, **{table: getattr(found, table).drop(columns=first)})
