import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
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

INPUTS = planted_inputs()
SPLIT = planted_split(planted_graph())


@cache
def fitted(seed: int = 42) -> RepurposingModel:
    return fit_repurposing_model(INPUTS, SPLIT, QUICK.model_copy(update={"seed": seed}))


@cache
def fitted_anew() -> tuple[RepurposingModel, list[str]]:
    """A second time with the same seed, and what was reported meanwhile."""
    names: list[str] = []
    return fit_repurposing_model(INPUTS, SPLIT, QUICK, on_fit=names.append), names


def test_there_is_a_classifier_for_every_setting() -> None:
    of_setting = fitted().classifiers.of_setting
    assert tuple(of_setting) == SETTINGS == tuple(classifier.setting for classifier in of_setting.values())


def test_every_classifier_is_reported() -> None:
    assert fitted_anew()[1] == [f"{setting} setting" for setting in SETTINGS]


def test_the_model_remembers_its_split_its_vectors_and_its_parameters() -> None:
    found = fitted()
    assert (found.split_digest, found.vectors_digest) == (SPLIT.digest, INPUTS.vectors.digest)
    assert found.params == QUICK


def test_one_seed_gives_one_model() -> None:
    assert fitted_anew()[0].to_parts() == fitted().to_parts()


def test_another_seed_gives_another_model() -> None:
    assert fitted(1).to_parts() != fitted().to_parts()


def written(model: RepurposingModel) -> RepurposingModel:
    """As it comes back from files."""
    parts = model.to_parts()
    return RepurposingModel.from_parts(
        {name: part if name.endswith(".npz") else json.loads(json.dumps(part)) for name, part in parts.items()}
    )


def test_parts_round_trip() -> None:
    assert written(fitted()).to_parts() == fitted().to_parts()


def test_a_model_with_towers_from_its_parts_scores_the_same_to_the_bit() -> None:
    generator = np.random.default_rng(0)
    sides = [generator.standard_normal((size, 3)).astype(np.float32) for size in (NUM_DRUGS, NUM_DISEASES)]
    inputs = planted_inputs(planted_graph(contraindications=True), vectors=PairVectors(*sides))
    params = QUICK.model_copy(update={"num_trees": 5, "tower_updates": 5})
    model = fit_repurposing_model(inputs, SPLIT, params)
    back = written(model)
    assert len(back.classifiers.towers) == len(model.classifiers.towers) > 0
    ours, theirs = (Scorer.of_model(each, inputs).grid(np.arange(NUM_DISEASES)) for each in (model, back))
    np.testing.assert_array_equal(ours, theirs)
    assert np.isfinite(ours).all()


def test_a_model_without_a_setting_comes_back_without_it() -> None:
    # Nothing is treated, so that all pairs are cold.
    split = replace(SPLIT, pairs=SPLIT.pairs[:, :0])
    back = written(fit_repurposing_model(INPUTS, split, QUICK))
    assert tuple(back.classifiers.of_setting) == ("cold pair",)


def test_vectors_of_another_training_are_refused() -> None:
    vectors = PairVectors(np.ones((NUM_DRUGS, 2), np.float32), np.ones((NUM_DISEASES, 2), np.float32))
    fitted().require_fitted_on(INPUTS.vectors)
    with pytest.raises(ValueError, match=r"the model was fitted on other embeddings$"):
        fitted().require_fitted_on(vectors)


def test_another_split_is_refused() -> None:
    fitted().require_split(SPLIT)
    with pytest.raises(ValueError, match=r"the model was fitted on another split$"):
        fitted().require_split(planted_split(planted_graph(), ("pair",)))


def test_vectors_of_another_size_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"vectors of \(59, 30\) drugs and diseases do not match a graph with \(60, 30\)"
    ):
        PairInputs(INPUTS.neighbourhoods, PairVectors.none(59, 30), INPUTS.labels)


def test_what_the_split_leaves_out_is_not_learned() -> None:
    # The model learns from the pairs of its split, whatever the graph says beside them.
    few = planted_pairs()[:, ::2]
    inputs = replace(INPUTS, labels=INPUTS.labels.with_indications(few))
    found = fit_repurposing_model(inputs, SPLIT, QUICK)
    assert found.to_parts() == fitted().to_parts()
