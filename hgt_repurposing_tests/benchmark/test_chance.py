"""Labels that say nothing bring every metric to its chance level.

Shuffled labels are as many pairs drawn uniformly, so that held-out pairs are a uniform draw from what is not a
training pair. Every metric then has a known expectation, whatever the scores, and misses it by sampling error alone:
the standard error over shuffles, of which four are the tolerance. With drugs held out it is the ranking of their
diseases alone: that other drugs have no held-out pair can be known from training. Each shuffle is split with a seed of
its own: one seed would hold out the same places of the sorted pairs in all, and drugs of many treatments lie close.
"""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hgt_repurposing.benchmark.folds import EvaluatedFold
from hgt_repurposing.benchmark.protocol import FoldGrid, TherapeuticPairs
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing_tests.repurposing.planted import (
    QUICK,
    fold_scores,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
    shuffled_pairs,
)

NUM_SHUFFLES = 8
STANDARD_ERRORS = 4
METRICS = [
    "macro_ap",
    "macro_ap_by_drug",
    "recall_at_10",
    "recall_at_50",
    "mrr",
    "hits_at_10",
    "auroc",
    "average_precision",
    "auroc_degree_matched",
    "auroc_uniform_1_to_1",
    "average_precision_uniform_1_to_1",
]


def harmonic(count: IntArray | int) -> FloatArray:
    """1 + 1/2 + ... + 1/count."""
    sums = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, np.max(count) + 1))])
    found: FloatArray = sums[count]
    return found


def expected_ap(num_positives: IntArray | int, num_candidates: IntArray | int) -> FloatArray:
    """Mean average precision over all orders.

    A positive stands at each rank k of N alike, and of the k - 1 before it (k - 1)(R - 1)/(N - 1) are positives:
    the mean over k of (1 + (k - 1)(R - 1)/(N - 1)) / k.
    """
    R, N = np.asarray(num_positives), np.asarray(num_candidates)
    H = harmonic(num_candidates)
    found: FloatArray = (H + (R - 1) / np.maximum(N - 1, 1) * (N - H)) / N
    return found


def expected_ap_by_row(positive: BoolArray, candidate: BoolArray) -> float:
    """Mean over the rows with a positive."""
    rows = positive.any(axis=1)
    return float(expected_ap(positive[rows].sum(axis=1), candidate[rows].sum(axis=1)).mean())


def chance_levels(grid: FoldGrid) -> dict[str, float]:
    """Expectation of every metric if the positives are any of the candidates."""
    R, N = grid.positive.sum(axis=0), grid.candidate.sum(axis=0)
    others = N - R + 1  # a positive and the candidates that are none
    num_positives = int(R.sum())
    return {
        "macro_ap": float(expected_ap(R, N).mean()),
        "macro_ap_by_drug": expected_ap_by_row(grid.positive, grid.candidate),
        "recall_at_10": float((10 / N).mean()),
        "recall_at_50": float((50 / N).mean()),
        "mrr": float(((harmonic(others) / others) @ R) / num_positives),
        "hits_at_10": float(((10 / others) @ R) / num_positives),
        "auroc": 0.5,
        "average_precision": float(expected_ap(num_positives, int(N.sum()))),
        "auroc_degree_matched": 0.5,
        "auroc_uniform_1_to_1": 0.5,
        "average_precision_uniform_1_to_1": float(expected_ap(num_positives, 2 * num_positives)),
    }


@cache
def above_chance(kind: str, shuffle: int | None) -> "pd.Series[float]":
    """Every metric minus its chance level, mean over folds; of the planted labels if there is no shuffle."""
    graph = planted_graph(planted_pairs() if shuffle is None else shuffled_pairs(shuffle))
    split, inputs = planted_split(graph, (kind,), seed=shuffle or 0), planted_inputs(graph)
    params = QUICK.model_copy(update={"seed": shuffle or 0})
    found: list[dict[str, Any]] = []
    for key in split.keys:
        fold = EvaluatedFold(split, key, TherapeuticPairs.of_graph(graph))
        scores = fold_scores(fold, inputs, params)
        row, chance = next(fold.metrics("model", scores, seed=params.seed)), chance_levels(fold.strict)
        if kind == "drug":
            held_out = np.unique(split.test_pairs(key)[0])
            by_drug = expected_ap_by_row(fold.strict.positive[held_out], fold.strict.candidate[held_out])
            chance = {"macro_ap_by_drug": by_drug}
        found.append({name: row[name] - level for name, level in chance.items()})
    return pd.DataFrame(found).mean()


def test_the_expected_average_precision_is_that_of_all_orders() -> None:
    generator = np.random.default_rng(0)
    orders = generator.permuted(np.tile(np.arange(12) < 3, (20_000, 1)), axis=1)
    precision = orders.cumsum(axis=1) / np.arange(1, 13)
    assert (precision * orders).sum(axis=1).mean() / 3 == pytest.approx(float(expected_ap(3, 12)), abs=0.005)


CASES = [
    *(pytest.param("disease", metric) for metric in METRICS),
    *(pytest.param("pair", metric, marks=pytest.mark.slow) for metric in METRICS),  # 27 fits more
    pytest.param("drug", "macro_ap_by_drug", marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "metric"), CASES)
def test_shuffled_labels_bring_the_metric_to_its_chance_level(kind: str, metric: str) -> None:
    found = np.array([above_chance(kind, shuffle)[metric] for shuffle in range(NUM_SHUFFLES)])
    standard_error = found.std(ddof=1) / np.sqrt(NUM_SHUFFLES)
    assert abs(found.mean()) <= STANDARD_ERRORS * standard_error
    assert above_chance(kind, None)[metric] > 2 * STANDARD_ERRORS * standard_error  # planted labels are far from it
