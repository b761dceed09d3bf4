"""One fold of a split, and the evaluation of any score on it: model, baseline or ablation, by the same code."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hgt_repurposing.benchmark.protocol import (
    FOLD,
    REPEAT,
    SCORER,
    SPLIT,
    SUITE,
    FoldGrid,
    Suite,
    TherapeuticPairs,
    fold_grid,
    suites_of,
)
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Treated
from hgt_repurposing.graph.split import DrugDiseaseSplit, FoldKey
from hgt_repurposing.graph.split_kinds import SPLIT_KINDS, Hiding, SplitKind
from hgt_repurposing.metrics.ranking import AveragePrecisions, per_disease_ap
from hgt_repurposing.metrics.registry import metrics_of
from hgt_repurposing.metrics.scored_grid import Cells, ScoredGrid
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.learning import Classifiers, LearningCase, fit_classifiers, gather_examples
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors

ALL_DISEASES_UP_TO = 2000
"""Held-out drugs are ranked against all diseases of a graph with at most this many, else against treated diseases."""


@dataclass(frozen=True, eq=False)
class EvaluatedFold:
    """The evaluation of one fold: the diseases to score, and the cells that count in each suite."""

    split: DrugDiseaseSplit
    key: FoldKey
    therapeutic: TherapeuticPairs
    group: IntArray | None = None
    """Group index of each disease (each drug if drugs are held out), where the split holds groups out."""

    @property
    def hiding(self) -> Hiding:
        """How the fold is held out; its inner folds hide treatments in the same way."""
        return Hiding(self.kind.unit, self.group)

    @property
    def kind(self) -> SplitKind:
        """The split kind."""
        return SPLIT_KINDS[self.key.kind]

    @cached_property
    def test_columns(self) -> IntArray:
        """Diseases with a held-out pair. Shape [num_columns]."""
        return np.unique(self.split.test_pairs(self.key)[1])

    @cached_property
    def columns(self) -> IntArray:
        """Diseases to score; where drugs are held out, also those without a held-out pair, since drugs rank them."""
        if not self.kind.asks_for_diseases:
            return self.test_columns
        if self.split.num_diseases <= ALL_DISEASES_UP_TO:
            return np.arange(self.split.num_diseases)
        return np.unique(self.split.pairs[1])

    @cached_property
    def grids(self) -> dict[Suite, FoldGrid]:
        """The grid of each suite; the open suite is left out where it equals the strict one."""
        strict, wide = suites_of(self.kind)
        grids = {strict: self._grid(strict)}
        if wide.ignored(self.therapeutic).shape[1]:
            grids[wide] = self._grid(wide)
        return grids

    @property
    def strict(self) -> FoldGrid:
        """The grid of the strict suite: everything except training pairs counts."""
        return self.grids[suites_of(self.kind)[0]]

    @property
    def brings_back_diseases(self) -> bool:
        """Whether its diseases are also ranked as new ones: those of the first repeat."""
        return self.kind.brings_back_diseases and self.key.repeat == 0

    def seed(self, seed: int) -> tuple[int, ...]:
        """Seed of this fold alone, derived from that of the run."""
        return (seed, self.kind.stream, self.key.repeat, self.key.fold)

    def _grid(self, suite: Suite) -> FoldGrid:
        return fold_grid(self.split, self.key, ignored=suite.ignored(self.therapeutic), columns=self.columns)

    def metrics(self, scorer: str, scores: FloatArray, *, seed: int) -> Iterator[dict[str, Any]]:
        """One row of the evaluation table for each suite. Any: names, numbers.

        Args:
            scorer: Its name in the table.
            scores: Higher is better. Shape [num_drugs, num_columns].
            seed: Of the run; for the negatives of the 1:1 metrics.
        """
        for suite, grid in self.grids.items():
            row = {SPLIT: self.key.kind, SUITE: suite.name, SCORER: scorer}
            scored = self._scored(Cells(scores, grid.positive, grid.candidate), grid, self.seed(seed))
            yield {**row, REPEAT: self.key.repeat, FOLD: self.key.fold, **metrics_of(scored)}

    def _scored(self, cells: Cells, grid: FoldGrid, seed: tuple[int, ...]) -> ScoredGrid:
        """Diseases with a held-out pair are evaluated over all drugs; held-out drugs over all diseases."""
        inside = np.isin(self.columns, self.test_columns)
        of_drugs = None
        if self.kind.asks_for_diseases:
            of_drugs = cells.of_drugs(np.unique(self.split.test_pairs(self.key)[0]))
            asked = np.asarray(of_drugs.candidate.any(axis=0))  # no disease for which all of these drugs are ignored
            of_drugs = of_drugs.of_columns(asked)
        return scored_grid(cells.of_columns(inside), grid, self.test_columns, seed, of_drugs)

    def disease_ap(self, scores: FloatArray) -> AveragePrecisions:
        """Average precision of each test disease in the strict suite, by local index.

        Scores: shape [num_drugs, num_columns].
        """
        found = per_disease_ap(scores, self.strict.positive, self.strict.candidate)
        return found._replace(indices=self.columns[found.indices])

    def asked(self) -> BoolArray:
        """Cells whose probabilities are evaluated: all candidates, or only those of held-out drugs if there are any.

        Shape [num_drugs, num_columns].
        """
        if not self.kind.asks_for_diseases:
            return self.strict.candidate
        held_out = np.isin(np.arange(self.split.num_drugs), self.split.test_pairs(self.key)[0])
        return self.strict.candidate & held_out[:, None]

    def training_labels(self, labels: Labels) -> Labels:
        """The labels without this fold's held-out pairs."""
        return labels.with_indications(self.split.training_pairs(self.key))


def scored_grid(
    cells: Cells, grid: FoldGrid, columns: IntArray, seed: tuple[int, ...], of_drugs: Cells | None = None
) -> ScoredGrid:
    """Input of the metrics, with degrees counted in the training pairs of a grid.

    Args:
        cells: To evaluate. Shape [num_drugs, num_columns] each.
        grid: Provides the training pairs.
        columns: Diseases of the cells' columns. Shape [num_columns].
        seed: Of the drawn negatives.
        of_drugs: Cells in which drugs are ranked; None: the same cells.
    """
    disease_degree = np.asarray(grid.train.sum(axis=0), dtype=np.int64)[columns]
    return ScoredGrid(cells, np.diff(grid.train.indptr).astype(np.int64), disease_degree, seed, of_drugs)


@dataclass(frozen=True, eq=False)
class PreparedFold:
    """A fold with the examples for training its classifiers."""

    fold: EvaluatedFold
    case: LearningCase


def prepare_fold(fold: EvaluatedFold, inputs: PairInputs, params: ClassifierParams) -> PreparedFold:
    """Gather training examples without a fold's held-out pairs; independent of the vectors.

    What is assumed to be missing is what this kind of split holds out, and nothing else: figures of the kinds answer
    one question each. (`deployment` tests the assumption of the model.) Only the settings of the cells that will be
    scored are learned. Where groups of diseases are held out, learning hides such groups too.

    Args:
        fold: Defines what is held out.
        inputs: Derived from the graph.
        params: Numbers of masks and cells; its assumption is not used.
    """
    missing = MissingShares.only(fold.kind.unit, 1 / params.inner_folds)
    labels = fold.training_labels(inputs.labels)
    found = np.unique(Treated.of(labels.indications).grid(fold.columns))
    case = gather_examples(
        inputs.neighbourhoods,
        labels,
        params=params.model_copy(update={"missing": missing}),
        seed=fold.seed(params.seed),
        settings=[SETTINGS[number] for number in found],
        groups={} if fold.group is None else {fold.kind.unit: fold.group},
    )
    return PreparedFold(fold, case)


def score_by_towers(prepared: PreparedFold, classifiers: Classifiers) -> FloatArray | None:
    """Score the fold's diseases by the two towers alone: all that vectors say without the named features.

    Returns:
        Log probability, mean over all masks; None if no towers were fitted. Shape [num_drugs, num_columns].
    """
    if not classifiers.towers:
        return None
    return np.asarray(classifiers.log_probabilities(prepared.fold.columns).mean(axis=2))


def fold_scorer(prepared: PreparedFold, vectors: PairVectors, params: ClassifierParams) -> Scorer:
    """Fit classifiers on a fold's training pairs, with these vectors as features."""
    return Scorer.of_case(prepared.case, fit_classifiers(prepared.case, vectors, params), vectors)


def score_fold(prepared: PreparedFold, vectors: PairVectors, params: ClassifierParams) -> FloatArray:
    """Fit classifiers with these vectors as features, and score the fold's diseases as for a list.

    Returns:
        Log odds of an indication. Shape [num_drugs, num_columns].
    """
    return fold_scorer(prepared, vectors, params).indications(prepared.fold.columns)
