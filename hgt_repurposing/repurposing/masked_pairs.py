"""Training examples of a classifier: pairs that are masked in the same way as those it will score.

The training indications are dealt into inner folds: single pairs, or whole diseases or drugs. Each fold is hidden in
turn, and its pairs become examples with features from the other folds only. Letting a pair see its own label costs a
third of the average precision (`docs/results`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.sparse import csr_array

from hgt_repurposing.graph.inner_folds import count_inner_folds, deal_inner_folds
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Hiding, Setting
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, UNKNOWN, Labels

EVERY_DRAW, NO_DRAW = -1, -2
CALIBRATION_DISEASES = 500
"""Largest number of diseases in the calibration cells; all of Hetionet's 137 are used."""


@dataclass(frozen=True, eq=False)
class MaskedPairs:
    """Examples of one inner fold, and the treatments visible to them."""

    visible: csr_array
    """1 for visible treatments. Shape [num_drugs, num_diseases]."""
    pairs: IntArray
    """Drug and disease indices. Shape [2, num_cells]."""
    label: IntArray
    """Class of each cell. Shape [num_cells]."""
    draw: IntArray
    """Which draw of negatives a cell belongs to: EVERY_DRAW for known pairs, NO_DRAW for cells that only calibrate."""
    weight: FloatArray
    """Number of cells of the hidden part that a cell represents in calibration. Shape [num_cells]."""

    def only(self, chosen: BoolArray) -> Self:
        """Only these cells. Shape [num_cells]."""
        cells = (self.pairs[:, chosen], self.label[chosen], self.draw[chosen], self.weight[chosen])
        return type(self)(self.visible, *cells)


def masked_pairs(
    labels: Labels,
    hiding: Hiding,
    *,
    num_folds: int,
    negatives_per_positive: int,
    calibration_cells: int,
    generator: np.random.Generator,
) -> Iterator[MaskedPairs]:
    """Hide each inner fold in turn and draw examples from what is hidden.

    Negatives in the settings "cold disease" and "warm pair": half keep a positive's disease, a quarter its drug, a
    quarter are uniform. In "cold drug": half keep a positive's disease and half its drug. Diseases are drawn from those
    with a training indication: one that occurs only in negatives would be learned as untreatable. Calibration uses the
    same grid as a test fold: hidden diseases x all drugs, diseases of hidden pairs x all drugs, or hidden drugs x all
    diseases.

    Args:
        labels: With training indications only.
        hiding: What is hidden together.
        num_folds: Number of inner folds, and of independent draws of negatives in each; at most the number of groups.
        negatives_per_positive: Per draw.
        calibration_cells: Largest number of cells drawn uniformly from the hidden part of a fold.
        generator: Source of randomness.

    Raises:
        ValueError: If there is less to hide than inner folds, or no negatives are left.
    """
    indications = np.stack(labels.indications.nonzero()).astype(np.int64)
    treated = np.unique(indications[1])
    known_contraindications = np.stack(labels.contraindications.nonzero()).astype(np.int64)
    setting, num_folds = hiding.setting, count_inner_folds(hiding, indications, num_folds)
    fold_of = deal_inner_folds(indications, hiding, num_folds=num_folds, generator=generator)
    fold_of_contraindication = generator.integers(num_folds, size=known_contraindications.shape[1])
    for fold in range(num_folds):
        positives = indications[:, fold_of == fold]
        visible = labels.with_indications(indications[:, fold_of != fold]).indications
        hidden_drugs = np.unique(positives[0]) if setting == "cold drug" else np.arange(labels.indications.shape[0])
        hidden_diseases = np.unique(positives[1]) if setting == "cold disease" else treated
        contraindicated = known_contraindications[
            :,
            np.isin(known_contraindications[0], hidden_drugs)
            & np.isin(known_contraindications[1], hidden_diseases)
            & ((fold_of_contraindication == fold) | (setting != "warm pair")),
        ]
        parts = [_part(positives, INDICATION, EVERY_DRAW, 1.0), _part(contraindicated, CONTRAINDICATION, EVERY_DRAW, 1)]
        for draw in range(num_folds):
            drawn = _draw(positives, hidden_drugs, hidden_diseases, setting, negatives_per_positive, generator)
            unknown = _unknown(drawn, labels)
            if not unknown.shape[1]:  # almost all pairs are known: enumerate the rest
                everything = np.stack(np.meshgrid(hidden_drugs, hidden_diseases)).reshape(2, -1)
                unknown = _unknown(everything, labels)
            if not unknown.shape[1]:
                raise ValueError(
                    "every drug has a known relation to every training disease: there is no negative pair to learn from"
                )
            parts.append(_part(unknown, UNKNOWN, draw, 0.0))
        asked = np.arange(labels.indications.shape[1]) if setting == "cold drug" else np.unique(positives[1])
        num_asked = len(hidden_drugs) * len(asked) - positives.shape[1]
        if len(asked) > CALIBRATION_DISEASES:  # features are computed for all drugs of a disease at once
            asked = generator.choice(asked, CALIBRATION_DISEASES, replace=False)
        uniform = _unknown(_uniform(hidden_drugs, asked, calibration_cells, generator), labels)
        cells_each = max(num_asked, 1) / max(uniform.shape[1], 1)
        parts.append(_part(uniform, UNKNOWN, NO_DRAW, cells_each))
        pairs, label, draw_of, weight = (np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        yield MaskedPairs(visible, pairs, label, draw_of, weight)


def _draw(
    positives: IntArray,
    drugs: IntArray,
    diseases: IntArray,
    setting: Setting,
    per_positive: int,
    generator: np.random.Generator,
) -> IntArray:
    """Random pairs of the hidden part; some may be known. Shape [2, num_drawn]."""
    count = positives.shape[1] * per_positive
    half, quarter = count // 2, count // 4
    other_drug = np.stack([generator.choice(drugs, half), generator.choice(positives[1], half)])
    rest = count - half if setting == "cold drug" else quarter
    other_disease = np.stack([generator.choice(positives[0], rest), generator.choice(diseases, rest)])
    anywhere = _uniform(drugs, diseases, count - half - rest, generator)
    return np.concatenate([other_drug, other_disease, anywhere], axis=1)


def _uniform(drugs: IntArray, diseases: IntArray, count: int, generator: np.random.Generator) -> IntArray:
    return np.stack([generator.choice(drugs, count), generator.choice(diseases, count)])


def _unknown(pairs: IntArray, labels: Labels) -> IntArray:
    """Distinct pairs without a known relation. Shape [2, n]."""
    pairs = np.unique(pairs, axis=1)
    return pairs[:, (labels.class_of(pairs) == UNKNOWN) & ~labels.is_no_example(pairs)]


def _part(pairs: IntArray, label: int, draw: int, weight: float) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
    count = pairs.shape[1]
    return pairs, np.full(count, label), np.full(count, draw), np.full(count, float(weight))
