"""Two heads of a classifier: a logistic regression over the named features, and XGBoost over these and vectors.

Both are fitted one-vs-rest for every class except "unknown" and return log odds: two models if there are
contraindications, with a third fewer trees than one three-class model. XGBoost: Chen and Guestrin, KDD 2016.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xgboost as xgb
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from hgt_repurposing.graph.schema import Features, FloatArray, IntArray
from hgt_repurposing.repurposing.params import ClassifierParams

MAX_ITERATIONS = 1000


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Logistic regressions on standardised features."""

    coefficients: FloatArray
    """Shape [num_classes - 1, num_features]."""
    intercepts: FloatArray
    """Shape [num_classes - 1]."""

    def log_odds(self, rows: Features) -> FloatArray:
        """Shape [num_rows, num_classes - 1]."""
        return np.asarray(rows @ self.coefficients.T.astype(np.float32) + self.intercepts)

    def contributions(self, row: Features, usual: FloatArray) -> tuple[FloatArray, float]:
        """What each feature of a pair adds to the log odds of an indication, and the log odds of what is usual.

        Args:
            row: Shape [num_features].
            usual: Features of a usual pair. Shape [num_features].

        Returns:
            Shape [num_features], and the rest of the log odds.
        """
        coefficients = self.coefficients[0]
        return coefficients * (row - usual), float(coefficients @ usual + self.intercepts[0])

    def to_json(self) -> dict[str, Any]:
        """Inverse of `from_json`. Any: JSON values."""
        return {"coefficients": self.coefficients.tolist(), "intercepts": self.intercepts.tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        return cls(np.array(value["coefficients"]), np.array(value["intercepts"]))


def fit_linear_head(rows: Features, label: IntArray, penalty: float, *, num_classes: int) -> LinearHead:
    """Fit on rows of shape [num_rows, num_features] and their classes [num_rows], with an L2 penalty."""
    scaler = StandardScaler()
    standardised = scaler.fit_transform(rows)
    models = [
        LogisticRegression(C=1 / penalty, max_iter=MAX_ITERATIONS).fit(standardised, label == known)
        for known in range(1, num_classes)
    ]
    # Standardisation is folded into the coefficients, so that scoring is a single product.
    coefficients = np.concatenate([model.coef_ for model in models]) / scaler.scale_
    intercepts = np.concatenate([model.intercept_ for model in models]) - coefficients @ scaler.mean_
    return LinearHead(coefficients, intercepts)


@dataclass(frozen=True, eq=False)
class TreeHead:
    """Gradient boosted trees."""

    boosters: tuple[xgb.Booster, ...]
    """One per class except "unknown"."""

    def log_odds(self, rows: Features) -> FloatArray:
        """Shape [num_rows, num_classes - 1]."""
        margins = [booster.inplace_predict(rows, predict_type="margin") for booster in self.boosters]
        return np.stack(margins, axis=1).astype(np.float64)

    def contributions(self, row: Features) -> tuple[FloatArray, float]:
        """Shapley values of each feature of a pair for the log odds of an indication, and the log odds of all examples.

        TreeSHAP: Lundberg et al. 2020.

        Args:
            row: Shape [num_features].

        Returns:
            Shape [num_features], and the rest of the log odds.
        """
        found = self.boosters[0].predict(xgb.DMatrix(row[None], nthread=1), pred_contribs=True)[0].astype(np.float64)
        return found[:-1], float(found[-1])

    def to_json(self) -> list[dict[str, Any]]:
        """XGBoost's own JSON models. Any: JSON values."""
        return [json.loads(booster.save_raw("json")) for booster in self.boosters]

    @classmethod
    def from_json(cls, models: Sequence[Mapping[str, Any]]) -> Self:
        """Inverse of `to_json`."""
        boosters = tuple(xgb.Booster({"nthread": 1}) for _ in models)
        for booster, model in zip(boosters, models, strict=True):
            booster.load_model(bytearray(json.dumps(model).encode()))
        return cls(boosters)


def fit_tree_head(
    rows: Features, label: IntArray, params: ClassifierParams, *, num_classes: int, seed: int
) -> TreeHead:
    """Fit on rows of shape [num_rows, num_features] and their classes [num_rows], on one thread.

    One thread, because ensemble members run in parallel, and because multi-threaded sums differ in their last bits from
    run to run.
    """
    settings = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": params.max_bin,
        "eta": params.learning_rate,
        "max_depth": params.max_depth,
        "subsample": params.subsample,
        "colsample_bytree": params.colsample_bytree,
        "min_child_weight": params.min_child_weight,
        "lambda": params.l2,
        "nthread": 1,
        "seed": seed,
    }
    data = xgb.QuantileDMatrix(rows, nthread=1, max_bin=params.max_bin)
    boosters = []
    for known in range(1, num_classes):
        data.set_label(label == known)
        boosters.append(xgb.train(settings, data, num_boost_round=params.num_trees))
    return TreeHead(tuple(boosters))
