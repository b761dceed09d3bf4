"""What a score is made of: the parts sum to it, and each is what its name says."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hgt_repurposing.baselines.rules import RANDOM, RULES
from hgt_repurposing.graph.settings import SETTINGS, Treated
from hgt_repurposing.repurposing.decomposition import GROUPS, OF_BASELINE, Decomposition, decompose
from hgt_repurposing.repurposing.features import OF_FEATURE
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import fit_repurposing_model
from hgt_repurposing.repurposing.scorer import Scorer
from hgt_repurposing.repurposing.vectors import PairVectors
from hgt_repurposing_tests.repurposing.planted import (
    NUM_DISEASES,
    NUM_DRUGS,
    QUICK,
    planted_graph,
    planted_inputs,
    planted_pairs,
    planted_split,
)

FEW = planted_pairs()[:, (planted_pairs()[1] < 20) & (planted_pairs()[0] < 40)]


def random_vectors(width: int, seed: int) -> PairVectors:
    generator = np.random.default_rng(seed)
    sides = (generator.standard_normal((size, width), dtype=np.float32) for size in (NUM_DRUGS, NUM_DISEASES))
    return PairVectors(*sides)


@cache
def scorer(seed: int = 0, *, contraindications: bool = False, width: int = 3) -> Scorer:
    graph = planted_graph(FEW, contraindications=contraindications)
    vectors = random_vectors(width, seed) if width else None
    inputs: PairInputs = planted_inputs(graph, vectors=vectors)
    params = QUICK.model_copy(update={"seed": seed, "num_trees": 5, "tower_updates": 5 if width else 0})
    return Scorer.of_model(fit_repurposing_model(inputs, planted_split(graph), params), inputs)


def taken_apart(drug: int, disease: int, **how: Any) -> Decomposition:
    """Any: of a scorer."""
    return decompose(scorer(**how), drug, disease)


@pytest.mark.parametrize("how", [{}, {"seed": 1}, {"contraindications": True}, {"width": 0}], ids=str)
@given(st.integers(0, NUM_DRUGS - 1), st.integers(0, NUM_DISEASES - 1))
@example(0, 0)
@example(NUM_DRUGS - 1, NUM_DISEASES - 1)
def test_the_parts_sum_to_the_score(how: dict[str, Any], drug: int, disease: int) -> None:
    found = taken_apart(drug, disease, **how)
    score = scorer(**how).indications(np.array([disease]))[drug, 0]
    assert found.log_odds == pytest.approx(score, abs=1e-4)
    assert found.base + found.parts["log_odds"].sum() == pytest.approx(score, abs=1e-4)
    assert found.by_group.sum() == pytest.approx(found.parts["log_odds"].sum(), abs=1e-9)


def test_every_setting_can_be_taken_apart() -> None:
    treated = Treated.of(scorer().features["warm pair"].visible)
    seen = set()
    for drug, disease in np.ndindex(NUM_DRUGS, NUM_DISEASES):
        setting = SETTINGS[int(treated.settings_of(np.array([[drug], [disease]]))[0])]
        if setting not in seen:
            seen.add(setting)
            assert np.isfinite(taken_apart(drug, disease).parts["log_odds"]).all()
    assert seen == set(SETTINGS)


def test_what_a_pair_has_more_of_than_usual_counts_for_it() -> None:
    """Where drugs treat their own module, the neighbours' treatments make the difference, not chance vectors."""
    of_module = [taken_apart(drug, 0).by_group for drug in range(0, 40, 5)]
    of_others = [taken_apart(drug, 0).by_group for drug in range(2, 40, 5)]
    mine, other = (np.mean([found.to_numpy() for found in side], axis=0) for side in (of_module, of_others))
    difference = dict(zip(GROUPS, mine - other, strict=True))
    assert difference["similar diseases"] + difference["similar drugs"] + difference["both"] > 0.5
    assert abs(difference["vectors"]) < 0.5


def test_known_names_are_grouped() -> None:
    assert set(OF_BASELINE) == {rule.name for rule in RULES if rule != RANDOM}
    for features in scorer().features.values():
        for name in features.names:
            assert len([begin for begin in OF_FEATURE if name.startswith(begin)]) == 1, name
    assert set(taken_apart(0, 0).parts["group"]) <= set(GROUPS)


def test_a_feature_and_its_second_version_are_one_part() -> None:
    parts = taken_apart(0, 0).parts["part"]
    assert parts.is_unique
    assert not parts.str.contains("against other drugs").any()


def test_parts_are_ordered_by_their_weight() -> None:
    assert taken_apart(3, 4).parts["log_odds"].abs().is_monotonic_decreasing


def test_taking_apart_changes_no_score() -> None:
    before = scorer().indications(np.arange(NUM_DISEASES))
    taken_apart(5, 5)
    np.testing.assert_array_equal(scorer().indications(np.arange(NUM_DISEASES)), before)
