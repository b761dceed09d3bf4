"""Fit without each fold and evaluate on it: from inputs and a split to an Evaluation."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from hgt_repurposing.baselines.catalogue import baselines_for
from hgt_repurposing.benchmark.folds import EvaluatedFold, baseline_inputs, baseline_scores, prepare_fold, score_fold
from hgt_repurposing.benchmark.protocol import (
    FOLD,
    REPEAT,
    SCORER,
    SPLIT,
    SUITE,
    TherapeuticPairs,
    external_grid,
    suites_of,
)
from hgt_repurposing.benchmark.results import AP, DISEASE, HEADLINE_SPLIT, MODEL, Evaluation
from hgt_repurposing.graph.disease_groups import disease_groups
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_NAME, BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split import DrugDiseaseSplit, SplitKind
from hgt_repurposing.metrics.calibration import CalibrationCurve, calibration_curve, expected_calibration_error
from hgt_repurposing.metrics.popularity import PopularityReport, popularity_report
from hgt_repurposing.metrics.ranking import grid_metrics, require_informative
from hgt_repurposing.metrics.uncertainty import top_overlap
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.model import RepurposingModel
from hgt_repurposing.repurposing.scoring import score_grid

LIST_LENGTH = 10


@dataclass
class OutOfFold:
    """Scores of one way of splitting, each from the classifier that had not seen the pair."""

    scores: dict[int, FloatArray] = field(default_factory=dict)
    """By repeat; NaN where no fold asked. Shape [num_drugs, num_diseases] each."""
    probability: list[FloatArray] = field(default_factory=list)
    outcome: list[BoolArray] = field(default_factory=list)
    """Of the cells that a probability is meant for, fold by fold."""

    def add(self, fold: EvaluatedFold, scores: FloatArray) -> None:
        """Keep what one fold's classifier said. Scores: shape [num_drugs, num_columns]."""
        shape = (fold.split.num_drugs, fold.split.num_diseases)
        whole = self.scores.setdefault(fold.key.repeat, np.full(shape, np.nan))
        asked = fold.asked()
        drug, column = np.nonzero(asked)
        whole[drug, fold.columns[column]] = scores[asked]
        self.probability.append(expit(scores[asked]))
        self.outcome.append(fold.strict.positive[asked])

    def curve(self) -> CalibrationCurve:
        """What the probabilities of all folds are worth."""
        return calibration_curve(np.concatenate(self.probability), np.concatenate(self.outcome))


@dataclass
class Tables:
    """Rows of the evaluation's tables, gathered fold by fold."""

    folds: list[dict[str, Any]] = field(default_factory=list)
    """Any: names and numbers, here and below."""
    diseases: list[pd.DataFrame] = field(default_factory=list)

    def add(self, fold: EvaluatedFold, scorer: str, scores: FloatArray, *, seed: int) -> None:
        """Measure one scorer on one fold. Scores: shape [num_drugs, num_columns]."""
        self.folds.extend(fold.metrics(scorer, scores, seed=seed))
        found = fold.disease_ap(scores)
        key = {SPLIT: fold.key.kind, SCORER: scorer, REPEAT: fold.key.repeat, FOLD: fold.key.fold}
        self.diseases.append(pd.DataFrame({**key, DISEASE: found.diseases, AP: found.precision}))


def groups_of_relatives(graph: KnowledgeGraph, split: DrugDiseaseSplit) -> IntArray:
    """Number of each disease's group of relatives, as the split by groups has them. Shape [num_diseases]."""
    return disease_groups(graph, max_treated=len(np.unique(split.pairs[1])) // split.num_folds)


def evaluate(
    graph: KnowledgeGraph,
    inputs: PairInputs,
    split: DrugDiseaseSplit,
    model: RepurposingModel,
    *,
    on_fold: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Fit the model again without each fold in turn, and measure it and the baselines on what the fold holds out.

    Args:
        graph: Names drugs and diseases, and knows which diseases are related.
        inputs: Of the graph.
        split: All indications with their folds.
        model: Says how to fit, and is itself evaluated on the external pairs, if there are any.
        on_fold: Called with the name of each fold that is done.

    Raises:
        ValueError: If the model was fitted on another split or on other vectors, a fold cannot be fitted or evaluated,
            or the model's scores are all equal or not finite.
    """
    model.require_split(split)
    model.require_fitted_on(inputs.vectors)
    seed, therapeutic, group = model.params.seed, TherapeuticPairs.of_graph(graph), groups_of_relatives(graph, split)
    tables, kinds = Tables(), defaultdict[SplitKind, OutOfFold](OutOfFold)
    for key in split.keys:
        fold = EvaluatedFold(split, key, therapeutic)
        own = score_fold(prepare_fold(fold, inputs, model.params, group=group), inputs.vectors, model.params)
        try:
            require_informative(own, fold.strict.candidate, scorer=f"the model ({key})")
        except ValueError as error:
            error.add_note(
                "nothing was learned from the pairs that this fold leaves: give a graph with more indications, set "
                f"fewer inner_folds of repurposing_model, or leave {key.kind} out of the kinds"
            )
            raise
        tables.add(fold, MODEL, own, seed=seed)
        for name, scores in fold.baselines(inputs, group=group, seed=seed):
            tables.add(fold, name, scores, seed=seed)
        kinds[key.kind].add(fold, own)
        on_fold(str(key))
    if split.external.shape[1]:
        tables.folds.extend(_external_rows(inputs, split, model, therapeutic))
        on_fold("external pairs")
    popularity = {kind: _popularity(found, split) for kind, found in kinds.items()}
    curves = {kind: found.curve() for kind, found in kinds.items()}
    first = HEADLINE_SPLIT if HEADLINE_SPLIT in popularity else next(iter(popularity))
    any_grid = EvaluatedFold(split, split.keys[0], therapeutic).strict
    generator = np.random.default_rng(seed)
    baselines = baselines_for(baseline_inputs(any_grid, inputs, "pair", group=None, generator=generator))
    return Evaluation(
        folds=pd.DataFrame(tables.folds),
        diseases=pd.concat(tables.diseases, ignore_index=True),
        calibration=pd.concat([_bins(kind, curve) for kind, curve in curves.items()], ignore_index=True),
        trust=pd.DataFrame([_trust(kind, found, curves[kind], popularity[kind]) for kind, found in kinds.items()]),
        frequent=_frequent(popularity[first], graph),
        left_out=baselines.left_out,
        seed=seed,
        not_measured=split.left_out,
    )


def _external_rows(
    inputs: PairInputs, split: DrugDiseaseSplit, model: RepurposingModel, therapeutic: TherapeuticPairs
) -> Iterator[dict[str, Any]]:
    """Rows of the evaluation table for pairs from outside the graph, by the final model. Any: names, numbers."""
    for suite in suites_of("external"):
        grid = external_grid(split, ignored=suite.ignored(therapeutic))
        own = score_grid(model, inputs, grid.columns)[INDICATION - 1]
        require_informative(own, grid.candidate, scorer="the model (external pairs)")
        generator = np.random.default_rng(model.params.seed)
        for name, scores in [(MODEL, own), *baseline_scores(grid, inputs, "pair", group=None, generator=generator)]:
            row = {SPLIT: "external", SUITE: suite.name, SCORER: name, REPEAT: 0, FOLD: 0}
            yield {**row, **grid_metrics(scores, grid.positive, grid.candidate)._asdict()}


def _popularity(found: OutOfFold, split: DrugDiseaseSplit) -> PopularityReport:
    """Of the first repeat, with degrees over all indications."""
    scores = found.scores[0]
    listed = np.flatnonzero((~np.isnan(scores)).any(axis=0))
    part = scores[:, listed]
    degrees = (
        np.bincount(ends, minlength=size).astype(np.int64)
        for ends, size in zip(split.pairs, (split.num_drugs, split.num_diseases), strict=True)
    )
    drug_degree, disease_degree = degrees
    return popularity_report(
        np.nan_to_num(part).astype(np.float64),
        ~np.isnan(part),
        drug_degree=drug_degree,
        disease_degree=disease_degree[listed],
        top=LIST_LENGTH,
    )


def _frequent(report: PopularityReport, graph: KnowledgeGraph) -> pd.DataFrame:
    names = graph.therapeutic
    tables = []
    for kind, node_type, found in (("drug", names.drug, report.drugs), ("disease", names.disease, report.diseases)):
        called = graph.nodes_of(node_type)[NODE_NAME].to_numpy()[found.who]
        tables.append(pd.DataFrame({"kind": kind, "name": called, "num_lists": found.num_lists}))
    return pd.concat(tables, ignore_index=True)


def _bins(kind: SplitKind, curve: CalibrationCurve) -> pd.DataFrame:
    table = pd.DataFrame({"predicted": curve.predicted, "observed": curve.observed, "num_pairs": curve.num_pairs})
    return table.rename_axis("bin").reset_index().assign(**{SPLIT: kind})


def _trust(kind: SplitKind, found: OutOfFold, curve: CalibrationCurve, popularity: PopularityReport) -> dict[str, Any]:
    """One row of the trust table. Any: names, numbers."""
    overlaps = [_overlap(one, other) for one, other in combinations(found.scores.values(), 2)]
    return {
        SPLIT: kind,
        "expected_calibration_error": expected_calibration_error(curve),
        "top_bin_observed_over_expected": curve.observed[-1] / curve.predicted[-1],
        "spearman_with_degree": popularity.spearman_drugs,
        "drug_entropy": popularity.entropy_normalised,
        "top_10_overlap": float(np.mean(overlaps)) if overlaps else float("nan"),
    }


def _overlap(one: FloatArray, other: FloatArray) -> float:
    """Share of each disease's first places that two repeats agree on, of diseases with enough drugs to list.

    Scores: NaN where no fold asked. Shape [num_drugs, num_diseases] each.
    """
    asked = ~np.isnan(one) & ~np.isnan(other)
    listed = asked.sum(axis=0) > LIST_LENGTH
    if not listed.any():
        return float("nan")
    first, second, candidate = np.nan_to_num(one[:, listed]), np.nan_to_num(other[:, listed]), asked[:, listed]
    return top_overlap(first, second, candidate, top=LIST_LENGTH).share
