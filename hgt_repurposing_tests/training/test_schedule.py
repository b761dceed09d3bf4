"""The learning rate, epoch by epoch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.schedule import learning_rate_at


def cycle(num_epochs: int) -> list[float]:
    params = EmbeddingParams(num_epochs=num_epochs, learning_rate=0.01, learning_rate_schedule="one_cycle")
    return [learning_rate_at(epoch, params) for epoch in range(1, num_epochs + 1)]


@given(st.integers(4, 300))
def test_one_cycle_is_that_of_torch(num_epochs: int) -> None:
    optimizer = torch.optim.AdamW([torch.zeros(1)])
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=num_epochs)
    expected = []
    for _ in range(num_epochs):
        expected.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step() if len(expected) < num_epochs else None
    assert cycle(num_epochs) == pytest.approx(expected, rel=1e-9)


@given(st.integers(1, 300))
def test_a_rate_is_positive_and_never_above_the_largest(num_epochs: int) -> None:
    assert all(0 < rate <= 0.01 for rate in cycle(num_epochs))


@given(st.integers(1, 100))
def test_constant_is_constant(epoch: int) -> None:
    assert learning_rate_at(epoch, EmbeddingParams(learning_rate=0.5, learning_rate_schedule="constant")) == 0.5
