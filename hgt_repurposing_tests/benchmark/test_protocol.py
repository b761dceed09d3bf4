from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.benchmark.protocol import TherapeuticPairs, external_grid, fold_grid, suites_of, summarise
from hgt_repurposing.graph.external_pairs import ExternalSet
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS

# Pairs (drug, disease): (0, 0) (1, 0) (1, 2) (2, 2); drug 3, diseases 1 and 3 have none. Fold 1 holds out disease 2.
SPLIT = DrugDiseaseSplit(
    pairs=np.array([[0, 1, 1, 2], [0, 0, 2, 2]]),
    folds={
        ("disease", 0): np.array([0, 0, 1, 1]),
        ("pair", 0): np.array([0, 1, 0, 1]),
        ("drug", 0): np.array([1, 0, 0, 1]),
    },
    num_drugs=4,
    num_diseases=4,
    num_folds=2,
    seeds=(0,),
)
BY_DISEASE, BY_PAIR = FoldKey("disease", repeat=0, fold=1), FoldKey("pair", repeat=0, fold=1)


@st.composite
def splits(draw: st.DrawFn) -> DrugDiseaseSplit:
    cells = draw(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1))
    pairs = np.array(sorted(cells)).T
    fold = np.array(draw(st.lists(st.integers(0, 2), min_size=len(cells), max_size=len(cells))))
    folds = {(kind, 0): fold for kind in SPLIT_KINDS}
    return DrugDiseaseSplit(pairs, folds, num_drugs=7, num_diseases=5, num_folds=3, seeds=(0,))


def test_the_columns_are_the_diseases_with_a_held_out_pair() -> None:
    assert fold_grid(SPLIT, BY_DISEASE).columns.tolist() == [2]
    assert fold_grid(SPLIT, BY_PAIR).columns.tolist() == [0, 2]


def test_the_rows_are_all_drugs_also_those_without_an_indication() -> None:
    assert fold_grid(SPLIT, BY_DISEASE).candidate.shape == (4, 1)


def test_held_out_pairs_are_the_positives() -> None:
    assert fold_grid(SPLIT, BY_PAIR).positive.astype(int).tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]


def test_training_pairs_are_no_candidates() -> None:
    assert fold_grid(SPLIT, BY_PAIR).candidate.astype(int).tolist() == [[0, 1], [1, 0], [1, 1], [1, 1]]


def test_the_training_matrix_holds_the_pairs_of_the_other_folds() -> None:
    train = fold_grid(SPLIT, BY_PAIR).train
    assert train.shape == (4, 4)
    assert np.argwhere(train.toarray() == 1).tolist() == [[0, 0], [1, 2]]


def test_a_disease_held_out_has_no_training_pair() -> None:
    assert fold_grid(SPLIT, BY_DISEASE).train[:, [2]].sum() == 0


def test_ignored_pairs_are_no_candidates() -> None:
    grid = fold_grid(SPLIT, BY_DISEASE, ignored=np.array([[3, 0], [2, 1]]))
    assert grid.candidate[:, 0].tolist() == [True, True, True, False]


def test_a_held_out_pair_stays_a_positive_when_it_is_ignored() -> None:
    grid = fold_grid(SPLIT, BY_DISEASE, ignored=SPLIT.pairs)
    assert grid.positive[:, 0].tolist() == [False, True, True, False]
    assert grid.candidate[:, 0].tolist() == [True, True, True, True]


@given(splits(), st.data())
def test_every_pair_is_either_held_out_or_trained_on(split: DrugDiseaseSplit, data: st.DataObject) -> None:
    grid = fold_grid(split, data.draw(st.sampled_from(split.keys)))
    together = grid.train.toarray()
    together[:, grid.columns] += grid.positive
    assert sorted(zip(*np.nonzero(together), strict=True)) == sorted(zip(*split.pairs, strict=True))
    assert together.max() == 1


@given(splits(), st.data())
def test_only_training_pairs_are_left_out_of_the_candidates(split: DrugDiseaseSplit, data: st.DataObject) -> None:
    grid = fold_grid(split, data.draw(st.sampled_from(split.keys)))
    np.testing.assert_array_equal(~grid.candidate, grid.train.toarray()[:, grid.columns] == 1)


def test_a_grid_without_a_negative_is_refused() -> None:
    cells = np.indices((4, 4)).reshape(2, -1)
    with pytest.raises(
        ValueError, match="no negatives are left to rank 2 held-out pairs against: every other pair of their "
    ):
        fold_grid(SPLIT, BY_DISEASE, ignored=cells)


# external pairs


def test_external_pairs_are_evaluated_with_every_indication_for_training() -> None:
    grid = external_grid(replace(SPLIT, external=(ExternalSet("outside", np.array([[3, 0], [0, 2]])),)))
    assert grid.columns.tolist() == [0, 2]
    assert grid.positive.astype(int).tolist() == [[0, 1], [0, 0], [0, 0], [1, 0]]
    assert grid.candidate.astype(int).tolist() == [[0, 1], [0, 0], [1, 0], [1, 1]]
    assert grid.train.sum() == SPLIT.pairs.shape[1]


def test_known_negatives_from_outside_are_no_positives() -> None:
    outside = ExternalSet("outside", np.array([[3, 0], [0, 2]]), np.array([[2, 3], [0, 1]]))
    known = external_grid(replace(SPLIT, external=(outside,)))
    plain = external_grid(replace(SPLIT, external=(replace(outside, negatives=np.empty((2, 0), dtype=np.int64)),)))
    assert known.columns.tolist() == plain.columns.tolist()
    np.testing.assert_array_equal(known.positive, plain.positive)
    np.testing.assert_array_equal(known.candidate, plain.candidate)


def test_without_external_pairs_there_is_no_grid() -> None:
    with pytest.raises(
        ValueError, match="the split has no external pairs to evaluate on: set external_pairs to a file of them"
    ):
        external_grid(SPLIT)


# suites

OTHERS = TherapeuticPairs(contraindications=np.array([[0], [2]]), off_label=np.array([[3], [2]]))


def test_the_strict_suite_removes_nothing_but_training_pairs() -> None:
    strict, _ = suites_of(SPLIT_KINDS["disease"])
    grid = fold_grid(SPLIT, BY_DISEASE, ignored=strict.ignored(OTHERS))
    assert grid.candidate[:, 0].tolist() == [True, True, True, True]


def test_the_open_suite_removes_contraindications_and_off_label_use() -> None:
    _, open_suite = suites_of(SPLIT_KINDS["disease"])
    grid = fold_grid(replace(SPLIT, num_drugs=5), BY_DISEASE, ignored=open_suite.ignored(OTHERS))
    assert grid.candidate[:, 0].tolist() == [False, True, True, False, True]


def test_a_suite_says_what_is_right_and_what_is_not_counted() -> None:
    strict, open_suite = suites_of(SPLIT_KINDS["disease"])
    assert strict.in_words() == (
        "Positives, ranked among all drugs: all indications of the held-out diseases. Left out: training pairs. "
        "Negatives: contraindications, pairs recorded as not indicated, off-label use and palliation and pairs the "
        "graph does not mention."
    )
    assert open_suite.in_words() == (
        "Positives, ranked among all drugs: all indications of the held-out diseases. Left out: training pairs, "
        "contraindications, pairs recorded as not indicated, off-label use and palliation. Negatives: pairs the graph "
        "does not mention."
    )


def test_the_pairs_of_a_suite_are_those_of_the_graph(toy_graph: KnowledgeGraph) -> None:
    pairs = TherapeuticPairs.of_graph(toy_graph)
    assert pairs.contraindications.shape[1] == 1
    assert pairs.off_label.shape[1] == 1
    assert not np.array_equal(*pairs)


def test_suites_are_summed_up_apart() -> None:
    both = pd.concat([ROWS.assign(suite="strict"), ROWS.assign(suite="open", macro_ap=0.9)])
    summary = summarise(both).set_index(["split", "suite", "scorer"])["macro_ap_mean"]
    assert summary["pair", "strict", "model"] == pytest.approx(0.2)
    assert summary["pair", "open", "model"] == pytest.approx(0.9)


def test_a_fold_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"held out by \(disease, repeat 0, fold 5\): folds range from 0 to 1"):
        fold_grid(SPLIT, FoldKey("disease", repeat=0, fold=5))


ROWS = pd.DataFrame(
    {
        "split": ["pair", "pair", "pair", "disease"],
        "scorer": ["model", "random", "model", "model"],
        "repeat": [0, 0, 1, 0],
        "fold": [0, 0, 0, 0],
        "macro_ap": [0.1, 0.5, 0.3, 0.7],
        "auroc": [0.8, 0.5, 0.8, 0.9],
    }
)


def test_the_summary_has_one_row_per_split_and_scorer_in_order_of_appearance() -> None:
    summary = summarise(ROWS)
    found = list(zip(summary["split"], summary["scorer"], summary["num_folds"], strict=True))
    assert found == [("pair", "model", 2), ("pair", "random", 1), ("disease", "model", 1)]


def test_the_summary_names_mean_and_sd_of_every_metric() -> None:
    expected = ["split", "scorer", "num_folds", "macro_ap_mean", "macro_ap_sd", "auroc_mean", "auroc_sd"]
    assert summarise(ROWS).columns.tolist() == expected


def test_the_spread_is_the_sample_standard_deviation_over_folds() -> None:
    row = summarise(ROWS).iloc[0]
    assert row["macro_ap_mean"] == pytest.approx(0.2)
    assert row["macro_ap_sd"] == pytest.approx(np.sqrt(0.02))  # (.1^2 + .1^2) / (2 - 1)
    assert row["auroc_sd"] == pytest.approx(0, abs=1e-12)


def test_a_single_fold_has_no_spread() -> None:
    assert np.isnan(summarise(ROWS).iloc[1]["macro_ap_sd"])
