"""The strongest baseline of the whole grid: a logistic regression over the other baselines for each setting.

Its examples are cells of the grid while treatments are hidden as they are assumed to be missing, each weighted by the
number of cells that it represents. The log odds of all settings are therefore on one scale.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from sklearn.pipeline import Pipeline

from hgt_repurposing.baselines.baseline import Baseline, BaselineInputs, ColumnScores
from hgt_repurposing.baselines.stacking import NEGATIVES_PER_POSITIVE, regression, stack
from hgt_repurposing.graph.missing import MissingShares, draw_masks
from hgt_repurposing.graph.schema import BoolArray, FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Treated

NUM_MASKS = 10
MAX_DISEASES = 200
"""Diseases whose cells are used per mask: a sample, if there are more."""
MIN_NEGATIVES = 200
"""Per mask and setting."""
UNLEARNED = -100.0
"""Log odds in a setting without masked pairs to learn from."""


class WeightedCells(NamedTuple):
    """Cells of one setting under one mask."""

    setting: int
    """Index into `SETTINGS`."""
    features: FloatArray
    """Scores of the baselines. Shape [num_cells, num_baselines]."""
    positive: BoolArray
    """True for masked pairs. Shape [num_cells]."""
    weight: FloatArray
    """Number of cells that each represents. Shape [num_cells]."""


def logistic_regression_by_setting(
    inputs: BaselineInputs, baselines: Sequence[Baseline], missing: MissingShares
) -> ColumnScores:
    """Fit one logistic regression per setting.

    Args:
        inputs: With all visible treatments.
        baselines: Their scores are the features.
        missing: What is hidden in each mask.

    Returns:
        Log odds of any diseases, at the prevalence of the grid.
    """
    models = _fit(list(_cells(inputs, baselines, missing)))
    fitted, treated = [baseline.fit(inputs) for baseline in baselines], Treated.of(inputs.train)

    def log_odds(columns: IntArray) -> FloatArray:
        setting, scores = treated.grid(columns), [score(columns) for score in fitted]
        found = np.full(setting.shape, UNLEARNED)
        for column in range(len(columns)):  # as in `stacking`: all at once would copy all scores several times
            for number, model in models.items():
                here = np.flatnonzero(setting[:, column] == number)
                if len(here):
                    found[here, column] = model.decision_function(stack([score[here, column] for score in scores]))
        return found

    return log_odds


def _fit(cells: Sequence[WeightedCells]) -> Mapping[int, Pipeline]:
    """A model for every setting with both outcomes, by its index."""
    models = {}
    for number in range(len(SETTINGS)):
        parts = [part for part in cells if part.setting == number]
        positive = np.concatenate([[], *(part.positive for part in parts)]).astype(np.bool_)
        if 0 < positive.sum() < len(positive):
            features, weight = (
                np.concatenate([getattr(part, name) for part in parts]) for name in ("features", "weight")
            )
            models[number] = regression().fit(features, positive, logisticregression__sample_weight=weight)
    return models


def _cells(inputs: BaselineInputs, baselines: Sequence[Baseline], missing: MissingShares) -> Iterator[WeightedCells]:
    """Masked pairs of every mask and setting, and cells without a label drawn uniformly beside them."""
    generator, num_diseases = inputs.generator, inputs.train.shape[1]
    pairs = np.stack(inputs.train.nonzero()).astype(np.int64)
    known = inputs.train if inputs.other_labels is None else csr_array(inputs.train + inputs.other_labels)
    for hidden in draw_masks(pairs, missing, num_masks=NUM_MASKS, generator=generator):
        visible = csr_array((np.ones(np.count_nonzero(~hidden)), tuple(pairs[:, ~hidden])), shape=inputs.train.shape)
        used = np.sort(generator.permutation(num_diseases)[:MAX_DISEASES])
        scores = [baseline.fit(replace(inputs, train=visible))(used) for baseline in baselines]
        treated = Treated.of(visible)
        masked = pairs[:, hidden & np.isin(pairs[1], used)]
        for number, setting in enumerate(SETTINGS):
            drugs, diseases = treated.ends_in(setting)
            diseases = np.intersect1d(diseases, used)
            if not (len(drugs) and len(diseases)):
                continue
            positives = masked[:, treated.settings_of(masked) == number]
            size = max(NEGATIVES_PER_POSITIVE * positives.shape[1], MIN_NEGATIVES)
            drawn = np.unique(np.stack([generator.choice(end, size) for end in (drugs, diseases)]), axis=1)
            unknown = drawn[:, known[tuple(drawn)] == 0]
            if not unknown.shape[1]:  # nearly all pairs are known
                every = np.stack(np.meshgrid(drugs, diseases)).reshape(2, -1)
                unknown = every[:, np.asarray(known[tuple(every)]) == 0][:, :size]
            cells = np.concatenate([positives, unknown], axis=1)
            num_unknown = len(drugs) * len(diseases) - known[drugs][:, diseases].nnz
            each = num_unknown / max(unknown.shape[1], 1)
            yield WeightedCells(
                number,
                stack([score[cells[0], np.searchsorted(used, cells[1])] for score in scores]),
                np.arange(cells.shape[1]) < positives.shape[1],
                np.repeat([1.0, each], [positives.shape[1], unknown.shape[1]]),
            )
