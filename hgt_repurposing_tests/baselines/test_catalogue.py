from dataclasses import replace

import numpy as np

from hgt_repurposing.baselines.catalogue import BASELINES, STACKED, baselines_for
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing.baselines.stacking import logistic_regression
from hgt_repurposing_tests.baselines.fold_inputs import fold_inputs, planted_fold, two_blocks, without_genes


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


def test_the_stack_goes_without_genes_too() -> None:
    scores = STACKED(without_genes(two_blocks()))
    assert scores[:6, :5].min() > scores[:6, 5:].max()


def test_the_stack_learns_from_every_rule_but_chance_and_the_ridge() -> None:
    members = [rule for rule in RULES if rule.name not in ("random", "Kronecker ridge")]
    inputs = planted_fold(seed=1)
    expected = logistic_regression(replace(inputs, stream="stacked baselines"), members)
    np.testing.assert_array_equal(STACKED(inputs), expected)


def test_kernels_that_are_not_known_leave_the_ridge_out() -> None:
    table = baselines_for(replace(fold_inputs(), drug_kernel=None))
    assert dict(table.missing) == {"Kronecker ridge": "there are no similarity kernels of drugs and diseases"}
