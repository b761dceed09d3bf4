"""The final model on pairs from outside the graph: the grid is scored as for the list, each file is looked up in it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.benchmark.external_results import AUROC_OF_NEGATIVES, FILE, ExternalResults
from hgt_repurposing.benchmark.grid import GridFold, baseline_scores, measure, sample_diseases
from hgt_repurposing.benchmark.protocol import FOLD, MODEL
from hgt_repurposing.graph.external_pairs import POOLED, ExternalPairs, ExternalSet, no_pairs
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.sources.external import ExternalFile
from hgt_repurposing.graph.sources.pairs import load_external_pairs
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.metrics.pooled_cells import standings
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, Labels
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer

_STREAM = 5
"""Part of the seed of the sample, unlike that of any split kind."""


class ExternalEvaluation(NamedTuple):
    """Results on external pairs, and the scores that they come from."""

    results: ExternalResults
    columns: IntArray
    """Diseases that were scored, ascending, among them all of the pairs. Shape [num_columns]."""
    scores: Mapping[str, FloatArray]
    """Of the model first, then of every baseline. Shape [num_drugs, num_columns] each."""


def external_folds(
    split: DrugDiseaseSplit, *, known_otherwise: IntArray, seed: int
) -> dict[str, tuple[GridFold, ExternalSet]]:
    """The grid of each file, and of all together, by name; all indications are visible.

    Pairs of another file count as they would without it, so that the figures of a file do not depend on the others. On
    a large graph, every disease of a pair is scored and represents itself; a sample represents the others.

    Args:
        split: With external pairs.
        known_otherwise: As in `GridFold`. Shape [2, num_known_otherwise].
        seed: Of the sample.
    """
    shape = (split.num_drugs, split.num_diseases)
    pooled = ExternalSet(POOLED, split.external_positives, split.external_negatives)
    named = np.concatenate([split.external_positives[1], split.external_negatives[1]])
    sample = sample_diseases(shape, split.pairs[1], np.random.default_rng([seed, _STREAM]), always=named)
    return {
        outside.name: (
            GridFold(
                key={FILE: outside.name, FOLD: 0},
                name=f"external pairs, {outside.name}",
                visible=split.pairs,
                positives=outside.positives,
                known_otherwise=known_otherwise,
                shape=shape,
                sample=sample,
            ),
            outside,
        )
        for outside in (*split.external, pooled)
    }


def evaluate_external(
    split: DrugDiseaseSplit, inputs: PairInputs, scorer: Scorer, params: ClassifierParams
) -> ExternalEvaluation:
    """Measure the final model and every baseline on each file, over all cells about which the graph says nothing.

    Args:
        split: With at least one external treatment.
        inputs: Derived from the graph.
        scorer: The final model, as it scores the list.
        params: Its parameters; their assumption is the stacked baselines' too.

    Raises:
        ValueError: As `measure`.
    """
    folds = external_folds(split, known_otherwise=inputs.labels.known_otherwise, seed=params.seed)
    # Known negatives of the graph are no candidates, but looked up beside treatments: the average must rank them, too.
    grid = replace(folds[POOLED][0], known_otherwise=no_pairs())
    others = baseline_scores(grid, inputs, params)
    scores = {MODEL: scorer.indications(grid.columns), **others.scores}
    results = look_up(folds, scores, labels=inputs.labels, left_out=others.missing, seed=params.seed)
    return ExternalEvaluation(results, grid.columns, scores)


def evaluate_files(
    files: Iterable[ExternalFile],
    graph: KnowledgeGraph,
    split: DrugDiseaseSplit,
    inputs: PairInputs,
    scorer: Scorer,
    params: ClassifierParams,
) -> tuple[ExternalResults, ExternalPairs]:
    """Measure a finished model on files of pairs that were not named when it was made.

    Args:
        files: In the order of the results.
        graph: Defines the ids and the indications.
        split: Of the graph; its own external pairs are not measured again.
        inputs: Derived from the graph.
        scorer: The final model, as it scores the list.
        params: Its parameters.

    Returns:
        The results, and what was read.

    Raises:
        FileNotFoundError, ValueError: As `load_external_pairs`; ValueError as `measure`.
    """
    external = load_external_pairs(files, graph)
    asked = replace(split, external=external.sets, external_unknown=external.unknown)
    return evaluate_external(asked, inputs, scorer, params).results, external


def look_up(
    folds: Mapping[str, tuple[GridFold, ExternalSet]],
    scores: Mapping[str, FloatArray],
    *,
    labels: Labels,
    left_out: Mapping[str, str],
    seed: int,
) -> ExternalResults:
    """Measure scores on each file; a file without treatments is only counted.

    Args:
        folds: As made by `external_folds`, on one sample of diseases.
        scores: By scorer, the model first. Shape [num_drugs, num_columns] each.
        labels: Known negatives of the graph.
        left_out: Baselines that cannot be computed on the graph, with the reason.
        seed: Of the bootstrap.

    Raises:
        ValueError: As `measure`.
    """
    rows, positives = [], []
    for fold, outside in folds.values():
        if not outside.positives.shape[1]:
            continue
        for name, of_scorer in scores.items():
            found = measure(fold, name, of_scorer)
            found.scorers[0][AUROC_OF_NEGATIVES] = auroc_of_negatives(fold, of_scorer, outside.negatives)
            rows.extend(found.scorers)
            positives.append(found.positives)
    return ExternalResults(
        files=_sizes([outside for _, outside in folds.values()], labels),
        scorers=pd.DataFrame(rows),
        positives=pd.concat(positives, ignore_index=True),
        left_out=dict(left_out),
        seed=seed,
    )


def auroc_of_negatives(fold: GridFold, scores: FloatArray, negatives: IntArray) -> float:
    """AUROC of the treatments to be found against known negatives, and no other pair; NaN without any.

    Args:
        fold: Defines the treatments.
        scores: Shape [num_drugs, num_columns].
        negatives: None of them a treatment to be found. Shape [2, num_negatives].
    """
    cells = fold.positive | fold.marked(negatives)
    positive = fold.positive[cells]
    if positive.all() or not positive.any():
        return float("nan")
    return float(standings(scores[cells], positive, np.ones(len(positive))).placement.mean())


def _sizes(sets: list[ExternalSet], labels: Labels) -> pd.DataFrame:
    """Numbers of treatments and of known negatives, and how many of these the model has learned from."""
    seen = [int(np.count_nonzero(labels.class_of(one.negatives) == CONTRAINDICATION)) for one in sets]
    return pd.DataFrame(
        {
            FILE: [one.name for one in sets],
            "num_positives": [one.positives.shape[1] for one in sets],
            "num_negatives": [one.negatives.shape[1] for one in sets],
            "num_negatives_seen": seen,
        }
    )
