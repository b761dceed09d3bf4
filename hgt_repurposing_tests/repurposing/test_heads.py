import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.repurposing.features import Features
from hgt_repurposing.repurposing.heads import (
    LinearHead,
    TreeHead,
    _against_the_rest,
    fit_linear_head,
    fit_tree_head,
)
from hgt_repurposing_tests.repurposing.planted import QUICK

CLASSES = pytest.mark.parametrize("num_classes", [2, 3])


def examples(num_classes: int) -> tuple[Features, IntArray]:
    """400 rows of five features of different units, the first of which shows the class."""
    generator = np.random.default_rng(0)
    label = generator.integers(num_classes, size=400)
    rows = generator.standard_normal((400, 5)) * [1, 10, 0.1, 1, 1] + [0, 100, 0, 0, 0]
    rows[:, 0] += 2 * label
    rows[:, 4] = 7  # says nothing and has no spread
    return rows.astype(np.float32), label


def log_odds(probability: FloatArray) -> FloatArray:
    """Of each class but the first against all others."""
    odds: FloatArray = np.log(probability[:, 1:] / (1 - probability[:, 1:]))
    return odds


@CLASSES
def test_the_linear_head_is_a_logistic_regression_on_standardised_features(num_classes: int) -> None:
    rows, label = examples(num_classes)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1 / QUICK.l2_logistic, max_iter=1000))
    expected = log_odds(model.fit(rows, label).predict_proba(rows))
    found = fit_linear_head(rows, label, QUICK).log_odds(rows)
    assert found.shape == (400, num_classes - 1)
    np.testing.assert_allclose(found, expected, atol=1e-3)  # both stop at a gradient of 1e-4; float32


@CLASSES
def test_the_trees_say_log_odds_of_their_probabilities(num_classes: int) -> None:
    rows, label = examples(num_classes)
    head = fit_tree_head(rows, label, QUICK, num_classes=num_classes, seed=0)
    probability = head.booster.inplace_predict(rows).astype(np.float64)
    if num_classes == 2:
        probability = np.stack([1 - probability, probability], axis=1)
    np.testing.assert_allclose(head.log_odds(rows), log_odds(probability), atol=1e-3)  # float32
    assert head.log_odds(rows)[label == 1, 0].mean() > head.log_odds(rows)[label == 0, 0].mean() + 1


@CLASSES
def test_one_seed_gives_the_same_trees(num_classes: int) -> None:
    rows, label = examples(num_classes)
    one, other, another = (
        fit_tree_head(rows, label, QUICK, num_classes=num_classes, seed=seed).to_json() for seed in (1, 1, 2)
    )
    assert one == other
    assert one != another


@CLASSES
def test_heads_from_json_say_the_same_to_the_bit(num_classes: int) -> None:
    rows, label = examples(num_classes)
    linear = fit_linear_head(rows, label, QUICK)
    trees = fit_tree_head(rows, label, QUICK, num_classes=num_classes, seed=0)
    linear_back = LinearHead.from_json(json.loads(json.dumps(linear.to_json())))
    trees_back = TreeHead.from_json(json.loads(json.dumps(trees.to_json())))
    np.testing.assert_array_equal(linear_back.log_odds(rows), linear.log_odds(rows))
    np.testing.assert_array_equal(trees_back.log_odds(rows), trees.log_odds(rows))


@given(st.lists(st.floats(-30, 30), min_size=3, max_size=3))
def test_log_odds_of_three_classes_are_against_both_others(margins: list[float]) -> None:
    weights = np.exp(np.array(margins))
    expected = [np.log(weights[1] / (weights[0] + weights[2])), np.log(weights[2] / (weights[0] + weights[1]))]
    np.testing.assert_allclose(_against_the_rest(np.array([margins]))[0], expected, atol=1e-9)


def test_the_number_of_trees_is_that_asked_for() -> None:
    rows, label = examples(2)
    few = QUICK.model_copy(update={"num_trees": 7})
    assert fit_tree_head(rows, label, few, num_classes=2, seed=0).booster.num_boosted_rounds() == 7


def test_the_arguments_stay_as_they_were() -> None:
    rows, label = examples(2)
    before = rows.copy()
    fit_linear_head(rows, label, QUICK)
    fit_tree_head(rows, label, QUICK, num_classes=2, seed=0)
    np.testing.assert_array_equal(rows, before)
