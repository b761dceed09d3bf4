"""The strongest baseline: a logistic regression over the scores of the other baselines.

Its training examples must resemble the pairs it will score. Pairs are therefore masked in the same way as the split
(singly, by disease or by drug) and scored by the other baselines while masked; if a baseline could see them, the
regression would learn to trust whatever repeats its input.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs, ColumnScores
from hgt_repurposing.graph.inner_folds import deal_inner_folds
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray

NUM_INNER_FOLDS = 5
NEGATIVES_PER_POSITIVE = 40


class LabelledCells(NamedTuple):
    """Masked pairs, and about `NEGATIVES_PER_POSITIVE` times as many cells without a known treatment."""

    drug: IntArray
    """Shape [num_cells]."""
    disease: IntArray
    """Shape [num_cells]."""
    positive: BoolArray
    """True where the pair is a known treatment. Shape [num_cells]."""


def logistic_regression(inputs: BaselineInputs, baselines: Sequence[Baseline]) -> ColumnScores:
    """Logistic regression over standardised scores of other baselines, fitted on pairs masked in inner folds.

    Args:
        inputs: Of one fold.
        baselines: Their scores are the features.

    Returns:
        Scores of any diseases: log odds among the sampled cells.

    Raises:
        ValueError: If there is no baseline, or there are fewer than two pairs, diseases or drugs to mask in turn.
    """
    if not baselines:
        raise ValueError("stacking needs at least one baseline (got none)")
    features, positive = [], []
    for visible, cells in masked_cells(inputs):
        columns, column = np.unique(cells.disease, return_inverse=True)
        seen = replace(inputs, train=visible)
        features.append(stack([baseline.fit(seen)(columns)[cells.drug, column] for baseline in baselines]))
        positive.append(cells.positive)
    model = regression().fit(np.concatenate(features), np.concatenate(positive))
    fitted = [baseline.fit(inputs) for baseline in baselines]

    def log_odds(columns: IntArray) -> FloatArray:
        scores = [of(columns) for of in fitted]
        found = np.empty((inputs.train.shape[0], len(columns)))
        for index in range(len(columns)):  # all columns at once would copy all scores several times
            found[:, index] = model.decision_function(stack([score[:, index] for score in scores]))
        return found

    return log_odds


def masked_cells(inputs: BaselineInputs) -> Iterator[tuple[csr_array, LabelledCells]]:
    """Visible labels and examples from the masked part, for each inner fold.

    Every training pair is masked once. Negatives are drawn uniformly from the masked part: diseases with a masked pair
    x all drugs, or only the masked drugs where drugs are held out. Cells that are known treatments are left out.

    Raises:
        ValueError: If there are fewer than two pairs, diseases or drugs to mask in turn.
    """
    pairs = np.stack(inputs.train.nonzero()).astype(np.int64)
    num_wholes = len(np.unique(inputs.hiding.whole(pairs)))
    if num_wholes < 2:
        raise ValueError(f"inner folds need at least two {inputs.hiding.in_words} (got {num_wholes})")
    generator = inputs.generator
    num_folds = min(NUM_INNER_FOLDS, num_wholes)
    fold = deal_inner_folds(pairs, inputs.hiding, num_folds=num_folds, generator=generator)
    for number in range(num_folds):
        positives, seen = pairs[:, fold == number], pairs[:, fold != number]
        drawn = _draw_in_hidden_part(inputs, positives, generator)
        unknown = drawn[:, inputs.train[tuple(drawn)] == 0]
        cells = LabelledCells(
            drug=np.concatenate([positives[0], unknown[0]]),
            disease=np.concatenate([positives[1], unknown[1]]),
            positive=np.repeat([True, False], [positives.shape[1], unknown.shape[1]]),
        )
        yield csr_array((np.ones(seen.shape[1]), tuple(seen)), shape=inputs.train.shape), cells


def _draw_in_hidden_part(inputs: BaselineInputs, hidden: IntArray, generator: np.random.Generator) -> IntArray:
    """Random cells; some may be known treatments. Shape [2, num_cells]."""
    drugs = np.unique(hidden[0]) if inputs.hiding.unit == "drug" else np.arange(inputs.train.shape[0])
    size = NEGATIVES_PER_POSITIVE * hidden.shape[1]
    return np.stack([generator.choice(drugs, size), generator.choice(np.unique(hidden[1]), size)])


def stack(scores: Sequence[FloatArray]) -> FloatArray:
    """Scores of several baselines as columns. Shape [n] each -> [n, num_baselines]."""
    return np.stack(scores, axis=1)


def regression() -> Pipeline:
    """Logistic regression on scores of baselines."""
    return make_pipeline(
        StandardScaler(with_mean=False),
        FunctionTransformer(np.arcsinh),  # scores are counts and sums: a few large ones would dominate
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
