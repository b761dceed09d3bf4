from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.external_pairs import ExternalSet
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import (
    MessageGraphConfig,
    MessageScope,
    leaked_pairs,
    message_graph,
    scoped_message_graph,
)
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey, SplitConfig, split_drug_disease_pairs
from hgt_repurposing_tests.graph.test_split import KINDS, graphs, seeds


def leaks(edges: dict[EdgeType, IntArray], split: DrugDiseaseSplit, key: FoldKey | None = None) -> pd.DataFrame:
    return leaked_pairs(edges, split, drug="drug", disease="disease", key=key)


def test_message_graph_has_no_drug_disease_edge_of_any_relation(toy_graph: KnowledgeGraph) -> None:
    relations = {edge_type.relation for edge_type in message_graph(toy_graph).edges}
    assert relations == {"drug_protein", "disease_protein", "protein_protein"}


def test_message_graph_keeps_all_nodes(toy_graph: KnowledgeGraph) -> None:
    assert message_graph(toy_graph).nodes.equals(toy_graph.nodes)


@given(graphs, seeds)
def test_nothing_leaks_into_the_message_graph(graph: KnowledgeGraph, seed: int) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=list(KINDS)))
    assert leaks(dict(message_graph(graph).edges), split).empty


@given(graphs, seeds, st.data())
def test_a_planted_leak_is_found_under_any_relation_and_direction(
    graph: KnowledgeGraph, seed: int, data: st.DataObject
) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=list(KINDS)))
    pair = split.pairs[:, [data.draw(st.integers(0, split.pairs.shape[1] - 1), label="pair")]]
    relation = data.draw(st.sampled_from(["indication", "rev_indication", "contraindication", "mentions"]))
    turned = data.draw(st.booleans(), label="turned")
    edge_type = EdgeType("disease", relation, "drug") if turned else EdgeType("drug", relation, "disease")
    found = leaks({**message_graph(graph).edges, edge_type: pair[::-1] if turned else pair}, split)
    assert found.to_dict("records") == [{"drug": pair[0, 0], "disease": pair[1, 0], "edge_type": str(edge_type)}]


def test_a_pair_that_is_not_held_out_is_no_leak(toy_split: DrugDiseaseSplit) -> None:
    not_indicated = np.array([[2], [0]])
    assert leaks({EdgeType("drug", "contraindication", "disease"): not_indicated}, toy_split).empty


def test_a_pair_turned_round_by_mistake_is_no_leak(toy_split: DrugDiseaseSplit) -> None:
    # (drug 1, disease 0) is no indication, but read the wrong way round it would be (drug 0, disease 1), which is one.
    assert leaks({EdgeType("drug", "mentions", "disease"): np.array([[1], [0]])}, toy_split).empty


def test_external_pairs_must_not_be_joined_either(toy_split: DrugDiseaseSplit) -> None:
    split = replace(toy_split, external=(ExternalSet("outside", np.array([[2], [0]])),))
    found = leaks({EdgeType("drug", "off-label use", "disease"): np.array([[2], [0]])}, split)
    assert found[["drug", "disease"]].to_numpy().tolist() == [[2, 0]]


def test_known_negatives_from_outside_must_not_be_joined_either(toy_split: DrugDiseaseSplit) -> None:
    outside = ExternalSet("outside", np.array([[2], [2]]), np.array([[2], [0]]))
    found = leaks(
        {EdgeType("drug", "contraindication", "disease"): np.array([[2], [0]])}, replace(toy_split, external=(outside,))
    )
    assert found[["drug", "disease"]].to_numpy().tolist() == [[2, 0]]


# of one fold


def test_train_only_keeps_the_training_indications_of_its_fold_and_no_other_pair(toy_graph: KnowledgeGraph) -> None:
    split = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2, seed=0))
    config = MessageGraphConfig(therapeutic_edges="train_only", kind="disease", fold=1)
    visible, scope = scoped_message_graph(toy_graph, split, config)
    key = FoldKey("disease", repeat=0, fold=1)
    assert scope == MessageScope(split.digest, key)
    pairs = {str(t): index.tolist() for t, index in visible.edges.items() if visible.is_drug_disease(t)}
    assert pairs == {"(drug, indication, disease)": split.training_pairs(key).tolist()}
    assert visible.without([t for t in visible.edges if visible.is_drug_disease(t)]).edges.keys() == (
        message_graph(toy_graph).edges.keys()
    )


def test_exclude_serves_every_fold(toy_graph: KnowledgeGraph, toy_split: DrugDiseaseSplit) -> None:
    visible, scope = scoped_message_graph(toy_graph, toy_split, MessageGraphConfig(fold=1))
    assert visible.edges.keys() == message_graph(toy_graph).edges.keys()
    assert scope.evaluated(toy_split) is toy_split


@given(graph=graphs, seed=seeds, data=st.data())
def test_nothing_of_its_fold_leaks_into_a_message_graph_of_training_pairs(
    graph: KnowledgeGraph, seed: int, data: st.DataObject
) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=list(KINDS)))
    key = data.draw(st.sampled_from(split.keys))
    config = MessageGraphConfig(therapeutic_edges="train_only", **key._asdict())
    visible, _ = scoped_message_graph(graph, split, config)
    edges = dict(visible.edges)
    assert leaks(edges, split, key=key).empty
    assert len(leaks(edges, split)) == split.training_pairs(key).shape[1]


def test_a_test_pair_put_back_is_found_beside_the_training_pairs(
    toy_graph: KnowledgeGraph, toy_split: DrugDiseaseSplit
) -> None:
    key = FoldKey("pair", repeat=0, fold=0)
    visible = message_graph(toy_graph, visible=toy_split.training_pairs(key))
    test = toy_split.test_pairs(key)
    for edge_type, index in ((("drug", "palliates", "disease"), test), (("disease", "rev_treats", "drug"), test[::-1])):
        found = leaks({**visible.edges, EdgeType(*edge_type): index}, toy_split, key=key)
        assert found["edge_type"].unique().tolist() == [str(EdgeType(*edge_type))]
        assert found[["drug", "disease"]].to_numpy().T.tolist() == test.tolist()


def test_a_message_graph_of_another_split_is_refused(toy_graph: KnowledgeGraph, toy_split: DrugDiseaseSplit) -> None:
    _, scope = scoped_message_graph(toy_graph, toy_split, MessageGraphConfig())
    other = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2, seed=1))
    with pytest.raises(ValueError, match=r"the message graph was made for another split \(digest \w{12}, got"):
        scope.evaluated(other)


@pytest.mark.parametrize("fold", [None, FoldKey("pair", repeat=2, fold=1)])
def test_the_scope_round_trips(fold: FoldKey | None) -> None:
    scope = MessageScope("abc", fold)
    assert MessageScope.from_json(scope.to_json()) == scope


def test_train_only_for_a_fold_that_does_not_exist_is_an_error(
    toy_graph: KnowledgeGraph, toy_split: DrugDiseaseSplit
) -> None:
    config = MessageGraphConfig(therapeutic_edges="train_only", kind="drug", repeat=3)
    with pytest.raises(ValueError, match=r"no pair is held out by \(drug, repeat 3, fold 0\)"):
        scoped_message_graph(toy_graph, toy_split, config)
