"""No masked treatment reaches a baseline's column, and a column that sees one is caught.

Treatments that a mask hides are dealt anew, and what it shows stays: whatever a column says of a cell must then be the
same to the bit. It is the trap of every score that is computed from treatments: one that sees the label of its own cell
ranks perfectly in training, and not at all afterwards.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_array

from hgt_repurposing.graph.schema import Features, IntArray
from hgt_repurposing.graph.settings import SETTINGS, Setting
from hgt_repurposing.repurposing import features as features_module
from hgt_repurposing.repurposing import learning
from hgt_repurposing.repurposing.baseline_scores import BaselineScores, fit_baseline_scores
from hgt_repurposing.repurposing.labels import INDICATION
from hgt_repurposing.repurposing.learning import gather_examples
from hgt_repurposing.repurposing.neighbourhoods import Neighbourhoods
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_inputs,
    planted_pairs,
    table_of,
)

INPUTS, PAIRS = planted_inputs(), planted_pairs()
EVERY_CELL = QUICK.model_copy(update={"calibration_cells": NUM_DRUGS * NUM_DISEASES})
HIDDEN = (np.random.default_rng(0).random(PAIRS.shape[1]) < 0.2) | (PAIRS[0] < 10) | (PAIRS[1] < 6)
SHOWN = table_of(PAIRS[:, ~HIDDEN])
Fit = Callable[[Neighbourhoods, csr_array], BaselineScores]


def dealt_anew() -> IntArray:
    """The same visible treatments, and others of the same hidden ends. Shape [2, about num_pairs]."""
    others = np.stack([np.roll(PAIRS[0, HIDDEN], 7), PAIRS[1, HIDDEN]])
    return np.unique(np.concatenate([PAIRS[:, ~HIDDEN], others], axis=1), axis=1)


def columns_of(pairs: IntArray, setting: Setting, patch: pytest.MonkeyPatch) -> dict[tuple[int, int], Features]:
    """What the baselines say of every cell under the mask, by drug and disease; treatments hidden by it come first."""
    mask = SHOWN[tuple(pairs)] == 0
    patch.setattr(learning, "draw_masks", lambda *_, **__: [mask])
    labels = INPUTS.labels.with_indications(pairs)
    case = gather_examples(INPUTS.neighbourhoods, labels, params=EVERY_CELL, seed=(0,), settings=(setting,))
    (examples,) = case.examples[setting]
    hidden = table_of(pairs[:, mask])[tuple(examples.cells.pairs)] > 0
    np.testing.assert_array_equal(hidden, examples.cells.label == INDICATION)
    found = zip(map(tuple, examples.cells.pairs.T.tolist()), examples.baselines, strict=True)
    return {(drug, disease): said for (drug, disease), said in found}


def num_changed(setting: Setting, patch: pytest.MonkeyPatch, fit: Callable[[IntArray], Fit] | None = None) -> int:
    """Cells of which a baseline says something else once hidden treatments are dealt anew."""
    said = []
    for pairs in (PAIRS, dealt_anew()):
        if fit is not None:
            patch.setattr(features_module, "fit_baseline_scores", fit(pairs))
        said.append(columns_of(pairs, setting, patch))
    ours, theirs = said
    assert ours.keys() == theirs.keys()
    return sum(not np.array_equal(values, theirs[pair]) for pair, values in ours.items())


def leaky(pairs: IntArray) -> Fit:
    """Baselines that are fitted on all treatments, the hidden ones included."""
    return lambda near, _: fit_baseline_scores(near, csr_array(table_of(pairs).astype(np.float32)))


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_masked_treatment_reaches_a_baseline(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    assert num_changed(setting, monkeypatch) == 0


@pytest.mark.parametrize("setting", SETTINGS)
def test_baselines_that_see_masked_treatments_are_caught(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    assert num_changed(setting, monkeypatch, leaky) > 0


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_baseline_that_sees_one_masked_treatment_is_caught(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaks_one(pairs: IntArray) -> Fit:
        first = pairs[:, SHOWN[tuple(pairs)] == 0][:, :1]
        seen = csr_array(np.maximum(SHOWN, table_of(first)).astype(np.float32))
        return lambda near, _: fit_baseline_scores(near, seen)

    assert num_changed(setting, monkeypatch, leaks_one) > 0
