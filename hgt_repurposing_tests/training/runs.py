"""Short trainings, and what they are compared by."""

from collections.abc import Mapping

import pandas as pd
import torch

from hgt_repurposing.training.loop import MEASURED, EpochResult, TrainingResult
from hgt_repurposing.training.params import EmbeddingParams

SMALL = EmbeddingParams(
    node_inputs="table",
    embedding_dim=24,
    hidden_dim=16,
    num_heads=2,
    num_epochs=3,
    edge_sample_size=200,
    accumulation_steps=2,
    learning_rate=0.01,
    learning_rate_schedule="constant",
    gradient_clip=None,
    num_negatives=1,
    negatives="uniform",
    loss="bce",
    device="cpu",
)
"""The first system's loss and inputs, small: what a test is about is changed from here."""
STRATEGIES: dict[str, dict[str, object]] = {
    "edge": {},
    "neighbor": {"sampler": "neighbor", "node_batch_size": 50, "num_neighbors": [3, 3]},
    "full graph": {"use_batched_mps": False},
}


def small(changes: Mapping[str, object] | None = None, **more: object) -> EmbeddingParams:
    """A small run with some parameters changed."""
    return EmbeddingParams.model_validate(SMALL.model_dump() | dict(changes or {}) | more)


def weights(result: TrainingResult) -> dict[str, torch.Tensor]:
    """All weights by name."""
    return dict(result.model.network.state_dict())


def same_weights(first: TrainingResult, second: TrainingResult) -> bool:
    """Whether two runs ended with the same bits."""
    ours, theirs = weights(first), weights(second)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def assert_same_run(first: TrainingResult, second: TrainingResult) -> None:
    """Bit for bit, but for time and memory."""
    assert same_weights(first, second)
    ours, theirs = (pd.DataFrame(result.history).drop(columns=list(MEASURED)) for result in (first, second))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


class Interrupted(Exception):  # noqa: N818  (not an error of the code)
    """Stands for whatever ends a run from outside."""


class StopAfter:
    """Ends a run after an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def __call__(self, result: EpochResult) -> None:
        if result.epoch == self.epoch:
            raise Interrupted
