"""The two heads of a classifier: a logistic regression over the named features, and XGBoost over these and vectors.

Both give log odds of every class but "unknown" against all others. XGBoost: Chen and Guestrin, KDD 2016.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xgboost as xgb
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.repurposing.features import Features
from hgt_repurposing.repurposing.params import ClassifierParams

MAX_ITERATIONS = 1000


@dataclass(frozen=True, eq=False)
class LinearHead:
    """Logistic regression on standardised features."""

    coefficients: FloatArray
    """Shape [num_outputs, num_features]; one output for two classes, else one per class."""
    intercepts: FloatArray
    """Shape [num_outputs]."""

    def log_odds(self, rows: Features) -> FloatArray:
        """Shape [num_rows, num_classes - 1]."""
        return _against_the_rest(rows @ self.coefficients.T.astype(np.float32) + self.intercepts)

    def to_json(self) -> dict[str, Any]:
        """Inverse of `from_json`. Any: JSON values."""
        return {"coefficients": self.coefficients.tolist(), "intercepts": self.intercepts.tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        return cls(np.array(value["coefficients"]), np.array(value["intercepts"]))


def fit_linear_head(rows: Features, label: IntArray, params: ClassifierParams) -> LinearHead:
    """Fit on rows of shape [num_rows, num_features] and their classes [num_rows]."""
    mean, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    spread[spread < 1e-9] = 1.0
    standardised = (rows - mean.astype(np.float32)) / spread.astype(np.float32)
    model = LogisticRegression(C=1 / params.l2_logistic, max_iter=MAX_ITERATIONS).fit(standardised, label)
    coefficients = model.coef_ / spread  # standardisation is folded in, so that scoring is one product
    return LinearHead(coefficients, model.intercept_ - coefficients @ mean)


@dataclass(frozen=True, eq=False)
class TreeHead:
    """Gradient boosted trees."""

    booster: xgb.Booster

    def log_odds(self, rows: Features) -> FloatArray:
        """Shape [num_rows, num_classes - 1]."""
        margins: FloatArray = self.booster.inplace_predict(rows, predict_type="margin").astype(np.float64)
        return _against_the_rest(margins.reshape(len(rows), -1))

    def to_json(self) -> dict[str, Any]:
        """XGBoost's own JSON model. Any: JSON values."""
        model: dict[str, Any] = json.loads(self.booster.save_raw("json"))
        return model

    @classmethod
    def from_json(cls, model: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""
        booster = xgb.Booster({"nthread": 1})
        booster.load_model(bytearray(json.dumps(model).encode()))
        return cls(booster)


def fit_tree_head(
    rows: Features, label: IntArray, params: ClassifierParams, *, num_classes: int, seed: int
) -> TreeHead:
    """Fit on rows of shape [num_rows, num_features] and their classes [num_rows], on one thread.

    One thread, because members of the ensemble run side by side, and because sums of several threads differ in their
    last bits from run to run.
    """
    objective = (
        {"objective": "binary:logistic"}
        if num_classes == 2
        else {"objective": "multi:softprob", "num_class": num_classes}
    )
    settings = {
        **objective,
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
    data = xgb.QuantileDMatrix(rows, label, nthread=1, max_bin=params.max_bin)
    return TreeHead(xgb.train(settings, data, num_boost_round=params.num_trees))


def _against_the_rest(margins: FloatArray) -> FloatArray:
    """Log odds of each class but the first against all others. [n, num_outputs] -> [n, num_classes - 1]."""
    if margins.shape[1] == 1:
        return margins
    num_classes = margins.shape[1]
    rest = [logsumexp(np.delete(margins, k, axis=1), axis=1) for k in range(1, num_classes)]
    return np.asarray(margins[:, 1:] - np.stack(rest, axis=1), dtype=np.float64)
