from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs, ColumnScores
from hgt_repurposing.baselines.catalogue import BASELINES, STACKED, baselines_for
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing.baselines.stacking import logistic_regression
from hgt_repurposing.graph.kernel import Eigenvectors
from hgt_repurposing_tests.baselines.fold_inputs import fold_inputs, planted_fold, scores_of, two_blocks, without_genes


def test_every_rule_and_the_stack_of_them_have_a_name_of_their_own() -> None:
    assert list(BASELINES) == [*(rule.name for rule in RULES), STACKED.name]
    assert len(BASELINES) == len(RULES) + 1


def test_a_graph_with_genes_has_every_baseline() -> None:
    table = baselines_for(fold_inputs())
    assert ([baseline.name for baseline in table.usable], dict(table.missing)) == (list(BASELINES), {})


def test_without_genes_the_baselines_by_genes_are_left_out_with_the_reason() -> None:
    table = baselines_for(without_genes())
    assert dict(table.missing) == {
        "disease similarity by genes": "the graph links no disease to a gene",
        "drug similarity by targets": "the graph links no drug to a gene",
        "drug-gene-disease paths": "the graph links no disease to a gene",
    }
    assert [baseline.name for baseline in table.usable] == [name for name in BASELINES if name not in table.missing]


def kernels_of_no_round_numbers() -> BaselineInputs:
    generator = np.random.default_rng(0)
    drugs, diseases = (Eigenvectors(generator.normal(size=(size, 17)), generator.random(17)) for size in (60, 20))
    return replace(planted_fold(seed=2), drug_kernel=drugs, disease_kernel=diseases)


@cache
def fitted(baseline: Baseline) -> ColumnScores:
    return baseline.fit(kernels_of_no_round_numbers())


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
@given(columns=st.lists(st.integers(0, 19), max_size=20))
def test_diseases_asked_for_together_and_alone_score_the_same_to_the_bit(
    baseline: Baseline, columns: list[int]
) -> None:
    whole = fitted(baseline)(np.arange(20))
    some = np.array(columns, dtype=np.int64)
    np.testing.assert_array_equal(fitted(baseline)(some), whole[:, some])


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
def test_a_baseline_fitted_once_more_scores_the_same_to_the_bit(baseline: Baseline) -> None:
    again = scores_of(baseline.fit, kernels_of_no_round_numbers())
    np.testing.assert_array_equal(again, fitted(baseline)(np.arange(20)))


@pytest.mark.parametrize("baseline", BASELINES.values(), ids=BASELINES)
@pytest.mark.parametrize("column", [-1, 20])
def test_a_column_that_is_no_disease_is_refused(baseline: Baseline, column: int) -> None:
    with pytest.raises(ValueError, match=rf"columns must index diseases, 0 to 19 \(got {column}\)"):
        fitted(baseline)(np.array([0, column]))


def test_the_stack_goes_without_genes_too() -> None:
    scores = scores_of(STACKED.fit, without_genes(two_blocks()))
    assert scores[:6, :5].min() > scores[:6, 5:].max()


def test_the_stack_learns_from_every_rule_but_chance_and_the_ridge() -> None:
    members = [rule for rule in RULES if rule.name not in ("random", "Kronecker ridge")]
    inputs = planted_fold(seed=1)
    expected = logistic_regression(replace(inputs, stream="stacked baselines"), members)(np.arange(20))
    np.testing.assert_array_equal(scores_of(STACKED.fit, inputs), expected)


def test_kernels_that_are_not_known_leave_the_ridge_out() -> None:
    table = baselines_for(replace(fold_inputs(), drug_kernel=None))
    assert dict(table.missing) == {"Kronecker ridge": "there are no similarity kernels of drugs and diseases"}
