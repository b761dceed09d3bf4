from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.sparse import csr_array

from hgt_repurposing.baselines import stacking_by_setting as module
from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs, ColumnScores
from hgt_repurposing.baselines.catalogue import STACKED, baselines_for
from hgt_repurposing.baselines.rules import RULES
from hgt_repurposing.baselines.stacking_by_setting import (
    UNLEARNED,
    WeightedCells,
    logistic_regression_by_setting,
)
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting, Treated
from hgt_repurposing.graph.split_kinds import Hiding
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    NUM_MODULES,
    planted_graph,
    planted_inputs,
    planted_pairs,
    table_of,
)

# Diseases 20 to 29 have no treatment, and drugs 40 to 59 no use.
FEW = planted_pairs()[:, (planted_pairs()[1] < 20) & (planted_pairs()[0] < 40)]
ALL = np.arange(NUM_DISEASES)
MODULE = np.arange(NUM_DRUGS)[:, None] % NUM_MODULES == ALL % NUM_MODULES
SOME = [rule for rule in RULES if rule.name in ("degree product", "drug kNN", "drug-gene-disease paths")]


def inputs_of(pairs: IntArray = FEW, *, missing: MissingShares | None = None, seed: int = 0) -> BaselineInputs:
    known = planted_inputs(planted_graph(pairs)).neighbourhoods
    return BaselineInputs(
        csr_array(table_of(pairs)),
        known.drug_genes,
        known.disease_genes,
        Hiding("pair"),
        (seed,),
        known.drugs.kernel,
        known.diseases.kernel,
        missing or MissingShares(),
    )


def fitted(inputs: BaselineInputs, rules: list[Baseline] = SOME) -> ColumnScores:
    assert inputs.missing is not None
    return logistic_regression_by_setting(inputs, rules, inputs.missing)


@cache
def of_few() -> FloatArray:
    return fitted(inputs_of())(ALL)


def gathered(inputs: BaselineInputs, rules: list[Baseline], monkeypatch: pytest.MonkeyPatch) -> list[WeightedCells]:
    """The cells that are learned from."""
    found: list[WeightedCells] = []

    def keep(cells: list[WeightedCells]) -> dict[int, object]:
        found.extend(cells)
        return {}

    monkeypatch.setattr(module, "_fit", keep)
    fitted(inputs, rules)
    return found


def test_what_has_another_label_is_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    # A rule that scores each pair by its drug shows which drugs the cells are of; all but five have other labels.
    known, by_drug = np.ones((NUM_DRUGS, NUM_DISEASES)), replace(SOME[0], rule=score_of_drug)
    known[:5] = 0
    found = gathered(replace(inputs_of(), other_labels=csr_array(known)), [by_drug], monkeypatch)
    drugs = {float(drug) for cells in found for drug in cells.features[~cells.positive, 0]}
    assert drugs
    assert drugs <= set(range(5))
    assert any(cells.features[cells.positive].max(initial=0) > 5 for cells in found)


def score_of_drug(_: BaselineInputs) -> ColumnScores:
    return lambda columns: np.repeat(np.arange(NUM_DRUGS, dtype=np.float64)[:, None], len(columns), axis=1)


# the whole grid


def test_the_catalogue_asks_it_where_a_draw_of_what_is_missing_is_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NUM_MASKS", 2)
    inputs, rules = inputs_of(), [rule for rule in RULES if rule.is_stacked]
    assert STACKED in baselines_for(inputs).usable
    np.testing.assert_array_equal(STACKED.fit(inputs)(ALL), fitted(replace(inputs, stream=STACKED.name), rules)(ALL))


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_scored_and_shows_the_signal(setting: Setting) -> None:
    here = Treated.of(inputs_of().train).grid(ALL) == SETTINGS.index(setting)
    scores, own = of_few()[here], MODULE[here]
    assert here.any()
    assert (scores > UNLEARNED).all()
    assert scores[own].mean() > scores[~own].mean() + 0.5  # log odds


def test_settings_are_on_one_scale() -> None:
    # As many treatments as a mask hides, or a little more: fewer are visible in a mask than in the graph.
    probability = 1 / (1 + np.exp(-of_few()))
    expected = probability[table_of(FEW) == 0].sum()
    share = 1 - 0.9**3
    assert 0.5 < expected / (share * FEW.shape[1]) < 2


def test_diseases_asked_for_together_and_alone_score_the_same_to_the_bit() -> None:
    score = fitted(inputs_of())
    for chosen in (ALL[3:4], ALL[25:], ALL[[1, 22, 4]], ALL[:0]):
        np.testing.assert_array_equal(score(chosen), of_few()[:, chosen])


def test_it_repeats_with_the_seed_to_the_bit_and_another_draws_others() -> None:
    np.testing.assert_array_equal(fitted(inputs_of())(ALL), of_few())
    assert not np.array_equal(fitted(inputs_of(seed=1))(ALL), of_few())


# what nothing was learned about


def test_a_setting_without_masked_pairs_comes_last() -> None:
    one_by_one = MissingShares(pairs=0.1, diseases=0, drugs=0)
    drug, disease = np.indices((40, 20)).reshape(2, -1)
    every_second = np.stack([drug, disease])[:, (drug + disease) % 2 == 0]
    inputs = inputs_of(every_second, missing=one_by_one)
    scores, setting = fitted(inputs)(ALL), Treated.of(inputs.train).grid(ALL)
    assert set(np.unique(setting)) == {0, 1, 2, 3}
    assert (scores[setting != 0] == UNLEARNED).all()  # nothing has all of its ten treatments hidden
    assert (scores[setting == 0] > UNLEARNED).all()


def test_without_a_treatment_all_cells_are_alike() -> None:
    assert (fitted(inputs_of(FEW[:, :0]))(ALL) == UNLEARNED).all()


# what is learned from


def test_cells_stand_for_all_pairs_without_a_visible_treatment(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, hidden = inputs_of(), np.arange(FEW.shape[1]) % 5 == 0
    monkeypatch.setattr(module, "draw_masks", lambda *_, **__: [hidden])
    treated = Treated.of(csr_array(table_of(FEW[:, ~hidden])))
    unlabelled = table_of(FEW[:, ~hidden]) == 0
    cells = {part.setting: part for part in gathered(inputs, SOME, monkeypatch)}
    assert list(cells) == [0, 1, 2, 3]
    for number, part in cells.items():
        here = unlabelled & (treated.grid(ALL) == number)
        assert part.weight.sum() == pytest.approx(here.sum())
        assert part.weight[part.positive].tolist() == [1] * int((table_of(FEW[:, hidden])[here] > 0).sum())


def test_on_a_large_graph_a_sample_of_the_diseases_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DISEASES", 12)
    asked: list[IntArray] = []

    def noted(_: BaselineInputs) -> ColumnScores:
        def scores(columns: IntArray) -> FloatArray:
            asked.append(columns)
            return np.zeros((NUM_DRUGS, len(columns)))

        return scores

    gathered(inputs_of(), [Baseline("noted", "", noted)], monkeypatch)
    assert [len(np.unique(columns)) for columns in asked] == [12] * module.NUM_MASKS
    assert len(np.unique(np.concatenate(asked))) > 20  # others under every mask


# no pair speaks for itself


def own_label(inputs: BaselineInputs) -> ColumnScores:
    """A baseline that repeats the labels it is shown: worthless, and perfect on pairs that are not hidden from it."""
    return lambda columns: np.asarray(inputs.train[:, columns].toarray(), dtype=np.float64)


def test_no_masked_pair_reaches_its_own_score(monkeypatch: pytest.MonkeyPatch) -> None:
    for part in gathered(inputs_of(), [Baseline("own label", "", own_label)], monkeypatch):
        assert not part.features.any()


def test_a_rule_that_repeats_its_input_is_not_trusted() -> None:
    with_it = fitted(inputs_of(), [*SOME, Baseline("own label", "", own_label)])(ALL)
    np.testing.assert_allclose(with_it, of_few(), atol=1e-6)  # the same draws; a column of zeros gets no weight


def test_scores_do_not_change_with_what_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is hidden is dealt anew, and what is visible stays: every rule must say the same of any cell.
    hidden = np.arange(FEW.shape[1]) % 5 == 0
    other = np.unique(np.where(hidden, np.stack([(FEW[0] + 1) % 40, FEW[1]]), FEW), axis=1)
    shown = table_of(FEW[:, ~hidden])
    given: list[FloatArray] = []

    def noted(inputs: BaselineInputs) -> ColumnScores:
        given.append(inputs.train.toarray())
        return lambda columns: np.zeros((NUM_DRUGS, len(columns)))

    for pairs in (FEW, other):
        mask: BoolArray = shown[tuple(pairs)] == 0
        monkeypatch.setattr(module, "draw_masks", lambda *_, mask=mask, **__: [mask])
        gathered(inputs_of(pairs), [Baseline("noted", "", noted)], monkeypatch)
    under_the_mask = given[::2]  # then with all treatments
    for seen in under_the_mask:
        np.testing.assert_array_equal(seen, shown)
    assert not np.array_equal(given[1], given[3])
