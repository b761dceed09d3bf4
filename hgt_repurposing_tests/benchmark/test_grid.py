"""One fold of the whole grid: which cells count, which diseases are sampled, and what is measured."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import average_precision_score, roc_auc_score

from hgt_repurposing.baselines.baseline import BaselineInputs
from hgt_repurposing.baselines.catalogue import BASELINES, STACKED, UsableBaselines, baselines_for
from hgt_repurposing.baselines.rank_average import RANK_AVERAGE, rank_average
from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark import grid as module
from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, LIST_LENGTHS, WHOLE_GRID
from hgt_repurposing.benchmark.grid import GridFold, SampledDiseases, baseline_scores, measure, sample_diseases
from hgt_repurposing.benchmark.protocol import MODEL
from hgt_repurposing.graph.external_pairs import no_pairs
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing_tests.benchmark.measured_grids import FEW, SHAPE, first_fold, sampled_fold, tied_scores
from hgt_repurposing_tests.repurposing.planted import NUM_DRUGS, QUICK, planted_graph, planted_inputs

ALL = SampledDiseases(np.arange(3), np.ones(3))

# Drug 0 treats disease 0 and drug 1 disease 1; hidden are drug 1 for disease 0, and drug 2 for disease 2, which has no
# other. Drug 3 and disease 3 have nothing. Disease 1 is not scored, and disease 3 stands for two and a half.
SMALL = GridFold(
    key={"file": "f", "fold": 2},
    name="small",
    visible=np.array([[0, 1], [0, 1]]),
    positives=np.array([[1, 2], [0, 2]]),
    known_otherwise=no_pairs(),
    shape=(4, 4),
    sample=SampledDiseases(np.array([0, 2, 3]), np.array([1, 1, 2.5])),
)


def fold(sample: SampledDiseases = ALL) -> GridFold:
    """Drugs 0 and 1 are seen to treat disease 0; that 0 treats 1 and 2 treats 0 is to be found."""
    return GridFold(
        key={"file": "f", "fold": 0},
        name="f",
        visible=np.array([[0, 1], [0, 0]]),
        positives=np.array([[0, 2], [1, 0]]),
        known_otherwise=no_pairs(),
        shape=(3, 3),
        sample=sample,
    )


def test_every_cell_about_which_nothing_is_known_counts_in_its_setting() -> None:
    assert SMALL.treated.drugs.tolist() == [True, True, False, False]
    assert SMALL.treated.diseases.tolist() == [True, True, False, False]
    assert SMALL.candidate.astype(int).tolist() == [[0, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 1]]
    assert SMALL.positive.astype(int).tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]]
    assert SMALL.setting.tolist() == [1, 1, 0, 1, 1, 2, 3, 3, 2, 3, 3]  # drug by drug
    assert SMALL.weight.tolist() == [1, 2.5, 1, 1, 2.5, 1, 1, 2.5, 1, 1, 2.5]


def test_what_is_known_otherwise_is_no_candidate_unless_it_is_to_be_found() -> None:
    # Of the pairs with another label, the first two are candidates in SMALL, the third is to be found, and the last is
    # visible.
    of = replace(SMALL, known_otherwise=np.array([[3, 0, 1, 0], [0, 2, 0, 0]]))
    assert of.candidate.astype(int).tolist() == [[0, 0, 1], [1, 1, 1], [1, 1, 1], [0, 1, 1]]
    assert of.positive.tolist() == SMALL.positive.tolist()
    assert of.setting.tolist() == [1, 0, 1, 1, 2, 3, 3, 3, 3]
    (whole,) = (
        row for row in measure(of, "rule", np.arange(12.0).reshape(4, 3)).scorers if row["setting"] == WHOLE_GRID
    )
    assert whole["num_cells"] == SMALL.weight.sum() - 2


# what is measured


def by_setting(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Any: names and numbers."""
    return {row["setting"]: row for row in rows}


def test_a_list_is_measured_by_hand() -> None:
    scores = np.array([[9.0, 5, 1], [9, 4, 0], [2, 3, 0.5]])  # the treatments are (0, 1) and (2, 0)
    rows, positives = measure(fold(), "rule", scores)
    whole = rows[0]
    assert (whole["setting"], whole["num_cells"], whole["num_positives"]) == ("whole grid", 7, 2)
    # of the five negatives, all are below 5 and three below 2
    assert whole["auroc"] == pytest.approx((5 / 5 + 3 / 5) / 2)
    assert whole["average_precision"] == pytest.approx((1 / 1 + 2 / 4) / 2)
    assert whole["found_at_50"] == 2
    assert "expected" not in whole
    assert [row["setting"] for row in rows] == ["whole grid", "cold disease", "cold drug", "cold pair"]
    assert positives[["drug", "disease", "setting"]].to_numpy().tolist() == [
        [0, 1, "cold disease"],
        [2, 0, "cold drug"],
    ]
    assert "auroc" not in rows[3]  # a setting without treatments is only counted


def test_probabilities_are_summed_where_they_are_given() -> None:
    rows, _ = measure(fold(), "rule", np.arange(9.0).reshape(3, 3), probability=np.full(7, 0.25))
    assert rows[0]["expected"] == 7 * 0.25
    assert rows[1]["expected"] == 4 * 0.25


def test_a_sampled_disease_counts_for_those_it_stands_for() -> None:
    sampled = fold(SampledDiseases(np.array([0, 1]), np.array([1.0, 2.0])))
    rows, positives = measure(sampled, "rule", np.array([[9.0, 5], [9, 4], [2, 3]]))
    assert rows[0]["num_cells"] == 7
    assert rows[0]["num_positives"] == 3  # the one of disease 1 twice
    assert positives["weight"].tolist() == [2, 1]
    assert rows[0]["auroc"] == pytest.approx((2 * 1 + 1 * 0) / 3)


@pytest.mark.parametrize("setting", [WHOLE_GRID, *SETTINGS])
def test_rows_agree_with_a_count_of_all_cells(setting: str) -> None:
    fold = sampled_fold()
    scores = tied_scores(fold)
    cells = []
    treated = [set(ends.tolist()) for ends in fold.visible]
    visible, hidden = ({(int(a), int(b)) for a, b in pairs.T} for pairs in (fold.visible, fold.positives))
    for column, disease in enumerate(fold.columns.tolist()):
        for drug in range(NUM_DRUGS):
            own = SETTINGS[2 * (drug not in treated[0]) + (disease not in treated[1])]
            if (drug, disease) not in visible and setting in (own, WHOLE_GRID):
                cells.append((scores[drug, column], (drug, disease) in hidden, fold.sample.stands_for[column]))
    score, positive, weight = (np.array(part) for part in zip(*cells, strict=True))
    found = measure(fold, MODEL, scores, probability=expit(scores[fold.candidate]))
    row = by_setting(found.scorers)[setting]
    assert (row["assumption"], row["fold"], row["scorer"]) == (AS_ASSUMED, 0, MODEL)
    assert row["num_cells"] == pytest.approx(weight.sum())
    assert row["num_positives"] == pytest.approx(weight @ positive)
    assert row["expected"] == pytest.approx(weight @ expit(score))
    assert row["auroc"] == pytest.approx(roc_auc_score(positive, score, sample_weight=weight))
    assert row["average_precision"] == pytest.approx(average_precision_score(positive, score, sample_weight=weight))
    if setting == WHOLE_GRID:
        assert np.unique(weight).tolist() != [1]
        assert row["found_at_1000"] <= row["num_positives"]


@pytest.mark.parametrize("make", [first_fold, sampled_fold])
def test_macro_average_precision_is_of_diseases_and_of_drugs_with_a_hidden_treatment(
    make: Callable[[], GridFold],
) -> None:
    fold = make()
    scores = tied_scores(fold)
    row = measure(fold, "rule", scores).scorers[0]
    for name, parts in (
        ("macro_ap", (scores.T, fold.positive.T, fold.candidate.T)),
        ("macro_ap_by_drug", (scores, fold.positive, fold.candidate)),
    ):
        found = [
            average_precision_score(positive[candidate], score[candidate])
            for score, positive, candidate in zip(*parts, strict=True)
            if positive.any()
        ]
        if name == "macro_ap_by_drug" and fold.sample.is_sample:
            assert np.isnan(row[name])  # the list of a drug needs all diseases
        else:
            assert row[name] == pytest.approx(np.mean(found))


def test_numbers_found_by_hand() -> None:
    scores = np.zeros((4, 3))
    scores[3, 2], scores[1, 0], scores[2, 1] = 3, 2, 1  # disease 3 fills two and a half places
    row = measure(SMALL, "rule", scores).scorers[0]
    assert [row[f"found_at_{top}"] for top in LIST_LENGTHS] == [2, 2, 2, 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LIST_LENGTHS", (2, 3, 4))
        row = measure(SMALL, "rule", scores).scorers[0]
    assert [row[f"found_at_{top}"] for top in (2, 3, 4)] == [0, 0.5, 1.5]


def test_every_hidden_treatment_of_a_scored_disease_has_a_row() -> None:
    fold = sampled_fold()
    scores = tied_scores(fold)
    of_scorers, found = measure(fold, "rule", scores)
    rows = by_setting(of_scorers)
    scored = fold.positives[:, np.isin(fold.positives[1], fold.columns)]
    assert sorted(zip(found["drug"], found["disease"], strict=True)) == sorted(map(tuple, scored.T.tolist()))
    weight_of = dict(zip(fold.columns.tolist(), fold.sample.stands_for, strict=True))
    assert found["weight"].tolist() == [weight_of[disease] for disease in found["disease"]]
    for setting, suffix, own in [(WHOLE_GRID, "", found)] + [
        (setting, "_in_setting", found[found["setting"] == setting]) for setting in SETTINGS
    ]:
        for metric, column in (("auroc", "placement"), ("average_precision", "precision")):
            mean = np.average(own[column + suffix], weights=own["weight"])
            assert mean == pytest.approx(rows[setting][metric])


def test_settings_of_the_positives_by_hand() -> None:
    of_scorers, found = measure(SMALL, "rule", np.arange(12.0).reshape(4, 3))
    rows = by_setting(of_scorers)
    assert found[["drug", "disease", "setting"]].to_numpy().tolist() == [[1, 0, "warm pair"], [2, 2, "cold pair"]]
    assert found["placement_in_setting"].isna().tolist() == [True, False]  # the warm pair is alone
    assert "auroc" not in rows["warm pair"]
    assert "auroc" not in rows["cold disease"]  # no positive
    assert rows["cold disease"]["num_positives"] == 0
    assert rows["cold disease"]["num_cells"] == 7


def test_a_setting_without_a_cell_has_no_row() -> None:
    every_drug = np.stack([np.arange(4), np.array([0, 1, 0, 0])])
    all_diseases = SampledDiseases(np.arange(4), np.ones(4))
    of = replace(SMALL, visible=every_drug, sample=all_diseases)
    rows = measure(of, "rule", np.arange(16.0).reshape(4, 4)).scorers
    assert list(by_setting(rows)) == [WHOLE_GRID, "warm pair", "cold disease"]


# what is refused


def test_equal_scores_of_the_model_are_refused_and_those_of_a_baseline_are_not() -> None:
    sentence = r"the model \(small\): scores must differ between candidates \(got 0\.0 for all 11"
    with pytest.raises(ValueError, match=sentence):
        measure(SMALL, MODEL, np.zeros((4, 3)))
    assert measure(SMALL, "rule", np.zeros((4, 3))).scorers[0]["auroc"] == 0.5


def test_a_grid_with_nothing_to_rank_against_is_refused() -> None:
    everything = np.indices((4, 4)).reshape(2, -1)
    sentence = (
        "^small: there is nothing to rank 2 treatments against: about every other pair, the graph says something$"
    )
    with pytest.raises(ValueError, match=sentence):
        measure(replace(SMALL, known_otherwise=everything), "rule", np.arange(12.0).reshape(4, 3))


@pytest.mark.parametrize("scorer", [MODEL, "rule"])
def test_scores_that_are_not_finite_are_refused(scorer: str) -> None:
    scores = np.arange(12.0).reshape(4, 3)
    scores[2, 1] = np.nan
    with pytest.raises(ValueError, match=r"scores must be finite \(got nan"):
        measure(SMALL, scorer, scores)


# baselines


@cache
def baselines() -> Mapping[str, FloatArray]:
    return baseline_scores(first_fold(), planted_inputs(planted_graph(FEW)), QUICK).scores


def test_every_baseline_is_in_the_table_and_the_rank_average_last() -> None:
    assert list(baselines()) == [*BASELINES, RANK_AVERAGE]
    assert all(scores.shape == SHAPE for scores in baselines().values())


def test_the_rank_average_is_over_the_rules_without_chance_and_the_stack() -> None:
    fold = first_fold()
    rules = {name: of[fold.candidate] for name, of in baselines().items() if name not in (RANDOM.name, STACKED.name)}
    del rules[RANK_AVERAGE]
    np.testing.assert_array_equal(baselines()[RANK_AVERAGE][fold.candidate], rank_average(rules, fold.setting))


def test_no_hidden_treatment_reaches_a_baseline() -> None:
    blind = baseline_scores(first_fold(), planted_inputs(planted_graph(first_fold().visible)), QUICK).scores
    for name, scores in baselines().items():
        np.testing.assert_array_equal(scores, blind[name], err_msg=name)


def test_baselines_that_the_graph_has_nothing_for_are_left_out_with_the_reason() -> None:
    graph = planted_graph(FEW)
    bare = graph.without([edge_type for edge_type in graph.edges if "gene" in (edge_type.source, edge_type.target)])
    found = baseline_scores(first_fold(), planted_inputs(bare), QUICK)
    assert found.missing["drug similarity by targets"] == "the graph links no drug to a gene"
    assert list(found.scores) == [*(name for name in BASELINES if name not in found.missing), RANK_AVERAGE]


# the sample of diseases


def test_a_small_grid_is_scored_whole() -> None:
    columns, stands_for = sample_diseases((3, 5), np.array([1]), np.random.default_rng(0), always=np.array([2]))
    assert columns.tolist() == list(range(5))
    assert stands_for.tolist() == [1] * 5


def test_of_a_large_grid_the_named_diseases_stand_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SCORED_CELLS", 10 * 20)
    treated, always = np.arange(60), np.array([3, 99, 3])
    columns, stands_for = sample_diseases((10, 100), treated, np.random.default_rng(0), always=always)
    weight = dict(zip(columns.tolist(), stands_for.tolist(), strict=True))
    assert weight[3] == weight[99] == 1
    assert len(columns) == 20
    others = {column: value for column, value in weight.items() if column not in (3, 99)}
    assert sum(value for column, value in others.items() if column < 60) == pytest.approx(59)
    assert sum(value for column, value in others.items() if column >= 60) == pytest.approx(39)


def test_diseases_with_a_pair_to_be_found_get_half_of_the_room_however_few_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_SCORED_CELLS", 10 * 20)
    to_find = np.arange(40, 46)
    columns, stands_for = sample_diseases(
        (10, 1000), np.arange(50), np.random.default_rng(0), to_find=np.repeat(to_find, 2)
    )
    weight = dict(zip(columns.tolist(), stands_for.tolist(), strict=True))
    assert all(weight[disease] == 1 for disease in to_find.tolist())  # six find place in ten
    assert len(columns) == 6 + 1 + 13  # the others in proportion, 44 treated and 950 untreated, of each at least one
    assert sum(value for column, value in weight.items() if column < 50) == pytest.approx(6 + 44)
    assert stands_for.sum() == pytest.approx(1000)
    _, fewer = sample_diseases((10, 1000), np.arange(50), np.random.default_rng(0), to_find=np.arange(100, 130))
    assert np.unique(fewer[fewer < 4]).tolist() == [3]  # ten stand for thirty


def test_more_named_diseases_than_room_are_all_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SCORED_CELLS", 10 * 4)
    columns, stands_for = sample_diseases((10, 30), np.arange(10), np.random.default_rng(0), always=np.arange(8))
    assert set(range(8)) < set(columns.tolist())
    assert stands_for.sum() == pytest.approx(30)


def test_stacked_baselines_leave_out_what_has_another_label(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[BaselineInputs] = []

    def keep(inputs: BaselineInputs) -> UsableBaselines:
        given.append(inputs)
        return baselines_for(inputs)

    monkeypatch.setattr(module, "baselines_for", keep)
    inputs = planted_inputs(planted_graph(FEW, contraindications=True))
    baseline_scores(first_fold(), inputs, QUICK)
    others = given[0].other_labels
    assert others is not None
    assert others.nnz == inputs.labels.contraindications.nnz + inputs.labels.off_label.nnz > 0
