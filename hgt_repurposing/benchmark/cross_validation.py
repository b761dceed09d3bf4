"""Cross-validation: fit without each fold, evaluate on it, and collect the results in an Evaluation."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from hgt_repurposing.baselines.catalogue import baselines_for
from hgt_repurposing.benchmark.folds import EvaluatedFold, baseline_inputs, prepare_fold, score_fold, scored_grid
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
from hgt_repurposing.benchmark.results import AP, DISEASE, MODEL, Evaluation, headline_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_NAME, BoolArray, FloatArray
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.graph.split_kinds import EXTERNAL, SPLIT_KINDS, Hiding
from hgt_repurposing.metrics.calibration import CalibrationCurve, calibration_curve, expected_calibration_error
from hgt_repurposing.metrics.popularity import PopularityReport, popularity_report
from hgt_repurposing.metrics.ranking import require_informative
from hgt_repurposing.metrics.registry import metrics_of
from hgt_repurposing.metrics.scored_grid import Cells
from hgt_repurposing.metrics.uncertainty import top_overlap
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.model import RepurposingModel
from hgt_repurposing.repurposing.scorer import Scorer

LIST_LENGTH = 10


@dataclass
class OutOfFold:
    """Scores of one split kind, each from the classifier that had not seen the pair."""

    scores: dict[int, FloatArray] = field(default_factory=dict)
    """By repeat; NaN where no fold scored the cell. Shape [num_drugs, num_diseases] each."""
    probability: list[FloatArray] = field(default_factory=list)
    outcome: list[BoolArray] = field(default_factory=list)
    """Of the cells whose probabilities are evaluated, fold by fold."""

    def add(self, fold: EvaluatedFold, scores: FloatArray) -> None:
        """Add the scores of one fold's classifier. Scores: shape [num_drugs, num_columns]."""
        shape = (fold.split.num_drugs, fold.split.num_diseases)
        whole = self.scores.setdefault(fold.key.repeat, np.full(shape, np.nan))
        asked = fold.asked()
        drug, column = np.nonzero(asked)
        whole[drug, fold.columns[column]] = scores[asked]
        self.probability.append(expit(scores[asked]))
        self.outcome.append(fold.strict.positive[asked])

    def curve(self) -> CalibrationCurve:
        """Calibration curve over all folds."""
        return calibration_curve(np.concatenate(self.probability), np.concatenate(self.outcome))


@dataclass
class Tables:
    """Rows of the evaluation's tables, collected fold by fold."""

    folds: list[dict[str, Any]] = field(default_factory=list)
    """Any: names and numbers, here and below."""
    diseases: list[pd.DataFrame] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Baselines that cannot be computed on the graph, with the reason."""

    def add(self, fold: EvaluatedFold, scorer: str, scores: FloatArray, *, seed: int) -> None:
        """Evaluate one scorer on one fold. Scores: shape [num_drugs, num_columns]."""
        self.folds.extend(fold.metrics(scorer, scores, seed=seed))
        found = fold.disease_ap(scores)
        key = {SPLIT: fold.key.kind, SCORER: scorer, REPEAT: fold.key.repeat, FOLD: fold.key.fold}
        self.diseases.append(pd.DataFrame({**key, DISEASE: found.indices, AP: found.precision}))


def evaluate(
    graph: KnowledgeGraph,
    inputs: PairInputs,
    split: DrugDiseaseSplit,
    model: RepurposingModel,
    *,
    on_fold: Callable[[str], None] = lambda _: None,
) -> Evaluation:
    """Refit the model without each fold in turn, and evaluate it and the baselines on the fold's held-out pairs.

    Args:
        graph: Source of drug and disease names, and of which diseases are related.
        inputs: Derived from the graph.
        split: All indications with their folds.
        model: Its parameters are used for refitting; it is itself evaluated on external pairs, if any.
        on_fold: Called with the name of each finished fold.

    Raises:
        ValueError: If the model was fitted on another split or on other vectors, a fold cannot be fitted or evaluated,
            or the model's scores are all equal or not finite.
    """
    model.require_split(split)
    scorer = Scorer.of_model(model, inputs)
    seed, therapeutic = model.params.seed, TherapeuticPairs.of_graph(graph)
    group = {kind: SPLIT_KINDS[kind].hiding(graph, num_folds=split.num_folds).group for kind, _ in split.folds}
    tables, kinds = Tables(), defaultdict[str, OutOfFold](OutOfFold)
    for key in split.keys:
        fold = EvaluatedFold(split, key, therapeutic, group[key.kind])
        own = score_fold(prepare_fold(fold, inputs, model.params), inputs.vectors, model.params)
        try:
            require_informative(own, fold.strict.candidate, scorer=f"the model ({key})")
        except ValueError as error:
            error.add_note(
                "nothing was learned from the training pairs of this fold: use a graph with more indications, lower "
                f"inner_folds of repurposing_model, or remove {key.kind} from the kinds"
            )
            raise
        tables.add(fold, MODEL, own, seed=seed)
        known = baseline_inputs(fold.strict, inputs, fold.hiding, seed=fold.seed(seed))
        found = baselines_for(known)
        tables.left_out |= found.missing
        for baseline in found.usable:
            tables.add(fold, baseline.name, baseline(known), seed=seed)
        kinds[key.kind].add(fold, own)
        on_fold(str(key))
    if split.external.shape[1]:
        tables.folds.extend(_external_rows(inputs, split, scorer, therapeutic, seed=seed))
        on_fold("external pairs")
    popularity = {kind: _popularity(found, split) for kind, found in kinds.items()}
    curves = {kind: found.curve() for kind, found in kinds.items()}
    return Evaluation(
        folds=pd.DataFrame(tables.folds),
        diseases=pd.concat(tables.diseases, ignore_index=True),
        calibration=pd.concat([_bins(kind, curve) for kind, curve in curves.items()], ignore_index=True),
        trust=pd.DataFrame([_trust(kind, found, curves[kind], popularity[kind]) for kind, found in kinds.items()]),
        frequent=_frequent(popularity[headline_of(popularity)], graph),
        left_out=tables.left_out,
        seed=seed,
        not_measured=split.left_out,
    )


def _external_rows(
    inputs: PairInputs, split: DrugDiseaseSplit, scorer: Scorer, therapeutic: TherapeuticPairs, *, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of the evaluation table for the final model on external pairs. Any: names, numbers."""
    grids = {suite: external_grid(split, ignored=suite.ignored(therapeutic)) for suite in suites_of(EXTERNAL)}
    strict = next(iter(grids.values()))  # the suites differ in what counts, not in what is scored
    own = scorer.grid(strict.columns)[INDICATION - 1]
    known = baseline_inputs(strict, inputs, Hiding(EXTERNAL.setting), seed=(seed,))
    others = {baseline.name: baseline(known) for baseline in baselines_for(known).usable}
    for suite, grid in grids.items():
        require_informative(own, grid.candidate, scorer="the model (external pairs)")
        for name, scores in ((MODEL, own), *others.items()):
            row = {SPLIT: EXTERNAL.name, SUITE: suite.name, SCORER: name, REPEAT: 0, FOLD: 0}
            cells = Cells(scores, grid.positive, grid.candidate)
            yield {**row, **metrics_of(scored_grid(cells, grid, grid.columns, (seed,)))}


def _popularity(found: OutOfFold, split: DrugDiseaseSplit) -> PopularityReport:
    """Popularity report of the first repeat, with degrees over all indications."""
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


def _bins(kind: str, curve: CalibrationCurve) -> pd.DataFrame:
    table = pd.DataFrame({"predicted": curve.predicted, "observed": curve.observed, "num_pairs": curve.num_pairs})
    return table.rename_axis("bin").reset_index().assign(**{SPLIT: kind})


def _trust(kind: str, found: OutOfFold, curve: CalibrationCurve, popularity: PopularityReport) -> dict[str, Any]:
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
    """Share of top drugs that two repeats have in common, mean over diseases with enough drugs to list.

    Scores: NaN where no fold scored the cell. Shape [num_drugs, num_diseases] each.
    """
    asked = ~np.isnan(one) & ~np.isnan(other)
    listed = asked.sum(axis=0) > LIST_LENGTH
    if not listed.any():
        return float("nan")
    first, second, candidate = np.nan_to_num(one[:, listed]), np.nan_to_num(other[:, listed]), asked[:, listed]
    return top_overlap(first, second, candidate, top=LIST_LENGTH).share
