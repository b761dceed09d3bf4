"""Scores of all drugs against chosen diseases, in blocks of bounded size."""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.repurposing.features import PairFeatures

MAX_BLOCK_VALUES = 50_000_000
"""Feature values held at a time: 200 MB in float32."""


class PairScorer(Protocol):
    """Whatever gives a pair a score; a protocol, so that reading an evaluation does not load xgboost."""

    def score(self, features: PairFeatures, pairs: IntArray) -> FloatArray:
        """Higher is better. Pairs have shape [2, num_pairs], scores [num_pairs]."""
        ...


def score_grid(
    model: PairScorer,
    features: PairFeatures,
    diseases: IntArray,
    *,
    on_block: Callable[[int], None] = lambda _: None,
) -> FloatArray:
    """Score every drug for each of these diseases.

    Args:
        model: Fitted on these features.
        features: Embeddings of all drugs and diseases.
        diseases: Local disease indices. Shape [num_columns].
        on_block: Called with the number of diseases done in each block.

    Returns:
        Higher is better. Shape [num_drugs, num_columns].
    """
    num_drugs = len(features.drugs)
    scores = np.empty((num_drugs, len(diseases)))
    per_block = max(1, MAX_BLOCK_VALUES // (num_drugs * features.num_features))
    for start in range(0, len(diseases), per_block):
        block = diseases[start : start + per_block]
        pairs = np.stack([np.repeat(np.arange(num_drugs), len(block)), np.tile(block, num_drugs)])
        scores[:, start : start + len(block)] = model.score(features, pairs).reshape(num_drugs, len(block))
        on_block(len(block))
    return scores
