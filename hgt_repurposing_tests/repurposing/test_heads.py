import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hgt_repurposing.graph.schema import Features, FloatArray, IntArray
from hgt_repurposing.repurposing.heads import (
    LinearHead,
    TreeHead,
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
    found = fit_linear_head(rows, label, QUICK.l2_logistic, num_classes=num_classes).log_odds(rows)
    assert found.shape == (400, num_classes - 1)
    for known in range(1, num_classes):
        expected = log_odds(model.fit(rows, label == known).predict_proba(rows))
        np.testing.assert_allclose(found[:, known - 1], expected[:, 0], atol=1e-3)  # gradients of 1e-4; float32


@CLASSES
def test_the_trees_say_log_odds_of_their_probabilities(num_classes: int) -> None:
    rows, label = examples(num_classes)
    head = fit_tree_head(rows, label, QUICK, num_classes=num_classes, seed=0)
    found = head.log_odds(rows)
    assert found.shape == (400, num_classes - 1)
    for known, booster in enumerate(head.boosters, start=1):
        own = booster.inplace_predict(rows).astype(np.float64)
        expected = log_odds(np.stack([1 - own, own], axis=1))[:, 0]
        np.testing.assert_allclose(found[:, known - 1], expected, atol=1e-3)  # float32
        assert found[label == known, known - 1].mean() > found[label != known, known - 1].mean() + 1


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
    linear = fit_linear_head(rows, label, QUICK.l2_logistic, num_classes=num_classes)
    trees = fit_tree_head(rows, label, QUICK, num_classes=num_classes, seed=0)
    linear_back = LinearHead.from_json(json.loads(json.dumps(linear.to_json())))
    trees_back = TreeHead.from_json(json.loads(json.dumps(trees.to_json())))
    np.testing.assert_array_equal(linear_back.log_odds(rows), linear.log_odds(rows))
    np.testing.assert_array_equal(trees_back.log_odds(rows), trees.log_odds(rows))


def test_the_number_of_trees_is_that_asked_for() -> None:
    rows, label = examples(2)
    few = QUICK.model_copy(update={"num_trees": 7})
    boosters = fit_tree_head(rows, label, few, num_classes=2, seed=0).boosters
    assert [booster.num_boosted_rounds() for booster in boosters] == [7]


def test_the_arguments_stay_as_they_were() -> None:
    rows, label = examples(2)
    before = rows.copy()
    fit_linear_head(rows, label, QUICK.l2_logistic, num_classes=2)
    fit_tree_head(rows, label, QUICK, num_classes=2, seed=0)
    np.testing.assert_array_equal(rows, before)
