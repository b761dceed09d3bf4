import numpy as np

from hgt_repurposing.baselines.blend import logistic_regression
from hgt_repurposing.baselines.catalogue import BASELINES, baselines_for
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing_tests.baselines.fold_inputs import fold_inputs, planted_fold, two_blocks, without_genes


def test_the_registry_names_every_baseline() -> None:
    assert list(BASELINES) == [
        "random",
        "drug degree",
        "disease degree",
        "degree product",
        "drug kNN",
        "matrix factorisation",
        "disease similarity by genes",
        "drug similarity by targets",
        "drug-gene-disease paths",
        "stacked baselines",
    ]


def test_a_graph_with_genes_has_every_baseline() -> None:
    table = baselines_for(fold_inputs())
    assert (list(table.baselines), dict(table.left_out)) == (list(BASELINES), {})


def test_without_genes_the_baselines_by_genes_are_left_out_with_the_reason() -> None:
    table = baselines_for(without_genes())
    assert dict(table.left_out) == {
        "disease similarity by genes": "the graph joins no disease with a gene",
        "drug similarity by targets": "the graph joins no drug with a gene",
        "drug-gene-disease paths": "the graph joins no disease with a gene",
    }
    assert list(table.baselines) == [name for name in BASELINES if name not in table.left_out]


def test_the_blend_goes_without_genes_too() -> None:
    scores = BASELINES["stacked baselines"](without_genes(two_blocks()))
    assert scores[:6, :5].min() > scores[:6, 5:].max()


def test_the_blend_learns_from_every_rule_but_chance() -> None:
    members = {name: rule for name, rule in RULES.items() if name != "random"}
    blend = BASELINES["stacked baselines"](planted_fold(seed=1))
    np.testing.assert_array_equal(blend, logistic_regression(planted_fold(seed=1), members))
