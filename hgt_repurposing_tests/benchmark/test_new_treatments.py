"""Two models on the treatments that are new in the graph."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.challenge import Paired
from hgt_repurposing.benchmark.new_treatments import NewTreatments, compare_on_new_treatments
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing_tests.repurposing.planted import (
    CONTRAINDICATION,
    INDICATION,
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
    table_of,
    with_pairs,
)

PARAMS = QUICK.model_copy(update={"num_trees": 3})
IS_NEW = np.random.default_rng(5).permutation(planted_pairs().shape[1]) < 30
NEW = planted_pairs()[:, IS_NEW]
CONTRAINDICATED = np.array([[0, 1, 2], [1, 2, 3]])


def after() -> KnowledgeGraph:
    return with_pairs(planted_graph(), CONTRAINDICATION, CONTRAINDICATED)


def before() -> KnowledgeGraph:
    """Without 30 of the 120 treatments, and with one more drug, which comes first."""
    return with_another_drug(with_pairs(after(), INDICATION, planted_pairs()[:, ~IS_NEW]))


def with_another_drug(graph: KnowledgeGraph) -> KnowledgeGraph:
    another = pd.DataFrame({"node_type": ["drug"], "node_id": ["000"], "node_name": ["another"]})
    nodes = pd.concat([graph.nodes, another.astype(graph.nodes.dtypes.to_dict())])
    edges = {edge_type: _moved(edge_type, index) for edge_type, index in graph.edges.items()}
    return replace(graph, nodes=nodes.sort_values(["node_type", "node_id"]).reset_index(drop=True), edges=edges)


def _moved(edge_type: EdgeType, index: IntArray) -> IntArray:
    """Drugs have a higher index by one."""
    by_end: IntArray = np.array([[edge_type.source == "drug"], [edge_type.target == "drug"]]).astype(np.int64)
    return index + by_end


@cache
def champion() -> Scorer:
    inputs = planted_inputs(before())
    return Scorer.of_model(fit_repurposing_model(inputs, planted_split(before()), PARAMS), inputs)


@cache
def compared() -> list[Paired]:
    found = NewTreatments.between(before(), after())
    return compare_on_new_treatments(found, champion(), before(), planted_inputs(after()), PARAMS)


def test_new_treatments_are_found_by_the_ids_of_their_ends() -> None:
    found = NewTreatments.between(before(), after())
    np.testing.assert_array_equal(table_of(found.pairs), table_of(NEW))
    np.testing.assert_array_equal(found.drugs.now, np.arange(NUM_DRUGS))
    np.testing.assert_array_equal(found.drugs.before, np.arange(1, NUM_DRUGS + 1))


def test_nothing_is_new_in_the_same_graph_or_in_one_that_lost_treatments() -> None:
    for now in (after(), with_pairs(after(), INDICATION, planted_pairs()[:, :40])):
        assert NewTreatments.between(after(), now).pairs.shape == (2, 0)


def test_treatments_of_a_drug_that_the_older_graph_does_not_have_are_not_compared() -> None:
    renamed = before().nodes.copy()
    row = renamed.index[(renamed["node_type"] == "drug")][-1]
    renamed.loc[row, "node_id"] = "9999"
    found = NewTreatments.between(replace(before(), nodes=renamed), after())
    np.testing.assert_array_equal(table_of(found.pairs)[:-1], table_of(NEW)[:-1])
    assert not table_of(found.pairs)[-1].any()
    assert len(found.drugs.now) == NUM_DRUGS - 1


def test_the_champion_ranks_new_treatments_among_all_pairs_of_which_neither_graph_says_anything() -> None:
    """By brute force: the share of other open pairs that score lower, ties counted half."""
    scores = champion().indications(np.arange(NUM_DISEASES))[1:]  # of the drugs that both graphs have
    closed = table_of(planted_pairs()[:, ~IS_NEW]) + table_of(CONTRAINDICATED) > 0
    new = table_of(NEW) > 0
    others = scores[~closed & ~new]
    expected = [(np.sum(others < score) + np.sum(others == score) / 2) / others.size for score in scores[new]]
    placement = compared()[0]
    assert placement.metric == "auroc"
    np.testing.assert_allclose(np.sort(placement.before), np.sort(expected))
    np.testing.assert_array_equal(placement.disease, np.nonzero(new)[1])


def test_two_models_of_one_kind_that_learned_the_same_find_the_new_treatments_alike() -> None:
    """Their masks and negatives are drawn anew: over eight pairs of seeds AUROC differed by up to .012, AP by .016."""
    auroc, precision = (paired.difference(margin=0.1, seed=0) for paired in compared())
    assert auroc.num_diseases == precision.num_diseases == len(np.unique(NEW[1]))
    assert min(auroc.before, auroc.now) > 0.9
    assert abs(auroc.mean) < 0.03
    assert abs(precision.mean) < 0.04


def test_the_challenger_does_not_learn_the_new_treatments_that_it_is_compared_on() -> None:
    """Treatments at random cells carry no signal: a model that had learned them would place them first."""
    cells = np.flatnonzero(table_of(planted_pairs()).ravel() == 0)
    chosen = np.random.default_rng(0).choice(cells, 60, replace=False)
    odd = np.stack([chosen // NUM_DISEASES, chosen % NUM_DISEASES])
    now = with_pairs(after(), INDICATION, np.concatenate([planted_pairs()[:, ~IS_NEW], odd], axis=1))
    found = NewTreatments.between(before(), now)
    (placement, _) = compare_on_new_treatments(found, champion(), before(), planted_inputs(now), PARAMS)
    # Standard error of the mean placement of 60 random cells: 1 / sqrt(12 x 60) = .037.
    assert placement.now.mean() == pytest.approx(0.5, abs=4 * 0.037)
