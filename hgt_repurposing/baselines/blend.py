"""The strongest baseline: a logistic regression over the scores of the other baselines.

What it learns from must look like what it will be asked about. Pairs are therefore masked in the way of the split
(alone, by disease or by drug) and scored by the other baselines while they are; a training pair that a baseline could
see would teach the regression to trust whatever repeats its input.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from hgt_repurposing.baselines.rules import Baseline, BaselineInputs
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray

NUM_INNER_FOLDS = 5
NEGATIVES_PER_POSITIVE = 40


class LabelledCells(NamedTuple):
    """Hidden pairs, and about `NEGATIVES_PER_POSITIVE` times as many cells without a known treatment."""

    drug: IntArray
    """Shape [num_cells]."""
    disease: IntArray
    """Shape [num_cells]."""
    positive: BoolArray
    """True where the pair is a known treatment. Shape [num_cells]."""


def logistic_regression(inputs: BaselineInputs, rules: Mapping[str, Baseline]) -> FloatArray:
    """Logistic regression over standardised scores of other baselines, learned on pairs masked in inner folds.

    Args:
        inputs: What one fold's baselines may know.
        rules: The baselines to learn from.

    Returns:
        Log odds among the sampled cells. Shape [num_drugs, num_columns].

    Raises:
        ValueError: If there is no rule, or fewer than two pairs, diseases or drugs that could be hidden in turn.
    """
    if not rules:
        raise ValueError("stacking needs at least one baseline (got none)")
    features, positive = [], []
    for visible, cells in masked_pairs(inputs):
        columns, place = np.unique(cells.disease, return_inverse=True)
        seen = replace(inputs, train=visible, columns=columns)
        features.append(_stack([rule(seen)[cells.drug, place] for rule in rules.values()]))
        positive.append(cells.positive)
    model = _regression().fit(np.concatenate(features), np.concatenate(positive))
    scores = [rule(inputs) for rule in rules.values()]
    log_odds = np.empty((inputs.train.shape[0], len(inputs.columns)))
    for column in range(log_odds.shape[1]):  # all at once, the model would copy all scores of all rules several times
        log_odds[:, column] = model.decision_function(_stack([score[:, column] for score in scores]))
    return log_odds


def masked_pairs(inputs: BaselineInputs) -> Iterator[tuple[csr_array, LabelledCells]]:
    """The labels that stay visible, and cells of the part that is hidden, inner fold by inner fold.

    Every training pair is hidden once. Negatives are uniform over the hidden part: diseases with a hidden pair, and
    all drugs, or where drugs are hidden those. A cell that turns out to be a known treatment is left out.

    Raises:
        ValueError: If there are fewer than two pairs, diseases or drugs that could be hidden in turn.
    """
    drug, disease = (np.asarray(ends, dtype=np.int64) for ends in inputs.train.nonzero())
    known = _cell(inputs, drug, disease)
    fold = _inner_folds(inputs, drug, disease)
    for number in np.unique(fold):
        hidden, visible = fold == number, fold != number
        other_drug, other_disease = _draw_in_hidden_part(inputs, drug[hidden], disease[hidden])
        unknown = ~np.isin(_cell(inputs, other_drug, other_disease), known)
        cells = LabelledCells(
            drug=np.concatenate([drug[hidden], other_drug[unknown]]),
            disease=np.concatenate([disease[hidden], other_disease[unknown]]),
            positive=np.repeat([True, False], [hidden.sum(), unknown.sum()]),
        )
        ends = (drug[visible], disease[visible])
        yield csr_array((np.ones(len(ends[0])), ends), shape=inputs.train.shape), cells


def _cell(inputs: BaselineInputs, drug: IntArray, disease: IntArray) -> IntArray:
    """One number per pair."""
    return drug * inputs.train.shape[1] + disease


def _inner_folds(inputs: BaselineInputs, drug: IntArray, disease: IntArray) -> IntArray:
    """Inner fold of every training pair. Shape [num_pairs]."""
    by_group = disease if inputs.disease_group is None else inputs.disease_group[disease]
    group = {"pair": np.arange(len(drug)), "disease": by_group, "drug": drug}[inputs.hidden]
    distinct, member = np.unique(group, return_inverse=True)
    if len(distinct) < 2:
        what = {"pair": "pairs", "disease": "diseases or groups of them", "drug": "drugs"}[inputs.hidden]
        raise ValueError(f"inner folds need at least two {what} with a known treatment (got {len(distinct)})")
    folds = np.arange(len(distinct)) % min(NUM_INNER_FOLDS, len(distinct))
    return inputs.generator.permutation(folds)[member]


def _draw_in_hidden_part(inputs: BaselineInputs, drug: IntArray, disease: IntArray) -> tuple[IntArray, IntArray]:
    """Drug and disease of random cells; some may be known treatments. Shape [num_cells] each."""
    drugs = np.unique(drug) if inputs.hidden == "drug" else np.arange(inputs.train.shape[0])
    size = NEGATIVES_PER_POSITIVE * len(drug)
    return inputs.generator.choice(drugs, size), inputs.generator.choice(np.unique(disease), size)


def _stack(scores: list[FloatArray]) -> FloatArray:
    return np.stack(scores, axis=1)


def _regression() -> Pipeline:
    return make_pipeline(
        StandardScaler(with_mean=False),
        FunctionTransformer(np.arcsinh),  # scores are counts and sums: a few large ones would rule
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
