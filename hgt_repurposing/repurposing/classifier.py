"""Classifier of drug-disease pairs in one setting: an ensemble of three heads, calibrated to the grid's prevalence.

There is one member per inner fold, fitted on all other folds with its own draw of negatives. On the fold left out, its
scores behave as on new pairs: there the heads are weighted and turned into log odds at the prevalence of the grid
(`platt.py`). No test cells are used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.split_kinds import Hiding, Setting
from hgt_repurposing.repurposing.features import Features, PairFeatures
from hgt_repurposing.repurposing.heads import LinearHead, TreeHead, fit_linear_head, fit_tree_head
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION, Labels
from hgt_repurposing.repurposing.masked_pairs import EVERY_DRAW, MaskedPairs, masked_pairs
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.platt import PlattScaling, calibrate
from hgt_repurposing.repurposing.tower_training import fit_each
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.threads import on_every_core

ROWS_AT_ONCE = 10_000
"""Pairs whose features are assembled at a time on each thread: few enough for memory to be reused."""


class Member(NamedTuple):
    """Heads fitted without the same inner fold."""

    linear: LinearHead
    trees: TreeHead
    towers: TwoTowers | None
    """None without vectors or without updates."""


@dataclass(frozen=True, eq=False)
class PairClassifier:
    """A fitted ensemble."""

    setting: Setting
    feature_names: tuple[str, ...]
    members: tuple[Member, ...]
    calibrations: tuple[PlattScaling, ...]
    """One per class except "unknown": indication, and contraindication if there are enough to learn from."""

    def log_odds(self, features: PairFeatures, vectors: PairVectors, diseases: IntArray) -> FloatArray:
        """Log odds of every drug for some diseases, at the prevalence of the grid.

        Args:
            features: Of this setting, with the visible treatments.
            vectors: The same as in fitting.
            diseases: Local indices of one block. Shape [num_columns].

        Returns:
            Shape [num_calibrations, num_drugs, num_columns].

        Raises:
            ValueError: If the features are not the same as in fitting.
        """
        if (features.setting, features.names) != (self.setting, self.feature_names):
            raise ValueError(
                f"the classifier was fitted on other features ({self.setting!r} setting, {len(self.feature_names)} "
                f"features) than it is given ({features.setting!r} setting, {len(features.names)} features)"
            )
        named = features.block(diseases)
        pairs = np.stack(np.meshgrid(np.arange(features.num_drugs), diseases, indexing="ij"))
        fitted = [member.towers for member in self.members if member.towers is not None]
        towers = [np.mean([each.log_probabilities(diseases) for each in fitted], axis=0)] if fitted else []
        per_slice = max(1, ROWS_AT_ONCE // len(diseases))
        slices = [slice(start, start + per_slice) for start in range(0, features.num_drugs, per_slice)]

        def score(drugs: slice) -> FloatArray:
            part = named[drugs].reshape(-1, len(self.feature_names))
            rows = _with_vectors(part, vectors, pairs[:, drugs].reshape(2, -1))
            linear = np.mean([member.linear.log_odds(part) for member in self.members], axis=0)
            trees = np.mean([member.trees.log_odds(rows) for member in self.members], axis=0)
            heads = _side_by_side(linear, trees, [grid[drugs].ravel() for grid in towers])
            return np.stack([c.apply(heads[:, :, k]) for k, c in enumerate(self.calibrations)])

        scores = np.concatenate(on_every_core(score, slices), axis=1)
        return scores.reshape(-1, features.num_drugs, len(diseases))

    def to_parts(self, prefix: str) -> dict[str, Any]:
        """What `artifacts.py` writes, file names starting with a prefix; the inverse of `from_parts`. Any: JSON."""
        about = {
            "setting": self.setting,
            "feature_names": list(self.feature_names),
            "linear": [member.linear.to_json() for member in self.members],
            "calibrations": [calibration._asdict() for calibration in self.calibrations],
        }
        trees = {f"{prefix}_trees_{i}.json": member.trees.to_json() for i, member in enumerate(self.members)}
        towers = {
            f"{prefix}_towers_{i}.npz": member.towers.to_arrays()
            for i, member in enumerate(self.members)
            if member.towers is not None
        }
        return {f"{prefix}.json": about, **trees, **towers}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any], prefix: str) -> Self:
        """Inverse of `to_parts`."""
        about = parts[f"{prefix}.json"]
        with_towers = f"{prefix}_towers_0.npz" in parts
        members = tuple(
            Member(
                LinearHead.from_json(linear),
                TreeHead.from_json(parts[f"{prefix}_trees_{i}.json"]),
                TwoTowers(**parts[f"{prefix}_towers_{i}.npz"]) if with_towers else None,
            )
            for i, linear in enumerate(about["linear"])
        )
        calibrations = tuple(PlattScaling(tuple(c["weights"]), c["intercept"]) for c in about["calibrations"])
        return cls(about["setting"], tuple(about["feature_names"]), members, calibrations)


class Examples(NamedTuple):
    """Cells of one inner fold with their features."""

    cells: MaskedPairs
    named: Features
    """Shape [num_cells, num_named]."""


def gather_examples(
    neighbourhoods: Neighbourhoods,
    labels: Labels,
    *,
    hiding: Hiding,
    params: ClassifierParams,
    generator: np.random.Generator,
) -> list[Examples]:
    """Hide each inner fold of the training indications in turn, and compute the features of its cells.

    Args:
        neighbourhoods: Similarities and paths, without treatments.
        labels: With training indications only.
        hiding: The same as for the pairs to be scored.
        params: Number of inner folds and negatives.
        generator: Source of randomness.

    Raises:
        ValueError: If there is less to hide than inner folds, or no negatives are left.
    """
    hidden = list(
        masked_pairs(
            labels,
            hiding,
            num_folds=params.inner_folds,
            negatives_per_positive=params.negatives_per_positive,
            calibration_cells=params.calibration_cells,
            generator=generator,
        )
    )
    # Every member needs a contraindication among its training folds, so two folds must have some.
    if sum((cells.label == CONTRAINDICATION).any() for cells in hidden) < 2:
        hidden = [cells.only(cells.label != CONTRAINDICATION) for cells in hidden]
    return [
        Examples(cells, _named_features(PairFeatures(neighbourhoods, cells.visible, hiding.setting), cells.pairs))
        for cells in hidden
    ]


def fit_classifier(
    folds: Sequence[Examples],
    vectors: PairVectors,
    *,
    features: PairFeatures,
    params: ClassifierParams,
) -> PairClassifier:
    """Fit one member without each inner fold, and calibrate on the folds left out.

    Args:
        folds: Made by `gather_examples`.
        vectors: Further features of XGBoost, and the only input of the two towers.
        features: Of the examples' setting; their names are kept.
        params: Of all heads.
    """
    num_classes = 3 if any((fold.cells.label == CONTRAINDICATION).any() for fold in folds) else 2
    towers = _fit_towers(folds, vectors, params)

    def fit_member(number: int) -> Member:
        examples = [_of_draw(fold, number) for place, fold in enumerate(folds) if place != number]
        named, rows, label = (
            np.concatenate(part)
            for part in zip(*((n, _with_vectors(n, vectors, pairs), y) for n, pairs, y in examples), strict=True)
        )
        return Member(
            fit_linear_head(named, label, params, num_classes=num_classes),
            fit_tree_head(rows, label, params, num_classes=num_classes, seed=params.seed + number),
            towers[number],
        )

    members = tuple(on_every_core(fit_member, range(len(folds))))
    calibrations = _calibrate(members, folds, vectors, num_classes)
    return PairClassifier(features.setting, features.names, members, calibrations)


def _fit_towers(
    folds: Sequence[Examples], vectors: PairVectors, params: ClassifierParams
) -> Sequence[TwoTowers | None]:
    """Towers per inner fold, fitted on all other folds' treatments; None without vectors or without updates."""
    if not (params.tower_updates and vectors.width):
        return [None] * len(folds)
    visible = [fold.cells.visible for fold in folds]
    return fit_each(visible, vectors, num_updates=params.tower_updates, seed=params.seed)


def _named_features(features: PairFeatures, pairs: IntArray) -> Features:
    """Named features of individual pairs, computed block by block. Shape [num_pairs, num_named]."""
    rows = np.empty((pairs.shape[1], len(features.names)), dtype=np.float32)

    def fill(diseases: IntArray) -> None:
        place = np.flatnonzero(np.isin(pairs[1], diseases))
        rows[place] = features.block(diseases)[pairs[0, place], np.searchsorted(diseases, pairs[1, place])]

    on_every_core(fill, list(features.blocks_of(np.unique(pairs[1]))))
    return rows


def _of_draw(fold: Examples, draw: int) -> tuple[Features, IntArray, IntArray]:
    """Named features, pairs and classes of the known pairs and of one draw of negatives."""
    cells = fold.cells
    chosen = (cells.draw == EVERY_DRAW) | (cells.draw == draw)
    return fold.named[chosen], cells.pairs[:, chosen], cells.label[chosen]


def _with_vectors(named: Features, vectors: PairVectors, pairs: IntArray) -> Features:
    """Named features, then both vectors of each pair. Shape [num_pairs, num_named + width]."""
    num_named, drug_width = named.shape[1], vectors.drugs.shape[1]
    rows = np.empty((len(named), num_named + vectors.width), dtype=np.float32)
    rows[:, :num_named] = named
    rows[:, num_named : num_named + drug_width] = vectors.drugs[pairs[0]]
    rows[:, num_named + drug_width :] = vectors.diseases[pairs[1]]
    return rows


def _calibrate(
    members: Sequence[Member], folds: Sequence[Examples], vectors: PairVectors, num_classes: int
) -> tuple[PlattScaling, ...]:
    """Calibrate on the left-out folds of all members, pooled."""

    def left_out(number: int) -> tuple[FloatArray, IntArray, FloatArray]:
        fold, member = folds[number], members[number]
        chosen = fold.cells.weight > 0
        named, pairs = fold.named[chosen], fold.cells.pairs[:, chosen]
        trees = member.trees.log_odds(_with_vectors(named, vectors, pairs))
        towers = [] if member.towers is None else [member.towers.log_probability(pairs)]
        scores = _side_by_side(member.linear.log_odds(named), trees, towers)
        return scores, fold.cells.label[chosen], fold.cells.weight[chosen]

    parts = on_every_core(left_out, range(len(members)))
    scores = np.concatenate([part[0] for part in parts], axis=1)
    label, weight = (np.concatenate([part[place] for part in parts]) for place in (1, 2))
    return tuple(calibrate(scores[:, :, k], label == INDICATION + k, weight) for k in range(num_classes - 1))


def _side_by_side(linear: FloatArray, trees: FloatArray, towers: Sequence[FloatArray]) -> FloatArray:
    """Scores of all heads; the towers' score of an indication is also used for a contraindication.

    Args:
        linear: Shape [n, num_classes - 1].
        trees: Of the same shape.
        towers: Empty, or one array of shape [n].

    Returns:
        Shape [num_heads, n, num_classes - 1].
    """
    return np.stack([linear, trees, *(np.repeat(row[:, None], linear.shape[1], axis=1) for row in towers)])
