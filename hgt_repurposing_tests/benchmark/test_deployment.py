"""Folds of the protocol `deployment`: what is hidden and scored, by which model, and bins of its probability."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from hgt_repurposing.benchmark import grid as grid_module
from hgt_repurposing.benchmark.assumptions import (
    AS_ASSUMED,
    ASSUMPTION,
    OTHER_ASSUMPTIONS,
    WHOLE_GRID,
    DeploymentTables,
)
from hgt_repurposing.benchmark.deployment import NUM_BINS, add_rows, deployment_folds, score_deployment
from hgt_repurposing.benchmark.grid import GridFold, measure
from hgt_repurposing.benchmark.protocol import FOLD, MODEL, SCORER
from hgt_repurposing.graph.external_pairs import no_pairs
from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing_tests.benchmark.measured_grids import FEW, MISSING, SHAPE, first_fold, sampled_fold, tied_scores
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    table_of,
)

PARAMS = QUICK.model_copy(update={"num_trees": 2, "missing": MISSING})


def folds(num_folds: int = 3, *, seed: int = 0) -> list[GridFold]:
    return list(deployment_folds(FEW, SHAPE, MISSING, known_otherwise=no_pairs(), num_folds=num_folds, seed=seed))


# what is hidden


def test_the_model_s_assumption_comes_first_and_the_others_half_as_often() -> None:
    found = [(fold.key[ASSUMPTION], fold.key[FOLD]) for fold in folds(3)]
    others = [(name, 0) for name in OTHER_ASSUMPTIONS]
    assert found == [(AS_ASSUMED, 0), (AS_ASSUMED, 1), (AS_ASSUMED, 2), *others]


def test_every_treatment_is_visible_or_hidden() -> None:
    for fold in folds():
        np.testing.assert_array_equal(table_of(fold.visible) + table_of(fold.positives), table_of(FEW))


@pytest.mark.parametrize("name", [AS_ASSUMED, *OTHER_ASSUMPTIONS])
def test_treatments_are_hidden_in_the_shares_of_the_assumption(name: str) -> None:
    missing = {AS_ASSUMED: PARAMS.missing, **OTHER_ASSUMPTIONS}[name]
    own = [fold for fold in folds(10) if fold.key[ASSUMPTION] == name]
    for fold in own:
        hidden, train = table_of(fold.positives), table_of(fold.visible)
        for share, axis, num_units in ((missing.diseases, 0, 20), (missing.drugs, 1, len(np.unique(FEW[0])))):
            whole = hidden.any(axis=axis) & ~train.any(axis=axis)
            assert whole.sum() >= round(share * num_units) - 1  # rounded; more, where all are hidden one by one
    # The three overlap at random: visible is what none hides. Units differ in their treatments, of which a mask takes
    # a few: their spread is a third of the share or so.
    expected = 1 - (1 - missing.pairs) * (1 - missing.diseases) * (1 - missing.drugs)
    assert np.mean([fold.positives.shape[1] for fold in own]) / FEW.shape[1] == pytest.approx(expected, rel=0.15)


def test_one_seed_hides_the_same_and_another_hides_others() -> None:
    for one, same in zip(folds(), folds(), strict=True):
        np.testing.assert_array_equal(one.positives, same.positives)
    assert not all(
        np.array_equal(one.positives, other.positives) for one, other in zip(folds(), folds(seed=1), strict=True)
    )


def test_more_masks_do_not_change_those_of_another_assumption() -> None:
    few, many = (
        {fold.name: fold.positives for fold in folds(number) if fold.key[ASSUMPTION] != AS_ASSUMED} for number in (3, 4)
    )
    for name, hidden in few.items():
        np.testing.assert_array_equal(hidden, many[name])


def test_masks_are_not_those_of_learning() -> None:
    # Learning draws from the treatments that are visible, with a seed of the fold and of the model.
    (fold, *_) = folds(seed=PARAMS.seed)
    (mask,) = draw_masks(FEW, PARAMS.missing, num_masks=1, generator=np.random.default_rng([PARAMS.seed, 0]))
    assert not np.array_equal(fold.positives, FEW[:, mask])


# what is scored


@pytest.mark.parametrize("room", [4, 7, 29])
def test_of_a_large_graph_some_diseases_of_both_kinds_stand_for_all(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid_module, "MAX_SCORED_CELLS", room * NUM_DRUGS)
    chosen = set()
    for fold in folds():
        assert room - 2 <= len(fold.columns) <= room + 2  # each of four kinds is rounded
        assert (np.diff(fold.columns) > 0).all()
        treated = fold.treated.diseases
        to_find = np.isin(np.arange(SHAPE[1]), fold.positives[1])
        for kind in (treated & to_find, treated & ~to_find, ~treated & to_find, ~treated & ~to_find):
            assert fold.sample.stands_for[kind[fold.columns]].sum() == pytest.approx(kind.sum())  # all
        chosen.add(tuple(fold.columns.tolist()))
    assert len(chosen) > 1


def test_where_nearly_all_diseases_have_something_to_find_they_get_the_room_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grid_module, "MAX_SCORED_CELLS", 10 * NUM_DRUGS)
    every_pair = np.indices(SHAPE).reshape(2, -1)
    one_by_one = MissingShares(pairs=0.1, diseases=0, drugs=0)
    fold = next(deployment_folds(every_pair, SHAPE, one_by_one, known_otherwise=no_pairs(), num_folds=1, seed=0))
    num_to_find = len(np.unique(fold.positives[1]))
    assert num_to_find == SHAPE[1] - 1  # the last one needs one place of ten
    assert sorted(fold.sample.stands_for.tolist()) == [1, *[pytest.approx(num_to_find / 9)] * 9]


# scores


def test_no_hidden_treatment_reaches_a_score_of_the_model() -> None:
    # The hidden treatments are dealt anew among the same drugs and diseases.
    fold, inputs = first_fold(), planted_inputs(planted_graph(FEW))
    others = np.stack([np.roll(fold.positives[0], 1), fold.positives[1]])
    dealt = planted_graph(np.unique(np.concatenate([fold.visible, others], axis=1), axis=1))
    assert not np.array_equal(dealt.indications, FEW)
    found = score_deployment(fold, inputs, PARAMS)
    np.testing.assert_array_equal(found, score_deployment(fold, planted_inputs(dealt), PARAMS))
    whole = measure(fold, MODEL, found).scorers[0]
    assert whole["setting"] == WHOLE_GRID
    assert whole["auroc"] > 0.75  # .9 measured


# what stands in the tables


def test_every_fold_has_its_key_in_the_tables() -> None:
    fold, tables = sampled_fold(), DeploymentTables([], [], [])
    add_rows(fold, {MODEL: tied_scores(fold), "drug degree": fold.positive.astype(float)}, tables)
    assert fold.name == "deployment as assumed, fold 0"
    for table in (pd.DataFrame(tables.scorers), pd.DataFrame(tables.bins), *tables.positives):
        assert set(zip(table[ASSUMPTION], table[FOLD], strict=True)) == {(AS_ASSUMED, 0)}
    assert list(dict.fromkeys(row[SCORER] for row in tables.scorers)) == [MODEL, "drug degree"]
    assert [set(table[SCORER]) for table in tables.positives] == [{MODEL}, {"drug degree"}]


def test_the_model_s_log_odds_say_how_many_treatments_are_expected() -> None:
    fold, tables = sampled_fold(), DeploymentTables([], [], [])
    scores = tied_scores(fold)
    add_rows(fold, {MODEL: scores}, tables)
    expected = (expit(scores) * fold.sample.stands_for)[fold.candidate]
    assert tables.scorers[0]["expected"] == pytest.approx(expected.sum())


def test_bins_hold_every_cell_and_treatment_once() -> None:
    fold, tables = sampled_fold(), DeploymentTables([], [], [])
    scores = tied_scores(fold)
    add_rows(fold, {MODEL: scores}, tables)
    whole, bins = tables.scorers[0], pd.DataFrame(tables.bins)
    for column, total in (("expected", "expected"), ("observed", "num_positives"), ("num_cells", "num_cells")):
        assert bins[column].sum() == pytest.approx(whole[total])
    assert bins["bin"].tolist() == list(range(NUM_BINS))
    assert (np.diff(bins["lowest"]) >= 0).all()
    # Equal mass, but for one cell at either end: the most probable one weighs this much.
    largest = float((expit(scores) * fold.sample.stands_for).max())
    assert bins["expected"].to_numpy() == pytest.approx(whole["expected"] / NUM_BINS, abs=largest)


def test_the_most_probable_cell_is_in_the_last_bin_however_much_it_holds() -> None:
    fold, tables = first_fold(), DeploymentTables([], [], [])
    scores = np.full(fold.candidate.shape, -9.0)
    scores[tuple(np.argwhere(fold.candidate)[:3].T)] = [1, 2, 3]
    add_rows(fold, {MODEL: scores}, tables)
    last = pd.DataFrame(tables.bins).iloc[-1]
    assert (last["bin"], last["num_cells"]) == (NUM_BINS - 1, 1)
    assert last["lowest"] == pytest.approx(expit(3))


def test_bins_are_of_the_model_alone_and_so_is_what_is_expected() -> None:
    fold, tables = sampled_fold(), DeploymentTables([], [], [])
    add_rows(fold, {"drug degree": tied_scores(fold)}, tables)
    assert tables.bins == []
    assert not any("expected" in row for row in tables.scorers)
