import numpy as np
import pytest
from scipy.sparse import csr_array

from hgt_repurposing.baselines.baseline import DISEASE_GENES, DRUG_GENES, Baseline, BaselineInputs
from hgt_repurposing.baselines.rules import RANDOM, RULES
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.split_kinds import Hiding
from hgt_repurposing.repurposing.baseline_scores import BaselineScores, fit_baseline_scores
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods, neighbourhoods_of
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    planted_graph,
    planted_pairs,
    table_of,
)

NEAR = neighbourhoods_of(planted_graph())
ALL = np.arange(NUM_DISEASES)


def fitted(pairs: IntArray | None = None, *, near: Neighbourhoods = NEAR) -> BaselineScores:
    return fit_baseline_scores(near, visible(planted_pairs() if pairs is None else pairs))


def visible(pairs: IntArray) -> csr_array:
    return csr_array(table_of(pairs).astype(np.float32))


def test_every_rule_but_chance_is_scored_in_table_order() -> None:
    assert fitted().names == tuple(rule.name for rule in RULES if rule != RANDOM)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != RANDOM], ids=lambda rule: str(rule.name))
def test_scores_are_those_of_the_baseline_on_the_visible_treatments(rule: Baseline) -> None:
    genes, kernels = (NEAR.drug_genes, NEAR.disease_genes), (NEAR.drugs.kernel, NEAR.diseases.kernel)
    known = BaselineInputs(visible(planted_pairs()), *genes, Hiding("pair"), (0,), *kernels)
    of = fitted()
    np.testing.assert_array_equal(
        of.block(ALL)[:, :, of.names.index(rule.name)], rule.fit(known)(ALL).astype(np.float32)
    )


def test_a_block_has_every_drug_and_the_diseases_asked_for_in_their_order() -> None:
    of, chosen = fitted(), np.array([7, 2, 29])
    assert of.block(chosen).shape == (NUM_DRUGS, 3, len(of.names))
    assert of.block(ALL[:0]).shape == (NUM_DRUGS, 0, len(of.names))
    np.testing.assert_allclose(of.block(chosen), of.block(ALL)[:, chosen], rtol=1e-4, atol=1e-5)  # BLAS, float32


def test_rules_that_need_genes_are_left_out_of_a_graph_without() -> None:
    bare = planted_graph().without([t for t in planted_graph().edges if "gene" in (t.source, t.target)])
    names = fitted(near=neighbourhoods_of(bare)).names
    assert set(fitted().names) - set(names) == {
        rule.name for rule in RULES if {DRUG_GENES, DISEASE_GENES} & set(rule.needs)
    }


def test_without_a_treatment_scores_are_finite() -> None:
    assert np.isfinite(fitted(planted_pairs()[:, :0]).block(ALL)).all()


def test_what_is_visible_alone_decides() -> None:
    np.testing.assert_array_equal(fitted().block(ALL), fitted().block(ALL))
    assert not np.array_equal(fitted(planted_pairs()[:, 1:]).block(ALL), fitted().block(ALL))
