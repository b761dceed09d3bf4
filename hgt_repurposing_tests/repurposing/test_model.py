from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from hgt_repurposing.graph.split_kinds import SETTINGS
from hgt_repurposing.repurposing.inputs import PairInputs
from hgt_repurposing.repurposing.model import RepurposingModel, fit_repurposing_model
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


def test_there_is_a_classifier_for_every_setting() -> None:
    assert tuple(fitted().classifiers) == SETTINGS
    assert [classifier.setting for classifier in fitted().classifiers.values()] == list(SETTINGS)


def test_every_classifier_is_reported() -> None:
    names: list[str] = []
    fit_repurposing_model(INPUTS, SPLIT, QUICK, on_fit=names.append)
    assert names == ["warm pair setting", "cold disease setting", "cold drug setting"]


def test_the_model_remembers_its_split_its_vectors_and_its_parameters() -> None:
    found = fitted()
    assert (found.split_digest, found.vectors_digest) == (SPLIT.digest, INPUTS.vectors.digest)
    assert found.params == QUICK


def test_one_seed_gives_one_model() -> None:
    assert fit_repurposing_model(INPUTS, SPLIT, QUICK).to_parts() == fitted().to_parts()


def test_another_seed_gives_another_model() -> None:
    assert fitted(1).to_parts() != fitted(2).to_parts()


def test_parts_round_trip() -> None:
    assert RepurposingModel.from_parts(fitted().to_parts()).to_parts() == fitted().to_parts()


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
