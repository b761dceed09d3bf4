"""Learning from visible treatments: the classifiers of all settings, from one set of masks.

The masks hide treatments as they are assumed to be missing (`graph/missing.py`). Every setting takes its examples from
the same masks, and its cells count as often as they occur in them: that puts the settings on one scale. The final model
and every fold of the evaluation are learned here, by the same code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hgt_repurposing.graph.missing import draw_masks
from hgt_repurposing.graph.schema import Features, FloatArray, IntArray
from hgt_repurposing.graph.settings import IN_WORDS, SETTINGS, Setting, Treated
from hgt_repurposing.graph.split_kinds import Unit
from hgt_repurposing.repurposing.classifier import Examples, PairClassifier, Rows, expected_number, fit_classifier
from hgt_repurposing.repurposing.features import PairFeatures
from hgt_repurposing.repurposing.labels import Labels
from hgt_repurposing.repurposing.masked_cells import Mask, masked_cells, masks_of
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing.repurposing.params import ClassifierParams
from hgt_repurposing.repurposing.tower_training import fit_each
from hgt_repurposing.repurposing.two_towers import TwoTowers
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing.threads import on_every_core

MAX_FEATURE_VALUES = 60_000_000
"""Feature values computed per mask and setting: on larger graphs, a sample of the diseases represents all."""


@dataclass(frozen=True, eq=False)
class Classifiers:
    """One classifier per setting, and what they share."""

    of_setting: Mapping[Setting, PairClassifier]
    """Without settings that have no cell in any mask, and thus none in the graph: untreated ends stay untreated."""
    towers: tuple[TwoTowers, ...]
    """One per mask; empty without vectors, without updates, or if all treatments are hidden in some mask."""
    num_folds: int
    """Inner folds, each of as many consecutive masks."""

    def log_probabilities(self, diseases: IntArray) -> FloatArray:
        """Log probability by the towers of each inner fold, of every drug for some diseases.

        Returns:
            Mean over the masks of a fold. Shape [num_drugs, num_columns, num_folds].
        """
        of_masks = [towers.log_probabilities(diseases) for towers in self.towers]
        per_fold = len(of_masks) // self.num_folds
        return np.stack(
            [np.mean(of_masks[start : start + per_fold], axis=0) for start in range(0, len(of_masks), per_fold)], axis=2
        )


@dataclass(frozen=True, eq=False)
class LearningCase:
    """Examples of all settings; independent of the vectors."""

    labels: Labels
    """With the visible indications only."""
    features: Mapping[Setting, PairFeatures]
    """Of the settings to learn, with the visible indications."""
    examples: Mapping[Setting, Sequence[Examples]]
    """By setting, one per mask."""
    to_score: Mapping[Setting, Examples]
    """By setting, a sample of the pairs that will be scored, with all indications visible."""
    visible: Sequence[IntArray]
    """Treatments that are visible in each mask. Shape [2, num_visible] each."""


def gather_examples(
    neighbourhoods: Neighbourhoods,
    labels: Labels,
    *,
    params: ClassifierParams,
    seed: Sequence[int],
    settings: Sequence[Setting] = SETTINGS,
    groups: Mapping[Unit, IntArray] | None = None,
) -> LearningCase:
    """Hide treatments as they are assumed to be missing, and compute the features of the cells of every setting.

    Args:
        neighbourhoods: Similarities and paths, without treatments.
        labels: With the visible indications only.
        params: The assumption, and numbers of masks and cells.
        seed: Of masks and negatives.
        settings: To learn; those of the cells that will be scored.
        groups: Diseases (drugs) that are hidden together, as in `draw_masks`.

    Raises:
        ValueError: If pairs of a setting will be scored, and none of it occurs in any mask.
    """
    pairs = np.stack(labels.indications.nonzero()).astype(np.int64)
    hidden = draw_masks(
        pairs,
        params.missing,
        num_masks=params.num_masks,
        generator=np.random.default_rng([*seed, 0]),
        groups=groups,
    )
    examples: dict[Setting, list[Examples]] = {setting: [] for setting in settings}
    masks = masks_of(labels, hidden, np.random.default_rng([*seed, 1]))
    many = params.model_copy(update={"calibration_cells": params.calibration_cells * len(masks)})
    for number, mask in enumerate([*masks, Mask.of_nothing(labels)]):
        features = PairFeatures.of_every_setting(neighbourhoods, mask.visible)
        for setting, gathered in examples.items():
            # A setting's cells do not depend on which other settings are learned.
            generator = np.random.default_rng([*seed, 2, number, SETTINGS.index(setting)])
            gathered.append(
                _examples(labels, mask, features[setting], params if number < len(masks) else many, generator)
            )
    _require_cells(Treated.of(labels.indications), examples)
    return LearningCase(
        labels,
        {setting: features[setting] for setting in settings},
        {setting: gathered[:-1] for setting, gathered in examples.items()},
        {setting: gathered[-1] for setting, gathered in examples.items()},
        [pairs[:, ~chosen] for chosen in hidden],
    )


def _require_cells(treated: Treated, examples: Mapping[Setting, Sequence[Examples]]) -> None:
    """Only the known pairs of a setting may be there to be scored, such as those of a drug that has all treatments."""
    for setting, of_masks in examples.items():
        drugs, diseases = treated.ends_in(setting)
        if len(drugs) and len(diseases) and not any(mask.cells.pairs.shape[1] for mask in of_masks):
            raise ValueError(
                f"no pair of the {setting} setting ({IN_WORDS[setting]}) is left to learn from: all {len(drugs)} x "
                f"{len(diseases)} have a known relation, whatever is hidden; use a graph with more treatments"
            )


def _examples(
    labels: Labels, mask: Mask, features: PairFeatures, params: ClassifierParams, generator: np.random.Generator
) -> Examples:
    """Cells of one setting under one mask, with what is known of them."""
    width = features.num_drugs * (len(features.names) + len(features.baselines.names))
    cells = masked_cells(
        labels,
        mask,
        features.setting,
        params=params,
        max_columns=max(2, MAX_FEATURE_VALUES // width),
        generator=generator,
    )
    return Examples(cells, *_values_of(features, cells.pairs))


def fit_classifiers(
    case: LearningCase,
    vectors: PairVectors,
    params: ClassifierParams,
    *,
    on_fit: Callable[[str], None] = lambda _: None,
) -> Classifiers:
    """Fit the towers of every mask and the classifier of every setting.

    Args:
        case: Made by `gather_examples`.
        vectors: Further features of the trees, and the only input of the two towers.
        params: Of all heads.
        on_fit: Called with the name of each fitted classifier.
    """
    towers: list[TwoTowers] = []
    if params.tower_updates and vectors.width and all(pairs.shape[1] for pairs in case.visible):
        visible = [case.labels.with_indications(pairs).indications for pairs in case.visible]
        towers = fit_each(visible, vectors, num_updates=params.tower_updates, seed=params.seed)
    fitted = {}
    for setting, examples in case.examples.items():
        if not any(of_mask.cells.pairs.shape[1] for of_mask in examples):
            continue
        features = case.features[setting]
        classifier = fit_classifier(examples, vectors, features=features, params=params, towers=towers)
        fitted[setting] = _expecting_what_is_missing(classifier, case, vectors, towers, params.inner_folds)
        on_fit(f"{setting} setting")
    return Classifiers(fitted, tuple(towers), params.inner_folds)


def _expecting_what_is_missing(
    classifier: PairClassifier,
    case: LearningCase,
    vectors: PairVectors,
    towers: Sequence[TwoTowers],
    num_folds: int,
) -> PairClassifier:
    """Shifted to the number of treatments assumed to be missing among the pairs to be scored, if there are any."""
    asked = case.to_score[classifier.setting]
    weight = asked.cells.weight
    number = expected_number([mask.cells for mask in case.examples[classifier.setting]], float(weight.sum()))
    if not number:
        return classifier
    pairs, of_folds = asked.cells.pairs, None
    if towers:
        of_masks = np.stack([each.log_probability(pairs) for each in towers])
        of_folds = of_masks.reshape(num_folds, -1, pairs.shape[1]).mean(axis=1).T
    return classifier.expecting(number, Rows(asked.named, asked.baselines, pairs, vectors, of_folds), weight)


def _values_of(features: PairFeatures, pairs: IntArray) -> tuple[Features, Features]:
    """Named features and baselines of individual pairs. Shape [num_pairs, num_named], [num_pairs, num_baselines]."""
    named = np.empty((pairs.shape[1], len(features.names)), dtype=np.float32)
    baselines = np.empty((pairs.shape[1], len(features.baselines.names)), dtype=np.float32)

    def fill(diseases: IntArray) -> None:
        place = np.flatnonzero(np.isin(pairs[1], diseases))
        at = pairs[0, place], np.searchsorted(diseases, pairs[1, place])
        named[place] = features.block(diseases)[at]
        baselines[place] = features.baselines.block(diseases)[at]

    on_every_core(fill, list(features.blocks_of(np.unique(pairs[1]))))
    return named, baselines
