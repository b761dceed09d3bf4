"""Cross-validation: fit without each fold, evaluate on it, and collect the results in an Evaluation."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from hgt_repurposing.baselines.catalogue import BASELINES, baselines_for
from hgt_repurposing.benchmark.assumptions import DeploymentTables, require_measurable
from hgt_repurposing.benchmark.deployment import add_fold, deployment_folds
from hgt_repurposing.benchmark.external import ExternalEvaluation, evaluate_external
from hgt_repurposing.benchmark.folds import EvaluatedFold, fold_scorer, prepare_fold, scored_grid
from hgt_repurposing.benchmark.new_diseases import NewDiseaseFolds
from hgt_repurposing.benchmark.protocol import (
    FOLD,
    MODEL,
    REPEAT,
    SCORER,
    SPLIT,
    SUITE,
    TherapeuticPairs,
    external_grid,
    suites_of,
)
from hgt_repurposing.benchmark.results import AP, DISEASE, Evaluation, headline_of
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_NAME, FloatArray
from hgt_repurposing.graph.split import DrugDiseaseSplit
from hgt_repurposing.graph.split_kinds import EXTERNAL, SPLIT_KINDS
from hgt_repurposing.metrics.popularity import PopularityReport, popularity_report
from hgt_repurposing.metrics.ranking import require_informative
from hgt_repurposing.metrics.registry import metrics_of
from hgt_repurposing.metrics.scored_grid import Cells
from hgt_repurposing.metrics.uncertainty import top_overlap
from hgt_repurposing.repurposing.baseline_scores import baseline_inputs
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import RepurposingModel
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer

LIST_LENGTH = 10


@dataclass
class OutOfFold:
    """Scores of one split kind, each from the classifier that had not seen the pair."""

    scores: dict[int, FloatArray] = field(default_factory=dict)
    """By repeat; NaN where no fold scored the cell. Shape [num_drugs, num_diseases] each."""

    def add(self, fold: EvaluatedFold, scores: FloatArray) -> None:
        """Add the scores of one fold's classifier. Scores: shape [num_drugs, num_columns]."""
        shape = (fold.split.num_drugs, fold.split.num_diseases)
        whole = self.scores.setdefault(fold.key.repeat, np.full(shape, np.nan))
        asked = fold.asked()
        drug, column = np.nonzero(asked)
        whole[drug, fold.columns[column]] = scores[asked]


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
    tables, kinds, new_diseases = Tables(), defaultdict[str, OutOfFold](OutOfFold), NewDiseaseFolds()
    for key in split.keys:
        fold = EvaluatedFold(split, key, therapeutic, group[key.kind])
        candidate = fold.strict.candidate  # refused before the fit if there is nothing to rank against
        of_fold = fold_scorer(prepare_fold(fold, inputs, model.params), inputs.vectors, model.params)
        own = of_fold.indications(fold.columns)
        try:
            require_informative(own, candidate, scorer=f"the model ({key})")
        except ValueError as error:
            error.add_note(
                "nothing was learned from the training pairs of this fold: use a graph with more indications, lower "
                f"inner_folds of repurposing_model, or remove {key.kind} from the kinds"
            )
            raise
        tables.add(fold, MODEL, own, seed=seed)
        if fold.brings_back_diseases:
            new_diseases.add(fold, graph, of_fold, own)
        known = baseline_inputs(inputs.neighbourhoods, fold.strict.train, hiding=fold.hiding, seed=fold.seed(seed))
        found = baselines_for(known)
        tables.left_out |= found.missing
        for baseline in found.usable:
            tables.add(fold, baseline.name, baseline.fit(known)(fold.columns), seed=seed)
        kinds[key.kind].add(fold, own)
        on_fold(str(key))
    external = None
    if split.external_positives.shape[1]:
        outside = evaluate_external(split, inputs, scorer, model.params)
        tables.folds.extend(_external_rows(split, outside, therapeutic, seed=seed))
        external = outside.results
        on_fold("external pairs")
    whole_grid = _whole_grid(inputs, split, model.params, on_fold) if split.num_deployment else None
    popularity = {kind: _popularity(found, split) for kind, found in kinds.items()}
    return Evaluation(
        folds=pd.DataFrame(tables.folds),
        diseases=pd.concat(tables.diseases, ignore_index=True),
        trust=pd.DataFrame([_trust(kind, found, popularity[kind]) for kind, found in kinds.items()]),
        frequent=_frequent(popularity[headline_of(popularity)], graph),
        left_out=tables.left_out,
        seed=seed,
        not_measured=split.left_out,
        whole_grid=whole_grid,
        external=external,
        new_diseases=new_diseases.result(seed),
        score_parts=model.parts_of_score(),
    )


def _whole_grid(
    inputs: PairInputs, split: DrugDiseaseSplit, params: ClassifierParams, on_fold: Callable[[str], None]
) -> WholeGrid:
    """Evaluate model and baselines by the protocol `deployment`; raises as `require_measurable`."""
    try:
        require_measurable(split.pairs, params.missing, num_folds=split.num_deployment, seed=split.seeds[0])
    except ValueError as error:
        error.add_note("set deployment_folds of drug_disease_split to 0, or change missing of repurposing_model")
        raise
    tables = DeploymentTables([], [], [])
    shape = (split.num_drugs, split.num_diseases)
    left_out: dict[str, str] = {}
    folds = deployment_folds(
        split.pairs,
        shape,
        params.missing,
        known_otherwise=inputs.labels.known_otherwise,
        num_folds=split.num_deployment,
        seed=split.seeds[0],
    )
    for fold in folds:
        left_out |= add_fold(fold, inputs, params, tables)
        on_fold(fold.name)
    return WholeGrid.of_tables(tables, assumed=params.missing.in_words(), left_out=left_out, seed=params.seed)


def _external_rows(
    split: DrugDiseaseSplit, outside: ExternalEvaluation, therapeutic: TherapeuticPairs, *, seed: int
) -> Iterator[dict[str, Any]]:
    """Rows of the evaluation table for all external pairs together: their diseases' lists. Any: names, numbers."""
    for suite in suites_of(EXTERNAL):
        grid = external_grid(split, ignored=suite.ignored(therapeutic))
        chosen = np.searchsorted(outside.columns, grid.columns)
        require_informative(outside.scores[MODEL][:, chosen], grid.candidate, scorer="the model (external pairs)")
        for name in (MODEL, *(name for name in BASELINES if name in outside.scores)):
            scores = outside.scores[name]
            row = {SPLIT: EXTERNAL.name, SUITE: suite.name, SCORER: name, REPEAT: 0, FOLD: 0}
            cells = Cells(scores[:, chosen], grid.positive, grid.candidate)
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


def _trust(kind: str, found: OutOfFold, popularity: PopularityReport) -> dict[str, Any]:
    """One row of the trust table. Any: names, numbers."""
    overlaps = [_overlap(one, other) for one, other in combinations(found.scores.values(), 2)]
    return {
        SPLIT: kind,
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
