"""Learning again as a whole run does."""

import numpy as np
import pytest

from hgt_repurposing.benchmark import refit
from hgt_repurposing.benchmark.refit import embeddings_without
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.message_graph import MessageGraphConfig, MessageScope
from hgt_repurposing.graph.split import FoldKey
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing_tests.repurposing.planted import INDICATION, planted_graph, planted_split

TRAIN_ONLY = MessageGraphConfig(therapeutic_edges="train_only", fold=1)


@pytest.mark.parametrize("message", [TRAIN_ONLY, MessageGraphConfig()])
def test_no_message_passes_over_treatments_that_are_left_out(
    message: MessageGraphConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = planted_graph()
    split = planted_split(graph)
    trained = split.training_pairs(FoldKey("disease", 0, 1))
    left_out, kept = trained[:, ::2], trained[:, 1::2]
    seen: list[KnowledgeGraph] = []

    def embedded(visible: KnowledgeGraph, scope: MessageScope, embedding: EmbeddingParams) -> None:
        assert scope.fold == message.key
        assert embedding == EmbeddingParams()
        seen.append(visible)

    monkeypatch.setattr(refit, "_embeddings_of", embedded)
    embeddings_without(left_out, graph, split, EmbeddingParams(), message)
    (visible,) = seen
    if message.key is None:
        assert INDICATION not in visible.edges
    else:
        np.testing.assert_array_equal(visible.edges[INDICATION], kept)
