"""Results on external pairs of a small grid, with scores made up by hand."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hgt_repurposing.benchmark.external import external_folds, look_up
from hgt_repurposing.benchmark.external_results import ExternalResults
from hgt_repurposing.graph.external_pairs import ExternalSet
from hgt_repurposing.graph.schema import FloatArray
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing_tests.repurposing.planted import planted_graph, planted_split, table_of

FIRST = ExternalSet(
    "trials", np.array([[0, 1, 2, 3, 4, 5, 6, 7], [5, 6, 7, 8, 9, 10, 11, 12]]), np.array([[0, 30], [19, 3]])
)
"""Eight treatments, of a disease each, and two known negatives, the first of which the planted graph has too."""
SECOND = ExternalSet("catalog", np.array([[0, 10], [5, 20]]))
EMPTY = ExternalSet("negatives only", np.empty((2, 0), dtype=np.int64), np.array([[2], [2]]))


def outside_split(*sets: ExternalSet) -> DrugDiseaseSplit:
    """All treatments of the planted graph but those of the given sets."""
    split = planted_split(planted_graph(contraindications=True), ("pair",), num_folds=2)
    outside = table_of(np.concatenate([one.positives for one in sets], axis=1))
    keep = outside[tuple(split.pairs)] == 0
    folds = {key: fold[keep] for key, fold in split.folds.items()}
    return replace(split, pairs=split.pairs[:, keep], folds=folds, external=sets, num_deployment=0)


def outside_results(
    sets: Sequence[ExternalSet] = (FIRST, SECOND, EMPTY), *, model: float = 0.8, baseline: float = 0.3
) -> ExternalResults:
    """Results of scores that lift treatments of any file by so much above noise between 0 and 1."""
    split = outside_split(*sets)
    truth = table_of(split.external_positives)
    generator = np.random.default_rng(0)

    def lifted(by: float) -> FloatArray:
        return by * truth + generator.random(truth.shape)

    scores = {"model": lifted(model), "random": lifted(0), "drug degree": lifted(baseline), "drug kNN": lifted(0.1)}
    labels = Labels.of_graph(planted_graph(contraindications=True))
    return look_up(
        external_folds(split, known_otherwise=labels.known_otherwise, seed=0),
        scores,
        labels=labels,
        left_out={},
        seed=0,
    )
