import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import Features, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing import classifier as module
from hgt_repurposing.repurposing import features as features_module
from hgt_repurposing.repurposing.baseline_scores import BaselineScores
from hgt_repurposing.repurposing.blend import mean_log_odds
from hgt_repurposing.repurposing.classifier import (
    HEADS,
    MAX_MISSING_SHARE,
    TOWERS,
    Examples,
    Member,
    PairClassifier,
    Rows,
    expected_number,
    fit_classifier,
)
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.heads import TreeHead, fit_tree_head
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN
from hgt_repurposing.repurposing.learning import LearningCase, gather_examples
from hgt_repurposing.repurposing.masked_cells import MaskedCells
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    shuffled_pairs,
    table_of,
)

INPUTS = planted_inputs()
AGAINST = planted_inputs(planted_graph(contraindications=True))
PAIRS, ALL = planted_pairs(), np.arange(NUM_DISEASES)
NUMBER = PairVectors(
    np.arange(NUM_DRUGS, dtype=np.float32)[:, None], np.arange(NUM_DISEASES, dtype=np.float32)[:, None]
)
"""The number of each node."""
HELD_OUT = np.arange(0, NUM_DISEASES, 3)
every_setting = pytest.mark.parametrize("setting", SETTINGS)


@cache
def features_of(inputs: PairInputs, visible: tuple[tuple[int, ...], ...]) -> Mapping[Setting, PairFeatures]:
    """Of every setting, with these pairs visible."""
    labels = inputs.labels.with_indications(np.array(visible))
    return PairFeatures.of_every_setting(inputs.neighbourhoods, labels.indications)


@cache
def random_vectors(width: int = 3) -> PairVectors:
    generator = np.random.default_rng(0)
    drugs, diseases = (generator.standard_normal((size, width)) for size in (NUM_DRUGS, NUM_DISEASES))
    return PairVectors(drugs.astype(np.float32), diseases.astype(np.float32))


def gathered(
    pairs: IntArray = PAIRS,
    setting: Setting = "cold disease",
    *,
    seed: int = 0,
    inputs: PairInputs = INPUTS,
    **changed: Any,
) -> tuple[LearningCase, ClassifierParams]:
    """Of one setting, with other parameters where they are given. Any: values of `ClassifierParams`."""
    params, labels = QUICK.model_copy(update={"seed": seed, **changed}), inputs.labels.with_indications(pairs)
    case = gather_examples(inputs.neighbourhoods, labels, params=params, seed=(seed,), settings=[setting])
    return case, params


def fit_anew(
    pairs: IntArray = PAIRS,
    setting: Setting = "cold disease",
    *,
    seed: int = 0,
    inputs: PairInputs = INPUTS,
    vectors: PairVectors = INPUTS.vectors,
    **changed: Any,
) -> PairClassifier:
    """On these pairs, without towers."""
    case, params = gathered(pairs, setting, seed=seed, inputs=inputs, **changed)
    return fit_classifier(case.examples[setting], vectors, features=case.features[setting], params=params, towers=())


@cache
def fitted(
    setting: Setting = "cold disease",
    *,
    seed: int = 0,
    inputs: PairInputs = INPUTS,
    vectors: PairVectors = INPUTS.vectors,
    inner_folds: int = QUICK.inner_folds,
) -> PairClassifier:
    """On all planted pairs, once for all tests that read it."""
    return fit_anew(setting=setting, seed=seed, inputs=inputs, vectors=vectors, inner_folds=inner_folds)


def rows_of(
    model: PairClassifier,
    pairs: IntArray,
    diseases: IntArray,
    *,
    inputs: PairInputs = INPUTS,
    vectors: PairVectors = INPUTS.vectors,
) -> Rows:
    """Every drug for some diseases, drug by drug."""
    features = features_of(inputs, tuple(map(tuple, pairs.tolist())))[model.setting]
    named, baselines = features.block(diseases), features.baselines.block(diseases)
    cells = np.stack(np.meshgrid(np.arange(NUM_DRUGS), diseases, indexing="ij")).reshape(2, -1)
    return Rows(
        named.reshape(-1, named.shape[2]), baselines.reshape(-1, baselines.shape[2]), cells, vectors, towers=None
    )


def scores(
    model: PairClassifier,
    pairs: IntArray = PAIRS,
    diseases: IntArray = ALL,
    *,
    inputs: PairInputs = INPUTS,
    vectors: PairVectors = INPUTS.vectors,
) -> FloatArray:
    """Shape [num_classes - 1, num_drugs, num_columns]."""
    found = model.log_odds(rows_of(model, pairs, diseases, inputs=inputs, vectors=vectors))
    return found.reshape(-1, NUM_DRUGS, len(diseases))


def auroc_on_held_out_diseases(pairs: IntArray, *, seed: int = 0) -> float:
    training = pairs[:, ~np.isin(pairs[1], HELD_OUT)]
    found = scores(fit_anew(training, seed=seed), training, HELD_OUT)[0]
    return float(roc_auc_score(table_of(pairs)[:, HELD_OUT].ravel(), found.ravel()))


# signal and chance


def test_the_planted_signal_is_found_in_held_out_diseases() -> None:
    assert auroc_on_held_out_diseases(PAIRS) > 0.85  # .93 measured; who treats within a module is chance


@pytest.mark.slow
def test_shuffled_labels_are_not_found_at_all() -> None:
    # Pairs drawn uniformly: those of held-out diseases say nothing of drugs. The standard deviation of the AUROC of 40
    # positives among 600 cells is about .05; of the mean of nine .017, of which four are the tolerance.
    found = [auroc_on_held_out_diseases(shuffled_pairs(seed), seed=seed) for seed in range(9)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.07)


def test_contraindications_are_told_from_indications() -> None:
    model = fitted(inputs=AGAINST)
    treats, harms = scores(model, inputs=AGAINST)
    known, barred = (matrix.toarray() > 0 for matrix in (AGAINST.labels.indications, AGAINST.labels.contraindications))
    assert roc_auc_score(known.ravel(), treats.ravel()) > 0.85
    assert roc_auc_score(barred.ravel(), harms.ravel()) > 0.85
    assert treats[known].mean() > treats[barred].mean() + 1
    assert harms[barred].mean() > harms[known].mean() + 1


# one seed, one classifier


@every_setting
def test_one_seed_gives_one_classifier(setting: Setting) -> None:
    assert fit_anew(setting=setting).to_parts("x") == fitted(setting).to_parts("x")


def test_another_seed_gives_another_classifier() -> None:
    assert fitted(seed=1).to_parts("x") != fitted().to_parts("x")


@pytest.mark.parametrize("inputs", [INPUTS, AGAINST], ids=["two classes", "three classes"])
@pytest.mark.parametrize("width", [0, 3], ids=["no vectors", "vectors"])
def test_a_classifier_from_its_parts_scores_the_same_to_the_bit(inputs: PairInputs, width: int) -> None:
    vectors = random_vectors(width)
    model = fitted(inputs=inputs, vectors=vectors)
    parts = model.to_parts("disease")
    back = PairClassifier.from_parts(json.loads(json.dumps(parts)), "disease")
    np.testing.assert_array_equal(
        scores(back, inputs=inputs, vectors=vectors), scores(model, inputs=inputs, vectors=vectors)
    )
    np.testing.assert_equal(back.to_parts("disease"), parts)


def test_there_is_a_member_for_every_inner_fold_and_a_blend_for_every_class() -> None:
    assert len(fitted(inner_folds=3).members) == 3
    assert len(fitted().blends) == 1
    assert len(fitted(inputs=AGAINST).blends) == 2


def test_heads_and_baselines_are_blended_and_no_weight_is_negative() -> None:
    model = fitted(inputs=AGAINST)
    assert model.score_names == (*HEADS, *model.baseline_names)
    for blend in model.blends:
        assert len(blend.weights) == len(model.score_names)
        assert min(blend.weights) >= 0


# what a member learns from


@every_setting
def test_no_member_learns_from_a_treatment_that_its_masks_hold_in_the_setting(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Vectors that number their nodes show of which pairs the rows of the trees are.
    seen: dict[int, tuple[IntArray, IntArray]] = {}

    def record(rows: Features, label: IntArray, params: ClassifierParams, *, num_classes: int, seed: int) -> TreeHead:
        seen[seed] = rows[:, -2:].T.astype(np.int64), label
        return fit_tree_head(rows, label, params, num_classes=num_classes, seed=seed)

    monkeypatch.setattr(module, "fit_tree_head", record)
    few = PAIRS[:, (PAIRS[0] < 50) & (PAIRS[1] < 25)]
    missing = MissingShares(pairs=0.4, diseases=0.2, drugs=0.2)  # each treatment in several masks
    case, params = gathered(few, setting, inputs=AGAINST, missing=missing, inner_folds=4)
    masks = case.examples[setting]
    fit_classifier(masks, NUMBER, features=case.features[setting], params=params, towers=())
    held: list[set[tuple[int, int]]] = []
    assert sorted(seen) == list(range(4))
    for left_out in range(4):
        inside = [mask.cells for at, mask in enumerate(masks) if at * 4 // len(masks) == left_out]
        held.append({pair for cells in inside for pair in as_set(cells.pairs[:, cells.label == INDICATION])})
        pairs, label = seen[left_out]
        treated = as_set(pairs[:, label == INDICATION])
        assert treated
        assert not treated & held[-1]
        assert set(pairs[0].tolist()) <= set(few[0].tolist())  # a vector would say that the never treated are
        assert set(pairs[1].tolist()) <= set(few[1].tolist())
    assert len(set().union(*held)) < sum(map(len, held))


@every_setting
@pytest.mark.parametrize("num_cells", [200, 10_000], ids=["a sample of the cells", "every cell"])
def test_no_member_is_blended_on_a_pair_that_it_has_learned_from(
    setting: Setting, num_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Every head is asked for the pairs that its member is blended on; the trees' vectors number the nodes.
    learned: dict[int, tuple[IntArray, IntArray]] = {}
    asked: list[IntArray] = []

    def fit(rows: Features, label: IntArray, params: ClassifierParams, *, num_classes: int, seed: int) -> TreeHead:
        learned[seed] = rows[:, -2:].T.astype(np.int64), label
        return fit_tree_head(rows, label, params, num_classes=num_classes, seed=seed)

    def ask(self: Member, rows: Rows) -> FloatArray:
        asked.append(rows.pairs)
        return log_odds_of_member(self, rows)

    log_odds_of_member = Member.log_odds
    monkeypatch.setattr(module, "fit_tree_head", fit)
    monkeypatch.setattr(Member, "log_odds", ask)
    case, params = gathered(PAIRS, setting, inputs=AGAINST, inner_folds=3, calibration_cells=num_cells)
    masks = case.examples[setting]
    fit_classifier(masks, NUMBER, features=case.features[setting], params=params, towers=())
    assert len(asked) == 3
    for left_out in range(3):
        pairs, label = learned[left_out]
        assert np.count_nonzero(label == UNKNOWN) > 50
        assert not as_set(pairs) & as_set(asked[left_out])
    # Nothing is lost: every pair of calibration without a label is asked for, of one member.
    unknown = [mask.cells.pairs[:, (mask.cells.label == UNKNOWN) & (mask.cells.weight > 0)] for mask in masks]
    of_members = [as_set(pairs) for pairs in asked]
    for pair in set().union(*map(as_set, unknown)):
        assert sum(pair in of_member for of_member in of_members) == 1


@pytest.mark.parametrize("diseases", [[1, 3, 5, 7], [1, 3, 5, 8]])
def test_members_are_fitted_whatever_the_indices_of_the_diseases(diseases: list[int]) -> None:
    # With these, two inner folds of which each gets all pairs of some diseases would leave a member without negatives.
    generator = np.random.default_rng(0)
    drugs = [generator.choice(NUM_DRUGS, 12, replace=False) for _ in diseases]
    pairs = np.unique(np.stack([np.concatenate(drugs), np.repeat(diseases, 12)]), axis=1)
    one_by_one = MissingShares(pairs=0.2, diseases=0, drugs=0)
    few = planted_inputs(planted_graph(pairs))
    model = fit_anew(pairs, "warm pair", inputs=few, inner_folds=2, calibration_cells=5000, missing=one_by_one)
    assert len(model.members) == 2


def as_set(pairs: IntArray) -> set[tuple[int, int]]:
    return {(int(drug), int(disease)) for drug, disease in pairs.T}


@pytest.mark.parametrize("num_pairs", [0, 1, 9])
def test_too_few_positives_have_no_member_and_baselines_alone_are_blended(num_pairs: int) -> None:
    case, params = gathered(PAIRS, "warm pair", inputs=AGAINST)
    left, masks = num_pairs, []
    for mask in case.examples["warm pair"]:
        positive = mask.cells.label == INDICATION
        kept = ~positive | (np.cumsum(positive) <= left)
        left -= int((positive & kept).sum())
        pairs, label, weight, is_example, is_untreated = mask.cells
        cells = MaskedCells(pairs[:, kept], label[kept], weight[kept], is_example[kept], is_untreated[kept])
        masks.append(Examples(cells, mask.named[kept], mask.baselines[kept]))
    features = case.features["warm pair"]
    model = fit_classifier(masks, INPUTS.vectors, features=features, params=params, towers=())
    assert model.members == ()
    assert model.score_names == model.baseline_names
    (found,) = scores(model, inputs=AGAINST)
    assert np.isfinite(found).all()
    assert (np.ptp(found, axis=0) > 0).all()


def test_log_odds_are_calibrated_in_the_large_on_the_cells_of_masks() -> None:
    # The blend's own condition holds where each cell is scored by the member that has not seen it.
    case, params = gathered(PAIRS, "warm pair", inner_folds=3)
    masks = case.examples["warm pair"]
    features = case.features["warm pair"]
    model = fit_classifier(masks, INPUTS.vectors, features=features, params=params, towers=())
    expected = hidden = 0.0
    for mask in masks:
        rows = Rows(mask.named, mask.baselines, mask.cells.pairs, INPUTS.vectors, towers=None)
        expected += float(mask.cells.weight @ expit(model.log_odds(rows)[0]))
        hidden += float(mask.cells.weight[mask.cells.label == INDICATION].sum())
    assert expected == pytest.approx(hidden, rel=0.4)  # members have seen two thirds of these cells


# what it is asked


@pytest.mark.parametrize("other", [setting for setting in SETTINGS if setting != "cold disease"])
def test_features_of_another_setting_are_refused(other: Setting) -> None:
    every = features_of(INPUTS, tuple(map(tuple, PAIRS.tolist())))
    fitted().require(every["cold disease"])
    with pytest.raises(
        ValueError, match=rf"fitted on other features \('cold disease' setting, 18 .* given \('{other}' setting"
    ):
        fitted().require(every[other])


def test_baselines_of_another_graph_are_refused() -> None:
    features = PairFeatures.of_every_setting(INPUTS.neighbourhoods, INPUTS.labels.indications)["cold disease"]
    rules = dict(list(features.baselines.rules.items())[:-1])
    with pytest.raises(ValueError, match="the classifier was fitted on other features"):
        fitted().require(replace(features, treatments=replace(features.treatments, baselines=BaselineScores(rules))))


@given(st.lists(st.integers(0, NUM_DISEASES - 1), min_size=1, max_size=5, unique=True))
def test_a_score_does_not_depend_on_the_diseases_beside_it(diseases: list[int]) -> None:
    model, chosen = fitted(), np.array(diseases)
    one, other = (rows_of(model, PAIRS, asked).named for asked in (chosen, ALL))
    one, other = one.reshape(NUM_DRUGS, len(chosen), -1), other.reshape(NUM_DRUGS, NUM_DISEASES, -1)[:, chosen]
    low, high = np.minimum(one, other), np.maximum(one, other)
    parted = np.zeros(low.shape[:2], dtype=np.bool_)  # pairs that lie on two sides of some split of a tree
    for column, split in _splits():
        parted |= (low[:, :, column] < split) & (split <= high[:, :, column])
    found, whole = scores(model, diseases=chosen)[0], scores(model)[0][:, chosen]
    # BLAS adds in another order, so float32 features may be 1e-6 off. Trees take that up to their splits; what is left
    # is a sum of 18 features and 10 baselines, which may be 1e-5 of their scale off, times slopes below 10.
    np.testing.assert_allclose(found[~parted], whole[~parted], rtol=0, atol=28 * 10 * 1e-5)


@cache
def _splits() -> tuple[tuple[int, float], ...]:
    """Feature and value of every split of the shared classifier's trees."""
    boosters = [booster for member in fitted().members for booster in member.trees.boosters]
    nodes = pd.concat([booster.trees_to_dataframe() for booster in boosters]).query("Feature != 'Leaf'")
    columns = nodes["Feature"].str.removeprefix("f").astype(int)
    return tuple(dict.fromkeys(zip(columns, nodes["Split"].astype(np.float32), strict=True)))


def test_vectors_are_columns_of_the_trees_alone() -> None:
    model = fitted(vectors=random_vectors())
    num_named = len(model.feature_names)
    assert all(member.linear.coefficients.shape == (1, num_named) for member in model.members)
    assert all(member.trees.boosters[0].num_features() == num_named + 6 for member in model.members)
    assert scores(model, vectors=random_vectors()).shape == (1, NUM_DRUGS, NUM_DISEASES)


def test_each_pair_gets_the_vectors_of_its_drug_and_its_disease() -> None:
    model, vectors, chosen = fitted(vectors=random_vectors()), random_vectors(), np.array([4, 2])
    rows = rows_of(model, PAIRS, chosen, vectors=vectors)
    drug, disease = rows.pairs
    both = np.concatenate([rows.named, vectors.drugs[drug], vectors.diseases[disease]], axis=1)
    baselines = np.arcsinh(rows.baselines / model.baseline_scales)
    of_members = [
        np.concatenate(
            [
                member.linear.log_odds(rows.named),
                member.weakly_penalised.log_odds(rows.named),
                member.trees.log_odds(both),
                member.stacked.log_odds(baselines),
            ],
            axis=1,
        )
        for member in model.members
    ]
    (blend,) = model.blends
    expected = mean_log_odds([blend.apply(np.concatenate([heads, baselines], axis=1)) for heads in of_members])
    np.testing.assert_allclose(model.log_odds(rows)[0], expected, atol=1e-5)  # float32


@cache
def with_towers() -> PairClassifier:
    """Two towers that say nothing, and are trusted all the same."""
    case, params = gathered(PAIRS)
    sides = [np.random.default_rng(0).standard_normal((size, 4)) for size in (NUM_DRUGS, NUM_DISEASES)]
    drugs, diseases = (side.astype(np.float32) for side in sides)
    examples, features = case.examples["cold disease"], case.features["cold disease"]
    towers = [TwoTowers(drugs, diseases)] * len(case.visible)
    found = fit_classifier(examples, INPUTS.vectors, features=features, params=params, towers=towers)
    (blend,) = found.blends
    weights = np.array(blend.weights)
    weights[len(HEADS)] = 0.5
    return replace(found, blends=(blend._replace(weights=tuple(weights.tolist())),))


def test_towers_are_blended_beside_the_heads() -> None:
    model = with_towers()
    assert model.with_towers
    assert model.score_names == (*HEADS, TOWERS, *model.baseline_names)
    assert len(model.blends[0].weights) == len(model.score_names)
    rows, single = rows_of(model, PAIRS, ALL), replace(model, members=model.members[:1])
    said = np.random.default_rng(1).standard_normal((len(rows.named), 1))
    more = single.log_odds(rows._replace(towers=said)) - single.log_odds(rows._replace(towers=np.zeros_like(said)))
    np.testing.assert_allclose(more[0], 0.5 * said[:, 0], atol=1e-9)


def test_each_member_hears_the_towers_of_its_own_fold() -> None:
    model = with_towers()
    rows = rows_of(model, PAIRS, ALL)
    towers = np.random.default_rng(1).standard_normal((len(rows.named), 2))
    alone = [
        replace(model, members=(member,)).log_odds(rows._replace(towers=towers[:, [fold]]))[0]
        for fold, member in enumerate(model.members)
    ]
    found = model.log_odds(rows._replace(towers=towers))[0]
    np.testing.assert_allclose(found, mean_log_odds(alone), atol=1e-9)
    assert not np.allclose(found, model.log_odds(rows._replace(towers=towers[:, ::-1]))[0])


def test_the_strongly_penalised_linear_head_does_not_see_who_shares_treatments() -> None:
    of_graph = PairFeatures.of_every_setting(INPUTS.neighbourhoods, INPUTS.labels.indications)["warm pair"].of_graph
    assert 0 < of_graph.sum() < len(of_graph)
    for member in fitted("warm pair").members:
        assert not member.linear.coefficients[:, ~of_graph].any()
        assert member.weakly_penalised.coefficients[:, ~of_graph].any()
        assert member.linear.coefficients[:, of_graph].any()


# how many treatments it expects


@every_setting
def test_probabilities_sum_to_the_number_that_is_expected(setting: Setting) -> None:
    model = fitted(setting, inputs=AGAINST)
    rows = rows_of(model, PAIRS, ALL, inputs=AGAINST)
    weight = np.random.default_rng(0).exponential(2, len(rows.named))
    treats, harms = model.log_odds(rows)
    for number in (0.5, 20, 1000):
        found = model.expecting(number, rows, weight)
        more, as_before = found.log_odds(rows)
        assert weight @ expit(more) == pytest.approx(number, rel=1e-6)
        np.testing.assert_allclose(more - treats, found.shift)  # their order stays
        np.testing.assert_array_equal(as_before, harms)
    again = found.expecting(20, rows, weight)
    assert again.shift == pytest.approx(model.expecting(20, rows, weight).shift)


def test_what_is_expected_survives_the_parts() -> None:
    model = fitted()
    rows = rows_of(model, PAIRS, ALL)
    shifted = model.expecting(7, rows, np.ones(len(rows.named)))
    back = PairClassifier.from_parts(json.loads(json.dumps(shifted.to_parts("x"))), "x")
    assert expit(back.log_odds(rows)[0]).sum() == pytest.approx(7)


def test_the_rows_are_scored_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fitted()
    rows = rows_of(model, PAIRS, ALL)
    whole = model.expecting(7, rows, np.ones(len(rows.named)))
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 1000)
    assert model.expecting(7, rows, np.ones(len(rows.named))).shift == pytest.approx(whole.shift, abs=1e-4)  # float32


def cells(num_hidden: int, num_treatable: int, num_untreated: int, *, weight: float = 1.0) -> MaskedCells:
    """Of which those of the hidden are treatable too. All but the label, the weight and the ends is left at 0."""
    size = num_treatable + num_untreated
    return MaskedCells(
        np.zeros((2, size), dtype=np.int64),
        (np.arange(size) < num_hidden).astype(np.int64),
        np.where(np.arange(size) < num_hidden, 1.0, weight),
        np.ones(size, dtype=np.bool_),
        np.arange(size) >= num_treatable,
    )


def test_as_many_treatments_are_expected_as_a_mask_hides_on_average() -> None:
    masks = [cells(2, 10, 5), cells(4, 10, 5)]
    assert expected_number(masks, 1000) == 3


def test_no_larger_a_share_is_expected_than_treatable_pairs_had() -> None:
    # 3 of 10 pairs whose drug and disease have a treatment: of 5 pairs, 1.5; those never treated do not thin it out.
    masks = [cells(2, 10, 500), cells(4, 10, 500)]
    assert expected_number(masks, 5) == 1.5
    assert expected_number(masks, 10) == 3


def test_hidden_treatments_and_pairs_count_for_those_that_they_stand_for() -> None:
    assert expected_number([cells(4, 10, 0, weight=6)], 10) == pytest.approx(10 * 4 / 40)


def test_known_negatives_are_no_room_for_what_is_missing() -> None:
    # 2 hidden, 3 unknown, and 5 known negatives with treatable ends.
    few = cells(2, 10, 5)
    label = np.where(np.arange(15) >= 5, CONTRAINDICATION, few.label)
    assert expected_number([few._replace(label=label)], 4) == pytest.approx(4 * 2 / 5)


def test_what_is_expected_leaves_room_where_every_treatable_pair_was_hidden() -> None:
    assert expected_number([cells(5, 5, 0)], 3) == pytest.approx(3 * MAX_MISSING_SHARE)


@pytest.mark.parametrize("num_cells", [0, 100])
def test_where_nothing_is_hidden_or_asked_nothing_is_expected(num_cells: int) -> None:
    assert expected_number([cells(0, 10, 5)], num_cells) == 0
    assert expected_number([cells(0, 0, 0)], num_cells) == 0
    assert expected_number([cells(1, 5, 5)], 0) == 0


@cache
def _features() -> PairFeatures:
    return PairFeatures.of_every_setting(INPUTS.neighbourhoods, INPUTS.labels.indications)["cold disease"]


@given(st.integers(1, 100_000), st.integers(0, NUM_DISEASES))
def test_blocks_are_all_diseases_in_order_and_fit(values: int, count: int) -> None:
    features = _features()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features_module, "MAX_BLOCK_VALUES", values)
        blocks = list(features.blocks_of(ALL[:count]))
    assert np.concatenate([ALL[:0], *blocks]).tolist() == list(range(count))
    width = len(features.names)
    assert all(len(block) == 1 or 0 < len(block) * NUM_DRUGS * width <= values for block in blocks)
