"""A held-out pair that is put back into the message graph is caught; and if it were not, the metrics would rise.

Treatments follow hidden groups here, of which genes, effects and symptoms show nothing: without a leak there is nothing
to be found in a held-out disease, so that whatever is found came through the leak.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from dagster import AssetCheckResult
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from hgt_repurposing.benchmark.folds import EvaluatedFold
from hgt_repurposing.benchmark.protocol import TherapeuticPairs
from hgt_repurposing.defs import checks
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import MessageScope, message_graph
from hgt_repurposing.graph.schema import EdgeType, IntArray
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.graph.split import FoldKey
from hgt_repurposing.graph.walks import incidence
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    NUM_FOLDS,
    QUICK,
    fold_scores,
    planted_graph,
    planted_inputs,
    planted_split,
    sorted_pairs,
    with_pairs,
)

LEAKS = {
    "under another name": EdgeType("drug", "palliates", "disease"),
    "reversed": EdgeType("disease", "rev_indication", "drug"),
}
every_leak = pytest.mark.parametrize("leak", LEAKS)
PARAMS = QUICK.model_copy(
    update={
        "inner_folds": 3,
        "tower_updates": 20,
        "num_trees": 60,
        "max_depth": 6,
        "colsample_bytree": 1.0,
        "subsample": 1.0,
        "min_child_weight": 0.1,
        "l2": 0.1,
    }
)
"""Trees that go after single pairs: a part of a drug and one of a disease say nothing each, and all together."""


def grouped_pairs() -> IntArray:
    """Six drugs of its group for each disease; groups are blocks of 12 drugs and 6 diseases. Shape [2, 180]."""
    generator = np.random.default_rng(0)
    drugs = [12 * (d // 6) + generator.choice(12, 6, replace=False) for d in range(NUM_DISEASES)]
    return sorted_pairs(np.concatenate(drugs), np.repeat(np.arange(NUM_DISEASES), 6))


GRAPH = planted_graph(grouped_pairs())
SPLIT = planted_split(GRAPH)
KEYS = [FoldKey("disease", 0, fold) for fold in range(NUM_FOLDS)]


def seen(key: FoldKey, leak: EdgeType | None) -> KnowledgeGraph:
    """The message graph of the training pairs of one fold, with its held-out pairs put back if there is a leak."""
    visible = message_graph(GRAPH, visible=SPLIT.training_pairs(key))
    if leak is None:
        return visible
    held_out = SPLIT.test_pairs(key)
    return with_pairs(visible, leak, held_out if leak.source == "drug" else held_out[::-1])


def embedded(graph: KnowledgeGraph) -> PairVectors:
    """The least of embeddings that see treatments: in which part of the network of drugs and diseases a node lies.

    One column per part, 1 for its members; a node without an edge between drugs and diseases has zeros.
    """
    joined = csr_array((NUM_DRUGS, NUM_DISEASES), dtype=np.float32)
    for edge_type in filter(graph.is_drug_disease, graph.edges):
        joined = csr_array(joined + incidence(graph, edge_type, start="drug"))
    num_parts, part = connected_components(block_array([[None, joined], [joined.T, None]]), directed=False)
    member = np.eye(num_parts, dtype=np.float32)[part][:, np.bincount(part) > 1]
    return PairVectors(member[:NUM_DRUGS], member[NUM_DRUGS:])


@cache
def macro_ap(leak: str | None) -> float:
    """On held-out diseases, mean over folds, with vectors of a message graph that leaks, or of one that does not."""
    found = []
    for key in KEYS:
        fold = EvaluatedFold(SPLIT, key, TherapeuticPairs.of_graph(GRAPH))
        inputs = planted_inputs(GRAPH, vectors=embedded(seen(key, LEAKS[leak] if leak else None)))
        scores = fold_scores(fold, inputs, PARAMS)
        found.append(next(fold.metrics("model", scores, seed=0))["macro_ap"])
    return float(np.mean(found))


@every_leak
@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_check_catches_a_held_out_pair_that_is_put_back(key: FoldKey, leak: str) -> None:
    scope = MessageScope(SPLIT.digest, key)
    graphs = (to_hetero_data(seen(key, which), scope=scope) for which in (None, LEAKS[leak]))
    said: list[str] = []
    store: Any = SimpleNamespace(session=SimpleNamespace(failed=said.append))  # Any: all that the check asks of it
    clean, leaking = (checks.no_held_out_pair_in_message_graph(store, graph, SPLIT) for graph in graphs)
    assert isinstance(clean, AssetCheckResult)
    assert isinstance(leaking, AssetCheckResult)
    assert clean.passed
    assert not leaking.passed
    assert leaking.metadata["leaked"].value == 2 * SPLIT.test_pairs(key).shape[1]  # every edge and its reverse
    assert said == [leaking.description]


def test_the_check_stops_the_run() -> None:
    (spec,) = checks.no_held_out_pair_in_message_graph.check_specs
    assert spec.blocking


@pytest.mark.slow
@every_leak
def test_without_the_check_the_leak_would_raise_the_metrics(leak: str) -> None:
    honest, leaking = macro_ap(None), macro_ap(leak)
    assert honest < 0.25  # .17 measured; .16 is chance for 6 of 60 drugs
    assert leaking > honest + 0.05  # .17 and .26 measured; .5 is what knowing the group is worth, 6 of its 12 drugs


@every_leak
def test_features_and_labels_do_not_see_a_leak(leak: str) -> None:
    # Only vectors come from the message graph; what is derived from the graph itself never walks to a disease. A
    # treatment that is also an off-label use has no other label: hidden, it is a pair like any other.
    key = KEYS[0]
    fold = EvaluatedFold(SPLIT, key, TherapeuticPairs.of_graph(GRAPH))
    leaking = with_pairs(GRAPH, LEAKS[leak], SPLIT.test_pairs(key)[:: 1 if leak == "under another name" else -1])
    ours, theirs = (planted_inputs(graph) for graph in (GRAPH, leaking))
    assert theirs.labels.off_label.nnz == 0
    visible = fold.training_labels(ours.labels).indications
    mine, same = (PairFeatures.of_every_setting(inputs.neighbourhoods, visible) for inputs in (ours, theirs))
    for setting in SETTINGS:
        np.testing.assert_array_equal(mine[setting].block(fold.columns), same[setting].block(fold.columns))
    honest, found = (fold_scores(fold, inputs, PARAMS) for inputs in (ours, theirs))
    np.testing.assert_array_equal(found, honest)
    assert ours.vectors.drugs.shape == (NUM_DRUGS, 0)
