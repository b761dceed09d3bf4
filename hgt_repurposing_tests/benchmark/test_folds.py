from dataclasses import replace

import numpy as np
import pytest

from hgt_repurposing.baselines.catalogue import BASELINES, baselines_for
from hgt_repurposing.benchmark import folds as module
from hgt_repurposing.benchmark.folds import EvaluatedFold, prepare_fold, score_by_towers, score_fold
from hgt_repurposing.benchmark.protocol import TherapeuticPairs
from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS
from hgt_repurposing.repurposing.baseline_scores import baseline_inputs
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.learning import fit_classifiers
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    fold_scores,
    planted_contraindications,
    planted_graph,
    planted_inputs,
    planted_split,
    table_of,
)

KINDS = tuple(SPLIT_KINDS)
GRAPH = planted_graph(contraindications=True)
INPUTS = planted_inputs(GRAPH)
SPLIT = planted_split(GRAPH, KINDS)
SAID = TherapeuticPairs.of_graph(GRAPH)
NOTHING_SAID = TherapeuticPairs(*(np.empty((2, 0), dtype=np.int64) for _ in range(2)))
TRUTH = table_of(SPLIT.pairs)
GROUP = np.arange(NUM_DISEASES)
every_kind = pytest.mark.parametrize("kind", KINDS)


def fold(kind: str = "disease", number: int = 0, *, said: TherapeuticPairs = SAID) -> EvaluatedFold:
    return EvaluatedFold(SPLIT, FoldKey(kind, 0, number), said, group_of(kind))


def group_of(kind: str) -> IntArray | None:
    return GROUP if kind == "disease_group" else None


def baseline_scores(of: EvaluatedFold, inputs: PairInputs = INPUTS, *, seed: int = 0) -> dict[str, FloatArray]:
    known = baseline_inputs(inputs.neighbourhoods, of.strict.train, hiding=of.hiding, seed=of.seed(seed))
    return {baseline.name: baseline.fit(known)(of.columns) for baseline in baselines_for(known).usable}


def rows(of: EvaluatedFold, scores: FloatArray) -> dict[str, dict[str, float]]:
    """Metrics by suite."""
    return {row["suite"]: row for row in of.metrics("model", scores, seed=0)}


# what is asked


@pytest.mark.parametrize("kind", ["disease", "pair", "disease_group"])
def test_the_diseases_with_a_held_out_pair_are_scored(kind: str) -> None:
    of = fold(kind)
    assert of.columns.tolist() == sorted(set(SPLIT.test_pairs(of.key)[1].tolist()))


def test_a_held_out_drug_is_ranked_among_all_diseases() -> None:
    few = replace(SPLIT, num_diseases=NUM_DISEASES + 5)
    of = EvaluatedFold(few, FoldKey("drug", 0, 0), SAID)
    assert of.columns.tolist() == list(range(NUM_DISEASES + 5))
    assert set(of.test_columns.tolist()) <= set(SPLIT.pairs[1].tolist())


def test_a_held_out_drug_of_a_large_graph_is_ranked_among_the_treated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALL_DISEASES_UP_TO", NUM_DISEASES)
    of = EvaluatedFold(replace(SPLIT, num_diseases=NUM_DISEASES + 5), FoldKey("drug", 0, 0), SAID)
    assert of.columns.tolist() == list(range(NUM_DISEASES))


@every_kind
def test_a_probability_is_meant_for_what_may_be_asked(kind: str) -> None:
    of = fold(kind)
    asked = of.asked()
    training = table_of(SPLIT.training_pairs(of.key))[:, of.columns] > 0
    held_out_drugs = np.unique(SPLIT.test_pairs(of.key)[0])
    assert not (asked & training).any()
    assert asked[of.strict.positive].all()
    if of.kind.asks_for_diseases:
        assert sorted(set(np.nonzero(asked)[0].tolist())) == held_out_drugs.tolist()
    else:
        assert np.array_equal(asked, ~training)


# what counts


@every_kind
def test_the_open_suite_leaves_contraindications_and_palliations_out(kind: str) -> None:
    of = fold(kind)
    strict, wide = of.grids.values()
    assert [suite.name for suite in of.grids] == ["strict", "open"]
    assert of.strict is strict
    left_out = np.concatenate([planted_contraindications(), GRAPH.off_label_pairs], axis=1)
    expected = strict.candidate & ~((table_of(left_out)[:, of.columns] > 0) & ~strict.positive)
    np.testing.assert_array_equal(wide.candidate, expected)
    np.testing.assert_array_equal(wide.positive, strict.positive)


def test_a_graph_that_says_nothing_else_has_the_strict_suite_alone() -> None:
    assert [suite.name for suite in fold(said=NOTHING_SAID).grids] == ["strict"]


def test_a_contraindication_on_top_spoils_the_strict_suite_and_not_the_open() -> None:
    of = fold()
    scores = (TRUTH + 2 * table_of(planted_contraindications()) * (TRUTH == 0))[:, of.columns]
    found = rows(of, scores)
    assert found["strict"]["macro_ap"] < 0.7
    assert found["open"]["macro_ap"] == 1


@every_kind
def test_a_model_that_knows_the_truth_is_perfect(kind: str) -> None:
    of = fold(kind)
    names = ["macro_ap", "mrr", "hits_at_10", "auroc", "average_precision", "auroc_degree_matched"]
    for row in rows(of, TRUTH[:, of.columns]).values():
        assert [row[name] for name in names] == [1] * len(names)


@every_kind
def test_training_pairs_count_neither_way(kind: str) -> None:
    of = fold(kind)
    known = table_of(SPLIT.training_pairs(of.key))[:, of.columns]
    assert rows(of, TRUTH[:, of.columns] + known)["strict"] == rows(of, TRUTH[:, of.columns] - known)["strict"]


def test_a_row_names_what_it_measures() -> None:
    row = next(fold("pair", 2).metrics("drug degree", TRUTH[:, fold("pair", 2).columns], seed=0))
    assert list(row)[:5] == ["split", "suite", "scorer", "repeat", "fold"]
    assert list(row.values())[:5] == ["pair", "strict", "drug degree", 0, 2]


def test_held_out_drugs_are_ranked_over_all_diseases() -> None:
    # Diseases without a held-out pair count against a drug that puts them first, and only there.
    few = replace(SPLIT, num_diseases=NUM_DISEASES + 5)
    of = EvaluatedFold(few, FoldKey("drug", 0, 0), NOTHING_SAID)
    truth = np.concatenate([TRUTH, np.zeros((NUM_DRUGS, 5))], axis=1)
    spoiled = truth.copy()
    spoiled[:, NUM_DISEASES:] = 2
    right, wrong = rows(of, truth)["strict"], rows(of, spoiled)["strict"]
    assert (right["macro_ap"], right["macro_ap_by_drug"]) == (1, 1)
    assert wrong["macro_ap"] == 1
    assert wrong["macro_ap_by_drug"] < 0.4


@every_kind
def test_average_precision_is_kept_by_disease(kind: str) -> None:
    of = fold(kind)
    scores = np.random.default_rng(0).random((NUM_DRUGS, len(of.columns)))
    found = of.disease_ap(scores)
    assert found.indices.tolist() == of.test_columns.tolist()
    assert found.precision.mean() == pytest.approx(rows(of, scores)["strict"]["macro_ap"])


# baselines


@every_kind
def test_every_baseline_scores_every_fold(kind: str) -> None:
    of = fold(kind)
    found = baseline_scores(of)
    assert list(found) == list(BASELINES)
    assert all(scores.shape == (NUM_DRUGS, len(of.columns)) for scores in found.values())


def test_baselines_of_one_seed_are_one() -> None:
    first, second = (baseline_scores(fold(), seed=3) for _ in range(2))
    for name, scores in first.items():
        np.testing.assert_array_equal(scores, second[name], err_msg=name)


# no held-out label is read


def dealt_anew(of: EvaluatedFold) -> IntArray:
    """All pairs in their order, those held out being dealt anew among the same drugs and diseases."""
    held, training = of.split.held_out(of.key), table_of(of.split.training_pairs(of.key))
    pairs = of.split.pairs.copy()
    for seed in range(1000):
        drugs = np.random.default_rng(seed).permutation(pairs[0, held])
        cells = np.stack([drugs, pairs[1, held]])
        if np.unique(cells, axis=1).shape == cells.shape and not training[tuple(cells)].any():
            pairs[:, held] = cells
            return pairs
    raise AssertionError("no other deal was found")


@every_kind
def test_held_out_pairs_touch_neither_the_model_nor_the_baselines_of_their_fold(kind: str) -> None:
    of = fold(kind, 1, said=NOTHING_SAID)
    pairs = dealt_anew(of)
    graph = planted_graph(pairs)
    other = EvaluatedFold(_same_folds(pairs), of.key, NOTHING_SAID, of.group)
    assert other.columns.tolist() == of.columns.tolist()
    assert not np.array_equal(other.strict.positive, of.strict.positive)
    ours, theirs = planted_inputs(planted_graph()), planted_inputs(graph)
    np.testing.assert_array_equal(fold_scores(other, theirs, QUICK), fold_scores(of, ours, QUICK))
    baselines = baseline_scores(other, theirs)
    for name, scores in baseline_scores(of, ours).items():
        np.testing.assert_array_equal(baselines[name], scores, err_msg=name)


def _same_folds(pairs: IntArray) -> DrugDiseaseSplit:
    return replace(SPLIT, pairs=pairs)


@every_kind
def test_one_seed_scores_a_fold_the_same(kind: str) -> None:
    of = fold(kind)
    first, second = (fold_scores(of, INPUTS, QUICK) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (NUM_DRUGS, len(of.columns))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("disease", ["cold disease", "cold pair"]),
        ("pair", ["warm pair", "cold drug"]),
        ("drug", ["warm pair", "cold drug"]),
        ("disease_group", ["cold disease", "cold pair"]),
    ],
)
def test_the_settings_of_the_scored_cells_are_learned_and_no_others(kind: str, settings: list[str]) -> None:
    assert list(prepare_fold(fold(kind), INPUTS, QUICK).case.examples) == settings


@pytest.mark.parametrize(("kind", "group"), [("disease_group", GROUP), ("disease", None)])
def test_relatives_are_hidden_together_when_they_are_held_out_together(kind: str, group: IntArray | None) -> None:
    of = fold(kind)
    assert (of.hiding.unit, of.group) == ("disease", group)
    hidden = prepare_fold(of, INPUTS, QUICK).case.visible
    training = of.split.training_pairs(of.key)
    expected = draw_masks(
        training,
        MissingShares.only("disease", 1 / QUICK.inner_folds),
        num_masks=len(hidden),
        generator=np.random.default_rng([*of.seed(QUICK.seed), 0]),
        groups={} if group is None else {"disease": group},
    )
    for visible, mask in zip(hidden, expected, strict=True):
        np.testing.assert_array_equal(visible, training[:, ~mask])


@every_kind
def test_learning_hides_what_the_kind_holds_out_and_nothing_else(kind: str) -> None:
    of = fold(kind)
    params = QUICK.model_copy(update={"missing": MissingShares(pairs=0.3, diseases=0.01, drugs=0.2)})  # is not used
    training = of.split.training_pairs(of.key)
    whole = of.hiding.whole(training)
    visible = [table_of(pairs)[tuple(training)] > 0 for pairs in prepare_fold(of, INPUTS, params).case.visible]
    assert len(visible) == QUICK.inner_folds
    assert (np.sum(visible, axis=0) == QUICK.inner_folds - 1).all()  # each treatment is hidden in one inner fold
    for seen in visible:
        assert not set(whole[seen].tolist()) & set(whole[~seen].tolist())


def test_a_disease_in_which_every_held_out_drug_is_contraindicated_is_not_asked_in_the_open_suite() -> None:
    few = replace(SPLIT, num_diseases=NUM_DISEASES + 1)
    harmed = np.stack([np.arange(NUM_DRUGS), np.full(NUM_DRUGS, NUM_DISEASES)])
    of = EvaluatedFold(few, FoldKey("drug", 0, 0), TherapeuticPairs(harmed, NOTHING_SAID.off_label))
    truth = np.concatenate([TRUTH, np.full((NUM_DRUGS, 1), 2.0)], axis=1)
    found = rows(of, truth)
    assert found["strict"]["macro_ap_by_drug"] < 1
    assert found["open"]["macro_ap_by_drug"] == 1


# the towers alone


def test_the_towers_alone_and_the_whole_model_are_scored_by_the_same_fit() -> None:
    generator = np.random.default_rng(0)
    vectors = PairVectors(*(generator.normal(size=(size, 3)).astype(np.float32) for size in (NUM_DRUGS, NUM_DISEASES)))
    prepared = prepare_fold(fold(), INPUTS, QUICK)
    fitted, columns = fit_classifiers(prepared.case, vectors, QUICK), prepared.fold.columns
    scores = Scorer.of_case(prepared.case, fitted, vectors).indications(columns)
    np.testing.assert_array_equal(scores, score_fold(prepared, vectors, QUICK))
    expected = np.mean([towers.log_probabilities(columns) for towers in fitted.towers], axis=0)
    found = score_by_towers(prepared, fitted)
    assert found is not None
    np.testing.assert_allclose(found, expected)


def test_without_vectors_there_are_no_towers_to_score_by() -> None:
    prepared = prepare_fold(fold(), INPUTS, QUICK)
    assert score_by_towers(prepared, fit_classifiers(prepared.case, INPUTS.vectors, QUICK)) is None
