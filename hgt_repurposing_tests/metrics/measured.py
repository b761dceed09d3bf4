"""Metrics of a grid, without those that need degrees or draw negatives."""

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, FloatArray
from hgt_repurposing.metrics.registry import METRICS
from hgt_repurposing.metrics.scored_grid import Cells, ScoredGrid

ELSEWHERE = ("auroc_degree_matched", "auroc_uniform_1_to_1", "average_precision_uniform_1_to_1")


class Measured(dict[str, float]):
    """Values by name, as attributes too."""

    def __getattr__(self, name: str) -> float:
        return self[name]


def grid_metrics(scores: FloatArray, positive: BoolArray, candidate: BoolArray) -> Measured:
    drugs, diseases = (np.zeros(size, dtype=np.int64) for size in scores.shape)
    grid = ScoredGrid(Cells(scores, positive, candidate), drugs, diseases, seed=(0,))
    return Measured({name: metric.value(grid) for name, metric in METRICS.items() if name not in ELSEWHERE})
