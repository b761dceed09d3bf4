from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.external_pairs import UNKNOWN_COLUMNS, ExternalCounts, ExternalSet, external_sizes
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.sources.external import ExternalFile
from hgt_repurposing.graph.split import (
    DrugDiseaseSplit,
    FoldKey,
    SplitConfig,
    split_drug_disease_pairs,
    split_sizes,
)
from hgt_repurposing_tests.strategies import knowledge_graphs

KINDS: tuple[str, ...] = ("disease", "pair", "drug")
"""Those that a graph of a few diseases without names of their own always has enough groups for."""
kinds = pytest.mark.parametrize("kind", KINDS)
graphs = knowledge_graphs(min_treated=5)
seeds = st.integers(0, 2**32 - 1)


def group_of(split: DrugDiseaseSplit, kind: str) -> IntArray:
    groups: dict[str, IntArray] = {
        "disease": split.pairs[1],
        "pair": np.arange(split.pairs.shape[1]),
        "drug": split.pairs[0],
    }
    return groups[kind]


# worked by hand


def test_only_indications_are_split(toy_split: DrugDiseaseSplit) -> None:
    assert toy_split.pairs.tolist() == [[0, 0, 1], [0, 1, 1]]


def test_diseases_of_the_toy_graph_fall_into_different_folds(toy_split: DrugDiseaseSplit) -> None:
    first, second, third = toy_split.folds["disease", 0]
    assert first != second == third


def test_split_remembers_the_size_of_the_matrix(toy_split: DrugDiseaseSplit) -> None:
    assert (toy_split.num_drugs, toy_split.num_diseases) == (3, 3)


def test_default_is_five_folds(demo_graph: KnowledgeGraph) -> None:
    assert np.unique(split_drug_disease_pairs(demo_graph, SplitConfig()).folds["pair", 0]).tolist() == [0, 1, 2, 3, 4]


def test_the_folds_stand_in_a_fixed_order(toy_graph: KnowledgeGraph) -> None:
    split = split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=2, num_repeats=2, kinds=["drug", "disease"]))
    expected = [(kind, repeat, fold) for kind in ("disease", "drug") for repeat in (0, 1) for fold in (0, 1)]
    assert split.keys == tuple(FoldKey(*names) for names in expected)


def test_a_pair_that_no_fold_holds_out_belongs_to_no_key(toy_split: DrugDiseaseSplit) -> None:
    single = replace(toy_split, folds={("pair", 0): np.array([-1, 1, -1])})
    assert single.keys == (FoldKey("pair", repeat=0, fold=1),)


@pytest.mark.parametrize(
    "changed",
    [
        {"pairs": np.array([[0, 0, 1], [0, 1, 0]])},
        {"folds": {("pair", 0): np.array([0, 1, 0])}},
        {"num_drugs": 4},
        {"num_diseases": 4},
        {"num_folds": 3},
        {"seeds": (1,)},
        {"external": (ExternalSet("outside", np.array([[2], [0]])),)},
    ],
    ids=str,
)
def test_the_digest_covers_everything(toy_split: DrugDiseaseSplit, changed: dict[str, Any]) -> None:
    assert replace(toy_split, **changed).digest != toy_split.digest


OUTSIDE = ExternalSet("outside", np.array([[2], [0]]), np.array([[1], [2]]))


@pytest.mark.parametrize(
    "changed",
    [{"name": "inside"}, {"positives": np.array([[2], [1]])}, {"negatives": np.array([[1], [0]])}],
    ids=["name", "positives", "negatives"],
)
def test_the_digest_covers_everything_of_external_pairs_but_the_counts(
    toy_split: DrugDiseaseSplit, changed: dict[str, Any]
) -> None:
    split = replace(toy_split, external=(OUTSIDE,))
    assert replace(split, external=(replace(OUTSIDE, **changed),)).digest != split.digest
    assert replace(split, external=(replace(OUTSIDE, counts=ExternalCounts(num_rows=9)),)).digest == split.digest


def test_treatments_and_negatives_that_change_places_change_the_digest(toy_split: DrugDiseaseSplit) -> None:
    turned = replace(OUTSIDE, positives=OUTSIDE.negatives, negatives=OUTSIDE.positives)
    assert replace(toy_split, external=(OUTSIDE,)).digest != replace(toy_split, external=(turned,)).digest


def test_pooled_external_pairs_are_distinct_and_a_treatment_of_any_file_is_no_negative(
    toy_split: DrugDiseaseSplit,
) -> None:
    other = ExternalSet("other", np.array([[1, 2], [2, 0]]), np.array([[2], [1]]))
    split = replace(toy_split, external=(OUTSIDE, other))
    assert split.external_positives.tolist() == [[1, 2], [2, 0]]
    assert split.external_negatives.tolist() == [[2], [1]]


def test_without_external_pairs_the_pools_are_empty(toy_split: DrugDiseaseSplit) -> None:
    assert toy_split.external_positives.shape == (2, 0)
    assert toy_split.external_negatives.shape == (2, 0)


def test_what_became_of_each_external_file_is_a_row() -> None:
    outside = replace(OUTSIDE, counts=ExternalCounts(num_rows=5, num_unknown=3))
    sizes = external_sizes([outside])
    assert sizes[["name", "positives", "negatives", "num_rows", "num_unknown"]].to_numpy().tolist() == [
        ["outside", 1, 1, 5, 3]
    ]
    assert external_sizes([]).empty


def test_unknown_ids_are_a_part_only_if_there_are_any(toy_split: DrugDiseaseSplit) -> None:
    unknown = pd.DataFrame([["f", 2, "drug_id", "D9", "no such id", "D1", "", ""]], columns=list(UNKNOWN_COLUMNS))
    some = set(replace(toy_split, external_unknown=unknown).to_parts())
    assert some - set(toy_split.to_parts()) == {"external_unknown.csv", "external_unknown.parquet"}


def test_two_external_files_of_one_name_are_refused() -> None:
    files = [ExternalFile(path="/a/pairs.csv"), ExternalFile(path="/b/pairs.tsv.gz")]
    with pytest.raises(ValueError, match="2 files are called 'pairs': give each a name of its own"):
        SplitConfig(external_pairs=files)
    named = SplitConfig(external_pairs=[files[0], files[1].model_copy(update={"name": "other"})])
    assert [file.label for file in named.external_files] == ["pairs", "other"]


@pytest.mark.parametrize("given", ["/a/pooled.csv", [ExternalFile(path="/a/b.csv", name=" Pooled")]])
def test_no_file_is_called_like_all_files_together(given: str | list[ExternalFile]) -> None:
    with pytest.raises(ValueError, match=r"a file cannot be called '.*ooled', which names the results of all files"):
        SplitConfig(external_pairs=given)


def test_sizes_are_said_per_fold(toy_split: DrugDiseaseSplit) -> None:
    sizes = split_sizes(toy_split)
    assert sizes.columns.tolist() == ["split", "repeat", "fold", "pairs", "diseases", "drugs"]
    assert sizes.groupby("split")["pairs"].sum().tolist() == [3, 3, 3, 3]


# properties


@given(graphs, seeds, st.integers(2, 5))
def test_every_pair_is_held_out_by_exactly_one_fold(graph: KnowledgeGraph, seed: int, num_folds: int) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(num_folds=num_folds, seed=seed, kinds=list(KINDS)))
    for kind in KINDS:
        held_out = np.stack([split.held_out(key) for key in split.keys if key.kind == kind])
        assert len(held_out) == num_folds, kind
        assert (held_out.sum(axis=0) == 1).all(), kind


@given(graphs, seeds)
def test_no_group_crosses_folds(graph: KnowledgeGraph, seed: int) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(num_folds=3, seed=seed, kinds=list(KINDS)))
    for kind in KINDS:
        folds_per_group = pd.Series(split.folds[kind, 0]).groupby(group_of(split, kind)).nunique()
        assert folds_per_group.max() == 1, kind


@given(graphs, seeds, st.integers(2, 5))
def test_folds_differ_by_at_most_one_group(graph: KnowledgeGraph, seed: int, num_folds: int) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(num_folds=num_folds, seed=seed, kinds=list(KINDS)))
    for kind in KINDS:
        groups = pd.Series(group_of(split, kind)).groupby(split.folds[kind, 0]).nunique()
        assert len(groups) == num_folds, kind
        assert groups.max() - groups.min() <= 1, kind


@given(graphs, seeds)
def test_one_seed_gives_one_split(graph: KnowledgeGraph, seed: int) -> None:
    first, second = (split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=list(KINDS))) for _ in range(2))
    assert first.digest == second.digest


@kinds
def test_seeds_give_different_splits(demo_graph: KnowledgeGraph, kind: str) -> None:
    first, second = (split_drug_disease_pairs(demo_graph, SplitConfig(seed=seed, kinds=[kind])) for seed in (1, 2))
    assert not np.array_equal(first.folds[kind, 0], second.folds[kind, 0])


@given(graphs, seeds)
def test_parts_round_trip(graph: KnowledgeGraph, seed: int) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=list(KINDS)))
    again = DrugDiseaseSplit.from_parts(split.to_parts())
    assert again.digest == split.digest
    assert (again.num_drugs, again.num_diseases) == (split.num_drugs, split.num_diseases)
    assert (again.num_folds, again.seeds, again.keys) == (5, (seed,), split.keys)


@given(graphs, st.integers(0, 100))
def test_a_repeat_is_the_first_shuffle_of_its_own_seed(graph: KnowledgeGraph, seed: int) -> None:
    two = split_drug_disease_pairs(graph, SplitConfig(seed=seed, num_repeats=2, kinds=list(KINDS)))
    second = split_drug_disease_pairs(graph, SplitConfig(seed=seed + 1, kinds=list(KINDS)))
    assert two.seeds == (seed, seed + 1)
    for kind, _ in second.folds:
        np.testing.assert_array_equal(two.folds[kind, 1], second.folds[kind, 0])


@given(graphs, seeds)
def test_leaving_a_kind_out_changes_no_other(graph: KnowledgeGraph, seed: int) -> None:
    every = split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=list(KINDS)))
    for kind in KINDS:
        alone = split_drug_disease_pairs(graph, SplitConfig(seed=seed, kinds=[kind]))
        assert list(alone.folds) == [(kind, 0)]
        np.testing.assert_array_equal(alone.folds[kind, 0], every.folds[kind, 0])


@given(graphs, seeds, st.data())
def test_a_fold_divides_the_pairs_into_test_and_training(graph: KnowledgeGraph, seed: int, data: st.DataObject) -> None:
    split = split_drug_disease_pairs(graph, SplitConfig(seed=seed, num_repeats=2, kinds=list(KINDS)))
    key = data.draw(st.sampled_from(split.keys))
    test, training = split.test_pairs(key), split.training_pairs(key)
    assert test.shape[1] > 0
    together = np.concatenate([test, training], axis=1)
    assert sorted(zip(*together, strict=True)) == sorted(zip(*split.pairs, strict=True))


def test_one_fold_alone_keeps_its_pairs_and_forgets_the_others(toy_split: DrugDiseaseSplit) -> None:
    key = FoldKey("disease", repeat=0, fold=1)
    alone = toy_split.only(key)
    assert alone.keys == (key,)
    assert alone.test_pairs(key).tolist() == toy_split.test_pairs(key).tolist()
    assert alone.training_pairs(key).tolist() == toy_split.training_pairs(key).tolist()
    assert alone.digest != toy_split.digest
    assert DrugDiseaseSplit.from_parts(alone.to_parts()).digest == alone.digest


# errors


@pytest.mark.parametrize(
    ("num_folds", "message"),
    [
        (3, r"3 folds by disease need at least 3 treated diseases \(got 2\)"),
        (4, r"4 folds by disease need at least 4 treated diseases \(got 2\)"),
    ],
)
def test_fewer_groups_than_folds_is_an_error(toy_graph: KnowledgeGraph, num_folds: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_drug_disease_pairs(toy_graph, SplitConfig(num_folds=num_folds))


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (["pair", "gene"], "unknown split kind 'gene'; known: disease, pair, drug, disease_group"),
        ([], "at least 1 item"),
    ],
)
def test_only_known_kinds_are_taken_and_at_least_one(kinds: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SplitConfig(kinds=kinds)


def test_a_fold_that_does_not_exist_is_an_error(toy_split: DrugDiseaseSplit) -> None:
    message = r"no pair is held out by \(pair, repeat 1, fold 0\): folds range from 0 to 1, available: disease with"
    with pytest.raises(ValueError, match=message):
        toy_split.held_out(FoldKey("pair", repeat=1, fold=0))


@pytest.mark.parametrize("num_folds", [1, 21])
def test_number_of_folds_has_bounds(num_folds: int) -> None:
    with pytest.raises(ValueError, match="num_folds"):
        SplitConfig(num_folds=num_folds)
