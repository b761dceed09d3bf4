"""The run configuration: its defaults are published, and wrong values are refused."""

import math
import re
from pathlib import Path

import pytest

from hgt_repurposing.training.params import EmbeddingParams


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hidden_dim": 100}, "hidden_dim must be divisible by num_heads"),
        ({"num_neighbors": [10, 0]}, "all values must be positive"),
        ({"use_batched_mps": False, "device": "mps"}, "set device to auto, cpu or cuda"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"dropout": 1}, "less than 1"),
        ({"num_negatives": 0}, "greater than or equal to 1"),
        ({"contrastive_weight": -1}, "greater than or equal to 0"),
        ({"similarity_threshold": 0}, "greater than 0"),
        ({"memory_budget_gb": 0}, "greater than 0"),
        ({"checkpoint_every": -1}, "greater than or equal to 0"),
        ({"sampler": "node"}, "'edge' or 'neighbor'"),
        ({"matmul_precision": "float16"}, "'float32' or 'bfloat16'"),
        ({"encoder": "sage"}, "'hgt', 'mean' or 'none'"),
        ({"node_inputs": "learned"}, "'table', 'fastrp' or 'identical'"),
        ({"gradient_clip": 0}, "greater than 0"),
        ({"weight_decay": -1}, "greater than or equal to 0"),
        ({"edge_sample": 3}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_parameters_are_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EmbeddingParams.model_validate(wrong)


def test_the_parameters_have_the_published_defaults() -> None:
    assert EmbeddingParams().model_dump() == {
        "use_batched_mps": True,
        "sampler": "edge",
        "encoder": "hgt",
        "node_inputs": "fastrp",
        "decoder": "distmult",
        "embedding_dim": 64,
        "hidden_dim": 64,
        "num_layers": 2,
        "num_heads": 8,
        "dropout": 0.0,
        "matmul_precision": "float32",
        "num_epochs": 300,
        "learning_rate": 0.01,
        "learning_rate_schedule": "one_cycle",
        "weight_decay": 0.0,
        "gradient_clip": 1.0,
        "edge_sample_size": 1700,
        "node_batch_size": 1024,
        "accumulation_steps": 1,
        "num_neighbors": [10, 10],
        "num_negatives": 32,
        "negatives": "degree",
        "loss": "softmax",
        "relation_weighting": "sampled",
        "contrastive_weight": 0.0,
        "similarity_threshold": 0.1,
        "memory_budget_gb": None,
        "checkpoint_every": 10,
        "seed": 42,
        "device": "auto",
    }


@pytest.mark.parametrize(("changes", "expected"), [({"loss": "bce"}, 2), ({"loss": "softmax", "num_negatives": 7}, 8)])
def test_the_loss_of_a_chance_model_is_that_of_a_guess(changes: dict[str, object], expected: int) -> None:
    assert EmbeddingParams.model_validate(changes).chance_loss == pytest.approx(math.log(expected))


def test_parameters_survive_their_parts() -> None:
    params = EmbeddingParams(memory_budget_gb=2.5, num_neighbors=[3], sampler="neighbor")
    assert EmbeddingParams.from_parts(params.to_parts()) == params


@pytest.mark.parametrize(
    ("given", "sampling"),
    [
        ({}, "edge"),
        ({"sampler": "neighbor"}, "neighbor"),
        ({"use_batched_mps": False}, "full graph"),
        ({"use_batched_mps": False, "sampler": "neighbor"}, "full graph"),
    ],
)
def test_two_settings_are_one_of_three_samplers(given: dict[str, object], sampling: str) -> None:
    assert EmbeddingParams.model_validate(given).sampling == sampling


def test_nothing_but_the_parameters_asks_how_they_were_given() -> None:
    package = Path(__file__).parents[2] / "hgt_repurposing"
    asked = [
        path.name for path in package.rglob("*.py") if re.search(r"\.(use_batched_mps|sampler)\b", path.read_text())
    ]
    assert asked == ["params.py"]
