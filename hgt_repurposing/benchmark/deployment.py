"""Protocol `deployment`: treatments are hidden as they are assumed to be missing, and the whole grid is scored.

The other split kinds look at one way of hiding at a time; here the list that people get is tested as it is.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy.special import expit

from hgt_repurposing.benchmark.assumptions import (
    AS_ASSUMED,
    ASSUMPTION,
    DEPLOYMENT_STREAM,
    OTHER_ASSUMPTIONS,
    DeploymentTables,
    assumed_masks,
)
from hgt_repurposing.benchmark.grid import GridFold, baseline_scores, measure, sample_diseases
from hgt_repurposing.benchmark.protocol import FOLD, MODEL
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.graph.split_kinds import DEPLOYMENT
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.learning import fit_classifiers, gather_examples
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer

NUM_BINS = 10


def deployment_folds(
    pairs: IntArray,
    shape: tuple[int, int],
    missing: MissingShares,
    *,
    known_otherwise: IntArray,
    num_folds: int,
    seed: int,
) -> Iterator[GridFold]:
    """Masks drawn from the assumption, and fewer from each other assumption (`assumed_masks`).

    Args:
        pairs: All treatments. Shape [2, num_pairs].
        shape: Number of drugs and of diseases.
        missing: The model's assumption.
        known_otherwise: As in `GridFold`. Shape [2, num_known_otherwise].
        num_folds: Masks from it.
        seed: Of the masks.
    """
    order = [AS_ASSUMED, *OTHER_ASSUMPTIONS]
    for assumption, masks, generator in assumed_masks(pairs, missing, num_folds=num_folds, seed=seed):
        for fold, hidden in enumerate(masks):
            visible = pairs[:, ~hidden]
            yield GridFold(
                key={ASSUMPTION: assumption, FOLD: fold},
                name=f"{DEPLOYMENT.name} {assumption}, fold {fold}",
                visible=visible,
                positives=pairs[:, hidden],
                known_otherwise=known_otherwise,
                shape=shape,
                sample=sample_diseases(shape, visible[1], generator, to_find=pairs[1, hidden]),
                stream=(DEPLOYMENT_STREAM, order.index(assumption), fold),
            )


def score_deployment(fold: GridFold, inputs: PairInputs, params: ClassifierParams) -> FloatArray:
    """Fit the model without the hidden treatments, and score the grid as for the list.

    Returns:
        Log odds of an indication. Shape [num_drugs, num_columns].
    """
    labels = inputs.labels.with_indications(fold.visible)
    found = np.unique(fold.treated.grid(fold.columns))
    case = gather_examples(
        inputs.neighbourhoods,
        labels,
        params=params,
        seed=fold.seed(params.seed),
        settings=[SETTINGS[number] for number in found],
    )
    scorer = Scorer.of_case(case, fit_classifiers(case, inputs.vectors, params), inputs.vectors)
    return scorer.indications(fold.columns)


def add_fold(fold: GridFold, inputs: PairInputs, params: ClassifierParams, tables: DeploymentTables) -> dict[str, str]:
    """Add the rows of the model and of every baseline on one fold to the tables.

    Returns:
        Baselines that cannot be computed on the graph, with the reason.
    """
    own, others = score_deployment(fold, inputs, params), baseline_scores(fold, inputs, params)
    add_rows(fold, {MODEL: own, **others.scores}, tables)
    return dict(others.missing)


def add_rows(fold: GridFold, scores: Mapping[str, FloatArray], tables: DeploymentTables) -> None:
    """Add the rows of these scorers on one fold to the tables, and the bins of the model's probability.

    Args:
        fold: Defines the cells; at least one of them is positive.
        scores: By name; higher is better, and the model's are log odds. Shape [num_drugs, num_columns] each.
        tables: Get the rows.

    Raises:
        ValueError: As `measure`.
    """
    for scorer, of_cells in scores.items():
        probability = expit(of_cells[fold.candidate]) if scorer == MODEL else None
        found = measure(fold, scorer, of_cells, probability=probability)
        tables.scorers.extend(found.scorers)
        tables.positives.append(found.positives)
        if probability is not None:
            of_bins = _bins(probability, fold.positive[fold.candidate], fold.weight)
            tables.bins.extend({**fold.key, **of_bin} for of_bin in of_bins)


def _bins(probability: FloatArray, positive: BoolArray, weight: FloatArray) -> Iterator[dict[str, Any]]:
    """Bins of increasing probability, each expected to hold the same number of treatments. Any: numbers.

    The most probable cell is always in the last one, which holds more if that cell alone does.
    """
    order = np.argsort(probability, kind="stable")
    mass = np.cumsum((probability * weight)[order])
    index = np.minimum((NUM_BINS * (mass - (probability * weight)[order]) / mass[-1]).astype(np.int64), NUM_BINS - 1)
    index[-1] = NUM_BINS - 1  # the most probable cell, however much it holds
    for number in np.unique(index):
        cells = order[index == number]
        yield {
            "bin": int(number),
            "lowest": float(probability[cells[0]]),
            "expected": float(probability[cells] @ weight[cells]),
            "observed": float(weight[cells] @ positive[cells]),
            "num_cells": float(weight[cells].sum()),
        }
