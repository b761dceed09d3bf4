"""Scores of all drugs for chosen diseases: each disease asks the classifier of its own situation."""

from collections.abc import Callable, Iterator

import numpy as np

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.repurposing.features import PairFeatures, Setting
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import RepurposingModel, score_blocks


def score_diseases(
    model: RepurposingModel, inputs: PairInputs, diseases: IntArray
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Score every drug for some diseases, a few at a time: those with a known treatment first, then those without.

    Known treatments are scored, too, and never by their own label: no feature lets a pair speak for itself but the
    Kronecker ridge, whose value for a known pair is therefore flattering.

    Yields:
        The diseases of a block, and log odds of an indication, and of a contraindication where there were enough to
        learn from. Shape [1 or 2, num_drugs, num_columns].
    """
    treated = np.isin(diseases, inputs.labels.indications.indices)
    asked: tuple[tuple[Setting, IntArray], ...] = (("pair", diseases[treated]), ("disease", diseases[~treated]))
    for setting, part in asked:
        features = PairFeatures(inputs.neighbourhoods, inputs.labels.indications, setting)
        yield from score_blocks(model.classifiers[setting], features, inputs.vectors, part)


def score_grid(
    model: RepurposingModel,
    inputs: PairInputs,
    diseases: IntArray,
    *,
    on_block: Callable[[int], None] = lambda _: None,
) -> FloatArray:
    """Score every drug for some diseases, all at once.

    Args:
        model: Fitted on these inputs.
        inputs: Of the graph.
        diseases: Local disease indices, ascending. Shape [num_columns].
        on_block: Called with the number of diseases done in each block.

    Returns:
        Log odds of an indication, and of a contraindication where the graph has any; NaN where it has too few to learn
        from. Shape [num_classes - 1, num_drugs, num_columns].
    """
    num_drugs = inputs.labels.indications.shape[0]
    scores = np.full((inputs.labels.num_classes - 1, num_drugs, len(diseases)), np.nan)
    for block, log_odds in score_diseases(model, inputs, diseases):
        scores[: len(log_odds), :, np.searchsorted(diseases, block)] = log_odds
        on_block(len(block))
    return scores
