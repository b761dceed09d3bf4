"""Results of the protocol `deployment` as measured from made-up scores."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from scipy.special import expit, logit

from hgt_repurposing.baselines.rules import RANDOM
from hgt_repurposing.benchmark import grid
from hgt_repurposing.benchmark.assumptions import AS_ASSUMED, ASSUMPTION, WHOLE_GRID, DeploymentTables
from hgt_repurposing.benchmark.deployment import add_rows, deployment_folds
from hgt_repurposing.benchmark.grid import GridFold
from hgt_repurposing.benchmark.protocol import FOLD, MODEL
from hgt_repurposing.benchmark.whole_grid import WholeGrid
from hgt_repurposing.graph.external_pairs import no_pairs
from hgt_repurposing.graph.missing import MissingShares
from hgt_repurposing.graph.schema import FloatArray, IntArray
from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.metrics.calibration import ObservedOverExpected
from hgt_repurposing_tests.repurposing.planted import NUM_DISEASES, NUM_DRUGS, planted_pairs

# Diseases 20 to 29 have no treatment, and drugs 40 to 59 no use.
FEW = planted_pairs()[:, (planted_pairs()[1] < 20) & (planted_pairs()[0] < 40)]
SHAPE = (NUM_DRUGS, NUM_DISEASES)
MISSING = MissingShares(pairs=0.2, diseases=0.2, drugs=0.2)
SIGNAL = {MODEL: 2.0, RANDOM.name: 0.0, "drug degree": 0.5, "drug kNN": 1.0}
"""Standard deviations by which a scorer tells hidden treatments from other pairs."""


def first_fold(pairs: IntArray = FEW) -> GridFold:
    """The first mask of the model's assumption."""
    return next(deployment_folds(pairs, SHAPE, MISSING, known_otherwise=no_pairs(), num_folds=1, seed=0))


def sampled_fold() -> GridFold:
    """Likewise, of all planted pairs, where some of the diseases are scored."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grid, "MAX_SCORED_CELLS", 20 * NUM_DRUGS)
        return first_fold(planted_pairs())


def tied_scores(fold: GridFold) -> FloatArray:
    """Log odds about -3, one more for hidden treatments, with ties. Shape [num_drugs, num_columns]."""
    noise = np.random.default_rng(0).normal(size=fold.candidate.shape)
    return np.round(noise + fold.positive - 3, 1)


def scores_of(fold: GridFold, signal: float, seed: int) -> FloatArray:
    """Log odds about -4, more by the signal for hidden treatments. Shape [num_drugs, num_columns]."""
    noise = np.random.default_rng([int(fold.key[FOLD]), seed]).normal(size=(NUM_DRUGS, len(fold.columns)))
    return noise + signal * fold.positive - 4


def honest_scores(fold: GridFold) -> FloatArray:
    """Log odds that are right: of a sum of noise and signal, given how many are hidden in each setting.

    Shape [num_drugs, num_columns].
    """
    signal, scores = SIGNAL[MODEL], np.zeros(fold.candidate.shape)
    seen = scores_of(fold, signal, seed=0)[fold.candidate] + 4
    hidden = fold.positive[fold.candidate]
    prior = np.array([hidden[fold.setting == number].mean() for number in range(len(SETTINGS))])
    # Bayes: of two normal densities with unit variance, a signal apart.
    scores[fold.candidate] = logit(prior)[fold.setting] + signal * seen - signal**2 / 2
    return scores


def promising(factor: float) -> WholeGrid:
    """Results of honest probabilities times a factor, as assumed."""
    tables = DeploymentTables([], [], [])
    for fold in deployment_folds(FEW, SHAPE, MISSING, known_otherwise=no_pairs(), num_folds=20, seed=0):
        if fold.key[ASSUMPTION] == AS_ASSUMED:
            probability = np.clip(factor * expit(honest_scores(fold)), 1e-9, 1 - 1e-9)
            add_rows(fold, {MODEL: logit(probability), RANDOM.name: scores_of(fold, 0, seed=1)}, tables)
    return WholeGrid.of_tables(tables, assumed=MISSING.in_words(), left_out={}, seed=0)


def whole_grid(
    signal: Mapping[str, float] = SIGNAL,
    *,
    num_folds: int = 3,
    pairs: IntArray = FEW,
    folds: Sequence[GridFold] | None = None,
) -> WholeGrid:
    """Results of these scorers, by all three assumptions."""
    tables = DeploymentTables([], [], [])
    for fold in folds or deployment_folds(
        pairs, SHAPE, MISSING, known_otherwise=no_pairs(), num_folds=num_folds, seed=0
    ):
        scores = {scorer: scores_of(fold, signal[scorer], number) for number, scorer in enumerate(signal)}
        add_rows(fold, scores, tables)
    return WholeGrid.of_tables(tables, assumed=MISSING.in_words(), left_out={"paths": "no genes"}, seed=0)


def calibration(of: WholeGrid, setting: str = WHOLE_GRID) -> ObservedOverExpected:
    """Of a setting that has a pair."""
    found = of.calibration(setting)
    assert found is not None
    return found
