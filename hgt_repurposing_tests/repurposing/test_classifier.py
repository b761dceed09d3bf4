import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.split import SPLIT_KINDS, SplitKind
from hgt_repurposing.repurposing.classifier import PairClassifier, _inner_holdout, fit_classifier
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    labels,
    planted_features,
    planted_pairs,
    sorted_pairs,
)

FEATURES, PAIRS = planted_features(), planted_pairs()
CELLS = np.indices((NUM_DRUGS, NUM_DISEASES)).reshape(2, -1)


def fitted(
    pairs: IntArray = PAIRS,
    *,
    seed: int = 0,
    kind: SplitKind = "disease",
    params: ClassifierParams = QUICK,
    known: IntArray | None = None,
) -> PairClassifier:
    return fit_classifier(
        FEATURES,
        pairs,
        known=pairs if known is None else known,
        drugs=np.arange(NUM_DRUGS),
        kind=kind,
        params=params,
        generator=np.random.default_rng(seed),
    )


def test_known_pairs_score_above_the_others() -> None:
    scores = fitted().score(FEATURES, CELLS)
    known = labels(PAIRS).ravel() == 1
    assert np.median(scores[known]) > np.quantile(scores[~known], 0.9)


def test_scores_are_probabilities() -> None:
    scores = fitted().score(FEATURES, CELLS)
    assert scores.shape == (NUM_DRUGS * NUM_DISEASES,)
    assert scores.dtype == np.float64
    assert 0 <= scores.min() < scores.max() <= 1


@pytest.mark.parametrize("kind", SPLIT_KINDS)
def test_one_seed_gives_one_forest(kind: SplitKind) -> None:
    assert fitted(kind=kind).to_json() == fitted(kind=kind).to_json()


def test_another_seed_gives_another_forest() -> None:
    assert fitted(seed=1).to_json() != fitted(seed=2).to_json()


def test_a_classifier_from_json_gives_the_same_scores_to_the_bit() -> None:
    model = fitted()
    back = PairClassifier.from_json(json.loads(json.dumps(model.to_json())))
    np.testing.assert_array_equal(back.score(FEATURES, CELLS), model.score(FEATURES, CELLS))
    assert back.num_trees == model.num_trees


def test_the_number_of_trees_is_bounded_and_that_of_the_forest() -> None:
    model = fitted(params=QUICK.model_copy(update={"max_trees": 7}))
    assert 1 <= model.num_trees <= 7
    assert model.booster.num_boosted_rounds() == model.num_trees


def test_without_a_signal_few_trees_are_chosen() -> None:
    noise = sorted_pairs(*np.random.default_rng(0).permutation(CELLS.T)[:120].T)
    assert fitted(noise, params=QUICK.model_copy(update={"max_trees": 200})).num_trees < 40


def test_less_patience_chooses_fewer_trees() -> None:
    quick, patient = (
        fitted(params=QUICK.model_copy(update={"max_trees": 200, "early_stopping_rounds": rounds}))
        for rounds in (1, 30)
    )
    assert quick.num_trees < patient.num_trees  # 2 and 24 measured


def test_a_score_does_not_depend_on_the_other_pairs() -> None:
    model = fitted()
    np.testing.assert_array_equal(model.score(FEATURES, CELLS[:, 5:8]), model.score(FEATURES, CELLS)[5:8])


@pytest.mark.parametrize("kind", ["disease", "drug"])
def test_a_single_group_cannot_be_divided(kind: SplitKind) -> None:
    one = np.array([[0, 0], [0, 1]]) if kind == "drug" else np.array([[0, 1], [0, 0]])
    with pytest.raises(
        ValueError, match=rf"early stopping needs two groups by {kind} among the training pairs \(got 1"
    ):
        fitted(one, kind=kind)


def test_known_pairs_everywhere_leave_nothing_to_learn_from() -> None:
    with pytest.raises(ValueError, match="there is no negative pair to learn from"):
        fitted(known=CELLS)


# the inner hold-out


@st.composite
def labelled_pairs(draw: st.DrawFn) -> tuple[IntArray, IntArray]:
    """Pairs with at least two drugs and two diseases among the positives, positives first."""
    ends = st.tuples(st.integers(0, 5), st.integers(0, 5))
    positives = draw(st.sets(ends, min_size=0, max_size=8)) | {(0, 0), (1, 1)}
    negatives = draw(st.sets(ends, max_size=20)) - positives
    pairs = np.array([*sorted(positives), *sorted(negatives)]).T
    return pairs, np.repeat([1, 0], [len(positives), len(negatives)])


def held_out(case: tuple[IntArray, IntArray], kind: SplitKind, fraction: float, seed: int) -> BoolArray:
    pairs, label = case
    return _inner_holdout(pairs, label.astype(np.float64), kind, fraction, np.random.default_rng(seed))


fractions, seeds = st.floats(0.01, 0.99), st.integers(0, 99)


@pytest.mark.parametrize(("kind", "end"), [("disease", 1), ("drug", 0)])
@given(case=labelled_pairs(), fraction=fractions, seed=seeds)
def test_the_inner_hold_out_takes_whole_groups_of_positives(
    kind: SplitKind, end: int, case: tuple[IntArray, IntArray], fraction: float, seed: int
) -> None:
    group, label, held = case[0][end], case[1] == 1, held_out(case, kind, fraction, seed)
    for one in np.unique(group[label]):
        assert len(set(held[group == one].tolist())) == 1


@pytest.mark.parametrize("kind", SPLIT_KINDS)
@given(case=labelled_pairs(), fraction=fractions, seed=seeds)
def test_both_sides_of_the_inner_hold_out_have_a_positive(
    kind: SplitKind, case: tuple[IntArray, IntArray], fraction: float, seed: int
) -> None:
    held = held_out(case, kind, fraction, seed)[case[1] == 1]
    assert 0 < held.sum() < len(held)


@pytest.mark.parametrize("kind", SPLIT_KINDS)
def test_the_inner_hold_out_has_about_the_share_asked_for(kind: SplitKind) -> None:
    label = np.repeat([1, 0], [PAIRS.shape[1], CELLS.shape[1]])
    held = held_out((np.concatenate([PAIRS, CELLS], axis=1), label), kind, 0.2, 0)
    assert 0.15 < held[label == 1].mean() < 0.25
    assert 0.15 < held[label == 0].mean() < 0.25
