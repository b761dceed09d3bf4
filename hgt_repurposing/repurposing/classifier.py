"""Classifier of the pairs of one setting: heads fitted on masked pairs, blended with the baselines.

There is one member per inner fold of masks, fitted without them. It scores cells of these masks that it has not learned
from (`blended_pairs.py`), as new pairs: there all scores, those of the baselines included, are blended into log odds
(`blend.py`). What each
head and each baseline counts for is thus found on the graph, for each setting. Finally the log odds are shifted so that
probabilities over all pairs to be scored sum to the number of treatments that are assumed to be missing among them: the
masks cannot tell it, because pairs that stand for "no treatment" in them may be missing treatments themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from hgt_repurposing.graph.schema import BoolArray, Features, FloatArray, IntArray
from hgt_repurposing.graph.settings import Setting
from hgt_repurposing.repurposing.blend import Blend, ScorePart, fit_blend, mean_log_odds, sum_to
from hgt_repurposing.repurposing.blended_pairs import may_learn_from, pair_numbers, weight_in_blend
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.heads import LinearHead, TreeHead, fit_linear_head, fit_tree_head
from hgt_repurposing.repurposing.labels import CONTRAINDICATION, INDICATION
from hgt_repurposing.repurposing.masked_cells import MaskedCells
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.threads import on_every_core

MIN_POSITIVES = 10
"""Fewer hidden treatments in a setting teach nothing: its pairs are then ranked by a blend of the baselines."""
ROWS_AT_ONCE = 10_000
"""Pairs that are scored at a time on each thread: few enough for memory to be reused."""
HEADS = ("linear", "linear, weak penalty", "trees", "baselines, stacked")
"""Heads of a member, in the order of a blend's weights; two towers, if any, and the baselines follow."""
TOWERS = "two towers"
MAX_MISSING_SHARE = 0.99
"""Largest share of the pairs of a setting that is assumed to be missing treatments; probabilities cannot sum to all."""
WEAKER = 10.0
"""Factor between the penalties of the two linear heads; the blend finds which of them to trust."""
STACKED_PENALTY = 1.0
"""L2 penalty of the head on the baselines: a dozen columns need little."""


class Rows(NamedTuple):
    """What is known of some pairs of one setting."""

    named: Features
    """Shape [num_pairs, num_named]."""
    baselines: Features
    """Scores of the baselines. Shape [num_pairs, num_baselines]."""
    pairs: IntArray
    """Drug and disease. Shape [2, num_pairs]."""
    vectors: PairVectors
    """Of all drugs and diseases."""
    towers: FloatArray | None
    """Log probability by two towers, for each inner fold by those of its masks; None without. Shape [num_pairs,
    num_folds]."""

    def only(self, chosen: BoolArray | IntArray) -> Self:
        """Only these pairs."""
        towers = None if self.towers is None else self.towers[chosen]
        return type(self)(self.named[chosen], self.baselines[chosen], self.pairs[:, chosen], self.vectors, towers)

    def named_and_vectors(self) -> Features:
        """Named features, then both vectors of each pair. Shape [num_pairs, num_named + width]."""
        width, num_named = self.vectors.drugs.shape[1], self.named.shape[1]
        rows = np.empty((len(self.named), num_named + self.vectors.width), dtype=np.float32)
        rows[:, :num_named] = self.named
        rows[:, num_named : num_named + width] = self.vectors.drugs[self.pairs[0]]
        rows[:, num_named + width :] = self.vectors.diseases[self.pairs[1]]
        return rows


class Member(NamedTuple):
    """Heads fitted without the same inner fold."""

    linear: LinearHead
    """On features that use more than the treatments themselves: on some graphs, who shares treatments misleads."""
    weakly_penalised: LinearHead
    """On all named features."""
    trees: TreeHead
    stacked: LinearHead
    """On the scores of the baselines."""

    def log_odds(self, rows: Rows) -> FloatArray:
        """Shape [num_rows, num_heads, num_classes - 1]."""
        return np.stack(
            [
                self.linear.log_odds(rows.named),
                self.weakly_penalised.log_odds(rows.named),
                self.trees.log_odds(rows.named_and_vectors()),
                self.stacked.log_odds(rows.baselines),
            ],
            axis=1,
        )


class PairScores(NamedTuple):
    """What a classifier says of some pairs."""

    log_odds: FloatArray
    """Shape [num_classes - 1, num_pairs]."""
    spread: FloatArray
    """Standard deviation of the log odds of an indication over the members. Shape [num_pairs]."""


@dataclass(frozen=True, eq=False)
class PairClassifier:
    """A fitted ensemble."""

    setting: Setting
    feature_names: tuple[str, ...]
    baseline_names: tuple[str, ...]
    baseline_scales: Features
    """Divisor of each baseline's scores before arcsinh, which keeps a few large ones from dominating."""
    members: tuple[Member, ...]
    """None if there was too little to learn from."""
    blends: tuple[Blend, ...]
    """One per class except "unknown": indication, and contraindication if there are enough to learn from."""
    with_towers: bool
    shift: float = 0.0
    """Added to the log odds of an indication."""

    @property
    def score_names(self) -> tuple[str, ...]:
        """What is blended, in the order of the weights."""
        return (*(HEADS if self.members else ()), *((TOWERS,) if self.with_towers else ()), *self.baseline_names)

    def parts_of_score(self) -> list[ScorePart]:
        """What the log odds of an indication are made of, in the order of `score_names`."""
        of_baselines = {HEADS[-1], *self.baseline_names}
        shares = self.blends[INDICATION - 1].shares
        return [
            ScorePart(self.setting, name, name not in of_baselines, share)
            for name, share in zip(self.score_names, shares, strict=True)
        ]

    def require(self, features: PairFeatures) -> None:
        """Reject features other than those of the fit.

        Raises:
            ValueError: If setting, names or baselines differ.
        """
        found = (features.setting, features.names, features.baselines.names)
        if found != (self.setting, self.feature_names, self.baseline_names):
            raise ValueError(
                f"the classifier was fitted on other features ({self.setting!r} setting, {len(self.feature_names)} "
                f"features) than it is given ({features.setting!r} setting, {len(features.names)} features)"
            )

    def scaled(self, rows: Rows) -> Rows:
        """Rows with the baselines as heads and blends read them."""
        return rows._replace(baselines=np.arcsinh(rows.baselines / self.baseline_scales))

    def log_odds(self, rows: Rows) -> FloatArray:
        """Log odds of pairs alone, as in `scores`. Shape [num_classes - 1, num_pairs]."""
        return self.scores(rows).log_odds

    def scores(self, rows: Rows) -> PairScores:
        """Score pairs, at the prevalence of the grid that they are missing from.

        Args:
            rows: Of features that `require` accepts. Shapes [num_pairs, ...].
        """
        scaled = self.scaled(rows)
        members: list[FloatArray | None] = [member.log_odds(scaled) for member in self.members]
        by_class = [
            [blend.apply(_side_by_side(heads, scaled, fold, k)) for fold, heads in enumerate(members or [None])]
            for k, blend in enumerate(self.blends)
        ]
        found = np.stack([mean_log_odds(by_member) for by_member in by_class])
        found[INDICATION - 1] += self.shift
        return PairScores(found, np.std(by_class[INDICATION - 1], axis=0))

    def expecting(self, number: float, rows: Rows, weight: FloatArray) -> Self:
        """The same classifier, shifted so that probabilities sum to a number of treatments.

        Args:
            number: Expected among all pairs of the setting.
            rows: Of a sample of these pairs.
            weight: Number of pairs that each represents. Shape [num_pairs].
        """
        log_odds = np.concatenate(
            on_every_core(
                lambda start: self.log_odds(rows.only(np.arange(start, min(start + ROWS_AT_ONCE, len(weight)))))[0],
                range(0, len(weight), ROWS_AT_ONCE),
            )
        )
        shift = sum_to(number, log_odds, weight)
        return replace(self, shift=self.shift + shift)

    def to_parts(self, prefix: str) -> dict[str, Any]:
        """What `artifacts.py` writes, under names that start with `prefix`. Any: one of its part shapes."""
        about = {
            "setting": self.setting,
            "feature_names": list(self.feature_names),
            "baseline_names": list(self.baseline_names),
            "baseline_scales": self.baseline_scales.tolist(),
            "linear": [member.linear.to_json() for member in self.members],
            "weakly_penalised": [member.weakly_penalised.to_json() for member in self.members],
            "stacked": [member.stacked.to_json() for member in self.members],
            "blends": [
                {"weights": list(b.weights), "intercept": b.intercept, "shares": list(b.shares)} for b in self.blends
            ],
            "with_towers": self.with_towers,
            "shift": self.shift,
        }
        trees = {f"{prefix}_trees_{i}.json": member.trees.to_json() for i, member in enumerate(self.members)}
        return {f"{prefix}.json": about, **trees}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any], prefix: str) -> Self:
        """Inverse of `to_parts`."""
        about = parts[f"{prefix}.json"]
        members = tuple(
            Member(linear, weak, TreeHead.from_json(parts[f"{prefix}_trees_{i}.json"]), stacked)
            for i, (linear, weak, stacked) in enumerate(
                zip(
                    *(map(LinearHead.from_json, about[name]) for name in ("linear", "weakly_penalised", "stacked")),
                    strict=True,
                )
            )
        )
        return cls(
            about["setting"],
            tuple(about["feature_names"]),
            tuple(about["baseline_names"]),
            np.array(about["baseline_scales"], dtype=np.float32),
            members,
            tuple(Blend(tuple(b["weights"]), b["intercept"], tuple(b["shares"])) for b in about["blends"]),
            about["with_towers"],
            about["shift"],
        )


def expected_number(masks: Sequence[MaskedCells], num_cells: float) -> float:
    """Treatments that are assumed to be missing among the pairs of a setting that will be scored.

    As many as are hidden in a mask, for each treatment that is visible in it; but no larger a share of the pairs than
    hidden treatments have among pairs whose drug and disease do have some, known negatives not counted, nor than
    `MAX_MISSING_SHARE`.

    Args:
        masks: Cells of the setting under every mask.
        num_cells: Number of pairs that will be scored.
    """
    hidden = np.mean([cells.weight[cells.label == INDICATION].sum() for cells in masks])
    may_be_missing = [~cells.is_untreated & (cells.label != CONTRAINDICATION) for cells in masks]
    treatable = np.mean([cells.weight[chosen].sum() for cells, chosen in zip(masks, may_be_missing, strict=True)])
    return float(min(hidden, num_cells * min(hidden / max(treatable, hidden, 1e-9), MAX_MISSING_SHARE)))


class Examples(NamedTuple):
    """Cells of one setting under one mask, with what is known of them."""

    cells: MaskedCells
    named: Features
    """Shape [num_cells, num_named]."""
    baselines: Features
    """Shape [num_cells, num_baselines]."""


def fit_classifier(
    masks: Sequence[Examples],
    vectors: PairVectors,
    *,
    features: PairFeatures,
    params: ClassifierParams,
    towers: Sequence[TwoTowers],
) -> PairClassifier:
    """Fit one member without each inner fold of masks, and blend on cells of those masks that it has not learned from.

    Args:
        masks: Examples of every mask; consecutive ones form an inner fold.
        vectors: Further features of the trees.
        features: Of the examples' setting; their names are kept.
        params: Of all heads, and the number of inner folds.
        towers: Fitted on the treatments visible in each mask; empty: none.

    Raises:
        ValueError: If there is not a single cell.
    """
    cells = MaskedCells(*(np.concatenate(part, axis=-1) for part in zip(*(m.cells for m in masks), strict=True)))
    number = np.repeat(np.arange(len(masks)), [m.cells.pairs.shape[1] for m in masks])
    fold = number * params.inner_folds // len(masks)
    scores = np.concatenate([m.baselines for m in masks])
    scales = np.maximum(scores.std(axis=0, dtype=np.float64), 1e-9).astype(np.float32)
    rows = Rows(
        np.concatenate([m.named for m in masks]),
        np.arcsinh(scores / scales),
        cells.pairs,
        vectors,
        np.concatenate([t.log_probability(m.cells.pairs) for t, m in zip(towers, masks, strict=True)])[:, None]
        if towers
        else None,
    )
    members: tuple[Member, ...] = ()
    num_classes = 2
    pair_number = pair_numbers(cells.pairs, params.inner_folds)
    weight = weight_in_blend(cells, fold=fold, pair_number=pair_number, num_folds=params.inner_folds)
    others = [
        may_learn_from(left_out, fold=fold, pair_number=pair_number, weight=weight)
        for left_out in range(params.inner_folds)
    ]
    if _learnable(cells, others, INDICATION):
        num_classes += _learnable(cells, others, CONTRAINDICATION)
        members = tuple(
            on_every_core(
                lambda left_out: _fit_member(
                    cells, rows, others[left_out], left_out, params, num_classes, features.of_graph
                ),
                range(params.inner_folds),
            )
        )
    blended = np.flatnonzero(weight)
    of_blended = rows.only(blended)
    heads = np.zeros((len(blended), len(HEADS), num_classes - 1)) if members else None
    if heads is not None:
        for left_out, member in enumerate(members):
            own = fold[blended] == left_out
            heads[own] = member.log_odds(of_blended.only(own))
    blends = tuple(
        fit_blend(
            _side_by_side(heads, of_blended, 0, k),
            cells.label[blended] == INDICATION + k,
            weight[blended],
        )
        for k in range(num_classes - 1)
    )
    return PairClassifier(
        features.setting, features.names, features.baselines.names, scales, members, blends, bool(towers)
    )


def _learnable(cells: MaskedCells, others: Sequence[BoolArray], label: int) -> bool:
    """Whether there are enough examples of a class, some of them and some others for every member."""
    if label == INDICATION and np.count_nonzero(cells.label == INDICATION) < MIN_POSITIVES:
        return False
    for of_member in others:
        of_class = cells.label[of_member & cells.is_example] == label
        if of_class.all() or not of_class.any():
            return False
    return True


def _fit_member(
    cells: MaskedCells,
    rows: Rows,
    others: BoolArray,
    left_out: int,
    params: ClassifierParams,
    num_classes: int,
    of_graph: BoolArray,
) -> Member:
    """Heads fitted on the examples of all inner folds but one: those among the others."""
    examples = np.flatnonzero(others & cells.is_example)
    untreated = np.flatnonzero(others & cells.is_untreated & ~cells.is_example)
    if len(untreated) > len(examples):
        untreated = np.random.default_rng([params.seed, left_out]).choice(untreated, len(examples), replace=False)
    for_linear = np.concatenate([examples, untreated])
    label = cells.label[for_linear]
    return Member(
        fit_linear_head(rows.named[for_linear] * of_graph, label, params.l2_logistic, num_classes=num_classes),
        fit_linear_head(rows.named[for_linear], label, params.l2_logistic / WEAKER, num_classes=num_classes),
        fit_tree_head(
            rows.only(examples).named_and_vectors(),
            cells.label[examples],
            params,
            num_classes=num_classes,
            seed=params.seed + left_out,
        ),
        fit_linear_head(rows.baselines[for_linear], label, STACKED_PENALTY, num_classes=num_classes),
    )


def _side_by_side(heads: FloatArray | None, rows: Rows, fold: int, k: int) -> FloatArray:
    """Scores to blend for one class; towers and baselines, which know treatments only, serve every class.

    Shape [num_rows, num_scores].
    """
    parts = [] if heads is None else [heads[:, :, k]]
    parts += [] if rows.towers is None else [rows.towers[:, fold, None]]
    return np.concatenate([*parts, rows.baselines], axis=1, dtype=np.float64)
