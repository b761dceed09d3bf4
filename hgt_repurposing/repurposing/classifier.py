"""Classifier of drug-disease pairs in one regime: an ensemble of two heads each, calibrated to the grid's prevalence.

One member per inner fold, with negatives of its own draw, learns from all folds but that one. On the fold it left out
its scores are worth what they will be worth on new pairs: there the two heads are weighed against each other and turned
into log odds at the prevalence of the grid (Platt 1999, with two scores). No test cell takes part in it.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.repurposing.features import Features, PairFeatures, Regime
from hgt_repurposing.repurposing.heads import LinearHead, TreeHead, fit_linear_head, fit_tree_head
from hgt_repurposing.repurposing.hidden_cells import EVERY_DRAW, HiddenCells, hidden_cells
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, Labels
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.vectors import PairVectors

Item = TypeVar("Item")
Result = TypeVar("Result")

MIN_SLOPE = 1e-3
"""Weight of heads that are no better than chance: nearly silenced, never turned round."""
MAX_BLOCK_VALUES = 50_000_000
"""Feature values held at a time: 200 MB in float32."""


class Calibration(NamedTuple):
    """Log odds of one class at the prevalence of the grid, from the scores of both heads."""

    linear: float
    """Weight of the logistic regression's log odds."""
    trees: float
    """Weight of the trees' log odds."""
    intercept: float

    def apply(self, linear: FloatArray, trees: FloatArray) -> FloatArray:
        """Same shape as either."""
        return self.linear * linear + self.trees * trees + self.intercept


class Member(NamedTuple):
    """Two heads that learned from the same examples."""

    linear: LinearHead
    trees: TreeHead


@dataclass(frozen=True, eq=False)
class PairClassifier:
    """A fitted ensemble."""

    regime: Regime
    feature_names: tuple[str, ...]
    members: tuple[Member, ...]
    calibrations: tuple[Calibration, ...]
    """One for each class but "unknown": indication, and contraindication where there are enough to learn from."""

    def log_odds(self, features: PairFeatures, vectors: PairVectors, diseases: IntArray) -> FloatArray:
        """Log odds of every drug with some diseases, at the prevalence of the grid.

        Args:
            features: Of this regime, with the treatments that may be seen.
            vectors: Those it was fitted on.
            diseases: Local indices; a block of a few. Shape [num_columns].

        Returns:
            Shape [num_calibrations, num_drugs, num_columns].

        Raises:
            ValueError: If the features are not those it was fitted on.
        """
        if (features.regime, features.names) != (self.regime, self.feature_names):
            raise ValueError(
                f"the classifier was fitted on other features ({self.regime!r} regime, {len(self.feature_names)} "
                f"features) than it is given ({features.regime!r} regime, {len(features.names)} features)"
            )
        named = features.block(diseases).reshape(-1, len(self.feature_names))
        pairs = np.stack(np.meshgrid(np.arange(features.num_drugs), diseases, indexing="ij")).reshape(2, -1)
        rows = _with_vectors(named, vectors, pairs)
        linear = np.mean([member.linear.log_odds(named) for member in self.members], axis=0)
        trees = np.mean(_in_threads(lambda member: member.trees.log_odds(rows), self.members), axis=0)
        calibrated = [c.apply(linear[:, k], trees[:, k]) for k, c in enumerate(self.calibrations)]
        return np.stack(calibrated).reshape(-1, features.num_drugs, len(diseases))

    def to_parts(self, prefix: str) -> dict[str, Any]:
        """What `artifacts.py` writes, file names starting with a prefix; the inverse of `from_parts`. Any: JSON."""
        about = {
            "regime": self.regime,
            "feature_names": list(self.feature_names),
            "linear": [member.linear.to_json() for member in self.members],
            "calibrations": [list(calibration) for calibration in self.calibrations],
        }
        trees = {f"{prefix}_trees_{i}.json": member.trees.to_json() for i, member in enumerate(self.members)}
        return {f"{prefix}.json": about, **trees}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any], prefix: str) -> Self:
        """Inverse of `to_parts`."""
        about = parts[f"{prefix}.json"]
        members = tuple(
            Member(LinearHead.from_json(linear), TreeHead.from_json(parts[f"{prefix}_trees_{i}.json"]))
            for i, linear in enumerate(about["linear"])
        )
        calibrations = tuple(Calibration(*weights) for weights in about["calibrations"])
        return cls(about["regime"], tuple(about["feature_names"]), members, calibrations)


class _Examples(NamedTuple):
    """Cells of one inner fold with their features."""

    cells: HiddenCells
    named: Features
    """Shape [num_cells, num_named]."""


def fit_classifier(
    neighbourhoods: Neighbourhoods,
    vectors: PairVectors,
    labels: Labels,
    *,
    regime: Regime,
    params: ClassifierParams,
    generator: np.random.Generator,
    disease_group: IntArray | None = None,
) -> PairClassifier:
    """Fit and calibrate the ensemble on the training indications.

    Args:
        neighbourhoods: What the graph says apart from treatments.
        vectors: Further columns of XGBoost.
        labels: With the training indications alone.
        regime: Which question it will be asked.
        params: Ensemble, negatives and forest.
        generator: Source of randomness.
        disease_group: Diseases of one number are hidden together; None: each alone. Shape [num_diseases].

    Raises:
        ValueError: If there are fewer groups to hide than inner folds, or no pair is left as a negative.
    """
    seeds = generator.integers(2**31, size=params.inner_folds)
    hidden = list(
        hidden_cells(
            labels,
            regime,
            num_folds=params.inner_folds,
            negatives_per_positive=params.negatives_per_positive,
            calibration_cells=params.calibration_cells,
            disease_group=disease_group,
            generator=generator,
        )
    )
    # Every member must see a contraindication in the folds that it learns from, so two folds must hold some.
    num_classes = 3 if sum((cells.label == CONTRAINDICATION).any() for cells in hidden) > 1 else 2
    if num_classes == 2:
        hidden = [cells.only(cells.label != CONTRAINDICATION) for cells in hidden]
    folds = [
        _Examples(cells, _named_features(PairFeatures(neighbourhoods, cells.visible, regime), cells.pairs))
        for cells in hidden
    ]

    def fit_member(number: int) -> Member:
        examples = [_of_draw(fold, number) for place, fold in enumerate(folds) if place != number]
        named, rows, label = (
            np.concatenate(part)
            for part in zip(*((n, _with_vectors(n, vectors, pairs), y) for n, pairs, y in examples), strict=True)
        )
        return Member(
            fit_linear_head(named, label, params),
            fit_tree_head(rows, label, params, num_classes=num_classes, seed=int(seeds[number])),
        )

    members = tuple(_in_threads(fit_member, range(params.inner_folds)))
    names = PairFeatures(neighbourhoods, labels.indications, regime).names
    return PairClassifier(regime, names, members, _calibrate(members, folds, vectors, num_classes))


def _named_features(features: PairFeatures, pairs: IntArray) -> Features:
    """Named features of single pairs, made block by block. Shape [num_pairs, num_named]."""
    rows = np.empty((pairs.shape[1], len(features.names)), dtype=np.float32)
    for diseases in disease_blocks(np.unique(pairs[1]), features, width=len(features.names)):
        place = np.flatnonzero(np.isin(pairs[1], diseases))
        rows[place] = features.block(diseases)[pairs[0, place], np.searchsorted(diseases, pairs[1, place])]
    return rows


def disease_blocks(diseases: IntArray, features: PairFeatures, *, width: int) -> Iterator[IntArray]:
    """Cut diseases into blocks whose features, so many columns with every drug, fit into `MAX_BLOCK_VALUES`."""
    per_block = max(1, MAX_BLOCK_VALUES // (features.num_drugs * width))
    for start in range(0, len(diseases), per_block):
        yield diseases[start : start + per_block]


def _of_draw(fold: _Examples, draw: int) -> tuple[Features, IntArray, IntArray]:
    """Named features, pairs and classes of the known pairs and of one draw of negatives."""
    cells = fold.cells
    chosen = (cells.draw == EVERY_DRAW) | (cells.draw == draw)
    return fold.named[chosen], cells.pairs[:, chosen], cells.label[chosen]


def _with_vectors(named: Features, vectors: PairVectors, pairs: IntArray) -> Features:
    """Named features, then both vectors of each pair. Shape [num_pairs, num_named + width]."""
    return np.concatenate([named, vectors.drugs[pairs[0]], vectors.diseases[pairs[1]]], axis=1)


def _calibrate(
    members: Sequence[Member], folds: Sequence[_Examples], vectors: PairVectors, num_classes: int
) -> tuple[Calibration, ...]:
    """Calibrate on each member's own left-out fold, all of them pooled."""

    def left_out(number: int) -> tuple[FloatArray, FloatArray, IntArray, FloatArray]:
        fold = folds[number]
        chosen = fold.cells.weight > 0
        named, pairs = fold.named[chosen], fold.cells.pairs[:, chosen]
        member = members[number]
        trees = member.trees.log_odds(_with_vectors(named, vectors, pairs))
        return member.linear.log_odds(named), trees, fold.cells.label[chosen], fold.cells.weight[chosen]

    linear, trees, label, weight = (
        np.concatenate(part) for part in zip(*_in_threads(left_out, range(len(members))), strict=True)
    )
    return tuple(_platt(linear[:, k], trees[:, k], label == INDICATION + k, weight) for k in range(num_classes - 1))


def _platt(linear: FloatArray, trees: FloatArray, outcome: BoolArray, weight: FloatArray) -> Calibration:
    """Logistic regression of the outcome on both scores, every cell counting for those it stands for.

    A head that would get a negative weight is left out; if nothing is left, both are nearly silenced.
    """
    prevalence = float(weight[outcome].sum() / weight.sum())
    for used in ((0, 1), (1,), (0,)):
        scores = np.stack([linear, trees], axis=1)[:, list(used)]
        spread = np.maximum(scores.std(axis=0), 1e-9)
        model = LogisticRegression(C=np.inf, max_iter=1000)
        model.fit(scores / spread, outcome, sample_weight=weight / weight.mean())
        found = dict(zip(used, model.coef_[0] / spread, strict=True))
        if min(found.values()) > 0:
            return Calibration(found.get(0, 0.0), found.get(1, 0.0), float(model.intercept_[0]))
    centre = MIN_SLOPE * float((linear + trees).mean())
    return Calibration(MIN_SLOPE, MIN_SLOPE, float(np.log(prevalence / (1 - prevalence))) - centre)


def _in_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Results in the order of the items; each item is worked on one thread."""
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1)) as pool:
        return list(pool.map(work, items))
