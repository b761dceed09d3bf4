"""One fold of one split, and what any score is worth on it: model, baseline or ablation, all by the same code."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from hgt_repurposing.baselines.catalogue import baselines_for
from hgt_repurposing.baselines.rules import BaselineInputs
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
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split import SPLIT_KINDS, DrugDiseaseSplit, FoldKey
from hgt_repurposing.metrics.classification import degree_matched, uniform_one_to_one
from hgt_repurposing.metrics.ranking import grid_metrics, per_disease_ap, per_drug_ap
from hgt_repurposing.repurposing.classifier import Examples, fit_classifier, gather_examples
from hgt_repurposing.repurposing.features import SETTING_OF, PairFeatures, Setting
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.labels import INDICATION, Labels
from hgt_repurposing.repurposing.model import score_blocks
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors

KRONECKER_RIDGE = "Kronecker ridge"
"""A baseline: closed form over the graph's similarities and the training pairs, nothing learned."""
ALL_DISEASES_UP_TO = 2000
"""A held-out drug is ranked against every disease of a graph with so many, of larger ones against those treated."""


class DiseaseAP(NamedTuple):
    """Average precision of each test disease."""

    diseases: IntArray
    """Local indices. Shape [num_columns]."""
    precision: FloatArray
    """Shape [num_columns]."""


@dataclass(frozen=True, eq=False)
class EvaluatedFold:
    """What one fold asks for: the diseases to score, and the cells that count in each suite."""

    split: DrugDiseaseSplit
    key: FoldKey
    therapeutic: TherapeuticPairs

    @cached_property
    def test_columns(self) -> IntArray:
        """Diseases with a held-out pair. Shape [num_columns]."""
        return np.unique(self.split.test_pairs(self.key)[1])

    @cached_property
    def columns(self) -> IntArray:
        """Diseases to score: with drugs held out more than have a held-out pair, for a drug is ranked among them."""
        if self.key.kind != "drug":
            return self.test_columns
        if self.split.num_diseases <= ALL_DISEASES_UP_TO:
            return np.arange(self.split.num_diseases)
        return np.unique(self.split.pairs[1])

    @cached_property
    def grids(self) -> dict[Suite, FoldGrid]:
        """The grid of each suite; the open one is left out where it is the same as the strict."""
        strict, wide = suites_of(self.key.kind)
        grids = {strict: self._grid(strict)}
        if wide.ignored(self.therapeutic).shape[1]:
            grids[wide] = self._grid(wide)
        return grids

    @property
    def strict(self) -> FoldGrid:
        """The grid on which everything but training pairs counts."""
        return self.grids[suites_of(self.key.kind)[0]]

    def generator(self, seed: int) -> np.random.Generator:
        """Randomness of this fold alone."""
        key = self.key
        return np.random.default_rng([seed, SPLIT_KINDS.index(key.kind), key.repeat, key.fold])

    def relatives(self, group: IntArray | None) -> IntArray | None:
        """Number of each disease's group of relatives where the fold holds such groups out, else None."""
        return group if self.key.kind == "disease_group" else None

    def _grid(self, suite: Suite) -> FoldGrid:
        return fold_grid(self.split, self.key, ignored=suite.ignored(self.therapeutic), columns=self.columns)

    def metrics(self, scorer: str, scores: FloatArray, *, seed: int) -> Iterator[dict[str, Any]]:
        """One row of the evaluation table for each suite. Any: names, numbers.

        Args:
            scorer: Name in the table.
            scores: Higher is better. Shape [num_drugs, num_columns].
            seed: Of the negatives of the classical 1:1 figures.
        """
        inside = np.isin(self.columns, self.test_columns)
        rows = np.unique(self.split.test_pairs(self.key)[0])
        for suite, grid in self.grids.items():
            part, positive, candidate = scores[:, inside], grid.positive[:, inside], grid.candidate[:, inside]
            values = grid_metrics(part, positive, candidate)._asdict()
            if self.key.kind == "drug":  # a held-out drug alone knows what to make of all diseases
                asked = grid.candidate[rows].any(axis=0)  # not a disease in which all of these drugs are ignored
                by_drug = per_drug_ap(*(table[rows][:, asked] for table in (scores, grid.positive, grid.candidate)))
                values["macro_ap_by_drug"] = float(by_drug.values.mean())
            matched = degree_matched(
                part,
                positive,
                candidate,
                drug_degree=np.diff(grid.train.indptr).astype(np.int64),
                disease_degree=np.asarray(grid.train.sum(axis=0), dtype=np.int64)[self.test_columns],
            )
            classical = uniform_one_to_one(part, positive, candidate, generator=self.generator(seed))
            yield {
                SPLIT: self.key.kind,
                SUITE: suite.name,
                SCORER: scorer,
                REPEAT: self.key.repeat,
                FOLD: self.key.fold,
                **values,
                "auroc_degree_matched": matched.auroc_degree_matched,
                "auroc_uniform_1_to_1": classical.auroc_uniform_1_to_1,
                "average_precision_uniform_1_to_1": classical.average_precision_uniform_1_to_1,
            }

    def disease_ap(self, scores: FloatArray) -> DiseaseAP:
        """Average precision of each test disease in the strict suite. Scores: shape [num_drugs, num_columns]."""
        found = per_disease_ap(scores, self.strict.positive, self.strict.candidate)
        return DiseaseAP(self.columns[found.columns], found.values)

    def asked(self) -> BoolArray:
        """Cells that a probability is meant for: all candidates, or with drugs held out those of these drugs.

        Shape [num_drugs, num_columns].
        """
        if self.key.kind != "drug":
            return self.strict.candidate
        held_out = np.isin(np.arange(self.split.num_drugs), self.split.test_pairs(self.key)[0])
        return self.strict.candidate & held_out[:, None]

    def baselines(self, inputs: PairInputs, *, group: IntArray | None, seed: int) -> Iterator[tuple[str, FloatArray]]:
        """Every baseline that the graph has something for, with its scores of shape [num_drugs, num_columns]."""
        setting, relatives = SETTING_OF[self.key.kind], self.relatives(group)
        yield from baseline_scores(self.strict, inputs, setting, group=relatives, generator=self.generator(seed))

    def training_labels(self, labels: Labels) -> Labels:
        """The labels without what this fold holds out."""
        return labels.with_indications(self.split.training_pairs(self.key))


def baseline_inputs(
    grid: FoldGrid, inputs: PairInputs, setting: Setting, *, group: IntArray | None, generator: np.random.Generator
) -> BaselineInputs:
    """What the baselines may know of a grid."""
    genes = inputs.neighbourhoods
    return BaselineInputs(
        grid.train,
        grid.columns,
        genes.drug_genes,
        genes.disease_genes,
        hidden=setting,
        generator=generator,
        disease_group=group,
    )


def baseline_scores(
    grid: FoldGrid, inputs: PairInputs, setting: Setting, *, group: IntArray | None, generator: np.random.Generator
) -> Iterator[tuple[str, FloatArray]]:
    """Every baseline that the graph has something for, by name, with its scores of shape [num_drugs, num_columns]."""
    given = baseline_inputs(grid, inputs, setting, group=group, generator=generator)
    for name, baseline in baselines_for(given).baselines.items():
        yield name, baseline(given)
    features = PairFeatures(inputs.neighbourhoods, grid.train.astype(np.float32), setting)
    yield KRONECKER_RIDGE, features.kronecker_ridge(grid.columns)


@dataclass(frozen=True, eq=False)
class PreparedFold:
    """A fold with the examples that any classifier of it learns from."""

    fold: EvaluatedFold
    examples: list[Examples]
    features: PairFeatures
    """With the training indications visible."""


def prepare_fold(
    fold: EvaluatedFold, inputs: PairInputs, params: ClassifierParams, *, group: IntArray | None
) -> PreparedFold:
    """Gather what can be learned without what a fold holds out; no vectors take part.

    Args:
        fold: Says what is held out.
        inputs: Of the graph.
        params: Inner folds and negatives.
        group: Number of each disease's group of relatives, for the split by groups. Shape [num_diseases].
    """
    setting = SETTING_OF[fold.key.kind]
    labels = fold.training_labels(inputs.labels)
    examples = gather_examples(
        inputs.neighbourhoods,
        labels,
        setting=setting,
        params=params,
        generator=fold.generator(params.seed),
        disease_group=fold.relatives(group),
    )
    features = PairFeatures(inputs.neighbourhoods, labels.indications, setting)
    return PreparedFold(fold, examples, features)


def score_fold(prepared: PreparedFold, vectors: PairVectors, params: ClassifierParams) -> FloatArray:
    """Fit a classifier with these vectors as columns, and score the diseases that the fold asks for.

    Returns:
        Log odds of an indication. Shape [num_drugs, num_columns].
    """
    features = prepared.features
    classifier = fit_classifier(
        prepared.examples,
        vectors,
        setting=features.setting,
        feature_names=features.names,
        params=params,
    )
    blocks = score_blocks(classifier, features, vectors, prepared.fold.columns)
    return np.concatenate([log_odds[INDICATION - 1] for _, log_odds in blocks], axis=1)
