"""XGBoost on drug-disease pairs (Chen and Guestrin, KDD 2016), the number of trees chosen on an inner hold-out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xgboost as xgb

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split import SplitKind
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.negatives import draw_negatives
from hgt_repurposing.repurposing.params import ClassifierParams


@dataclass(frozen=True, eq=False)
class PairClassifier:
    """A fitted forest over pair features."""

    booster: xgb.Booster
    num_trees: int

    def score(self, features: PairFeatures, pairs: IntArray) -> FloatArray:
        """Probability under the training mix of positives and negatives: an order, not a chance of success.

        Args:
            features: Of the embeddings it was fitted on.
            pairs: Shape [2, num_pairs].

        Returns:
            Shape [num_pairs].
        """
        scores: FloatArray = self.booster.inplace_predict(features.of(pairs)).astype(np.float64)
        return scores

    def to_json(self) -> dict[str, Any]:
        """XGBoost's own JSON model. Any: JSON values."""
        model: dict[str, Any] = json.loads(self.booster.save_raw("json"))
        return model

    @classmethod
    def from_json(cls, model: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        booster = xgb.Booster()
        booster.load_model(bytearray(json.dumps(model).encode()))
        return cls(booster, booster.num_boosted_rounds())


def fit_classifier(
    features: PairFeatures,
    positives: IntArray,
    *,
    known: IntArray,
    drugs: IntArray,
    kind: SplitKind,
    params: ClassifierParams,
    generator: np.random.Generator,
) -> PairClassifier:
    """Choose the number of trees on an inner hold-out of the same kind, then fit on all training pairs.

    Args:
        features: Embeddings of all drugs and diseases.
        positives: Training indications. Shape [2, num_positives].
        known: Training pairs that are no negatives: the indications and what is off-label. Shape [2, num_known].
        drugs: Drugs that negatives may come from. Shape [n].
        kind: What the inner hold-out holds out: pairs, whole diseases or whole drugs.
        params: Forest and negatives.
        generator: Source of randomness.

    Raises:
        ValueError: If there are fewer than two groups to divide into training and inner hold-out.
    """
    negatives = draw_negatives(
        positives,
        known=known,
        drugs=drugs,
        diseases=np.unique(positives[1]),
        per_positive=params.negatives_per_positive,
        generator=generator,
    )
    if not negatives.shape[1]:
        raise ValueError("every drug is known for every training disease: there is no negative pair to learn from")
    pairs = np.concatenate([positives, negatives], axis=1)
    label = np.repeat([1.0, 0.0], [positives.shape[1], negatives.shape[1]])
    inner = _inner_holdout(pairs, label, kind, params.inner_fraction, generator)
    rows = features.of(pairs)
    settings = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "eta": params.learning_rate,
        "max_depth": params.max_depth,
        "subsample": params.subsample,
        "colsample_bytree": params.colsample_bytree,
        "min_child_weight": params.min_child_weight,
        "lambda": params.l2,
        "seed": int(generator.integers(2**31)),
    }
    probe = xgb.train(
        settings,
        xgb.DMatrix(rows[~inner], label[~inner]),
        num_boost_round=params.max_trees,
        evals=[(xgb.DMatrix(rows[inner], label[inner]), "inner")],
        early_stopping_rounds=params.early_stopping_rounds,
        verbose_eval=False,
    )
    num_trees = probe.best_iteration + 1
    booster = xgb.train(settings, xgb.DMatrix(rows, label), num_boost_round=num_trees)
    return PairClassifier(booster, num_trees)


def _inner_holdout(
    pairs: IntArray, label: FloatArray, kind: SplitKind, fraction: float, generator: np.random.Generator
) -> BoolArray:
    """True for the pairs that early stopping watches; groups are drawn among the positives. Shape [num_pairs]."""
    by_disease = kind in ("disease", "disease_group")
    group = pairs[1] if by_disease else pairs[0] if kind == "drug" else np.arange(pairs.shape[1])
    candidates = np.unique(group[label == 1])
    if len(candidates) < 2:
        raise ValueError(f"early stopping needs two groups by {kind} among the training pairs (got {len(candidates)})")
    count = min(max(1, round(len(candidates) * fraction)), len(candidates) - 1)
    held = np.isin(group, generator.choice(candidates, size=count, replace=False))
    if not by_disease:  # negatives then have groups without positives: the same share of them is held out
        loose = ~np.isin(group, candidates)
        held |= loose & (generator.random(len(group)) < fraction)
    return held
