"""Checkpoints in memory: nothing is lost on the way, and an optimiser goes on as if it had never stopped."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.training_state import (
    NOT_COUNTED,
    Checkpoint,
    CheckpointStore,
    NoCheckpoints,
    adam_state,
    fingerprint_of,
    load_adam_state,
)

KINDS: list[dict[str, Any]] = [{"fused": True}, {"fused": False}, {"foreach": True}]  # Any: options of Adam


class Toy(nn.Module):
    """Two parameters that are used and one that is not."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.matrix = nn.Parameter(torch.randn(3, 4, generator=generator))
        self.scale = nn.Parameter(torch.randn((), generator=generator))
        self.unused = nn.Parameter(torch.zeros(2))


def trained(network: Toy, optimizer: torch.optim.Optimizer, steps: range) -> dict[str, torch.Tensor]:
    """Weights after some updates whose gradients depend on the number of the step alone."""
    for step in steps:
        optimizer.zero_grad(set_to_none=True)
        noise = torch.randn(3, 4, generator=torch.Generator().manual_seed(step))
        ((network.matrix * noise).tanh().sum() * network.scale).backward()
        optimizer.step()
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def a_stop(**kind: Any) -> tuple[Toy, torch.optim.Adam]:  # Any: options of Adam
    network = Toy()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1, **kind)
    trained(network, optimizer, range(4))
    return network, optimizer


def a_start(network: Toy, **kind: Any) -> tuple[Toy, torch.optim.Adam]:  # Any: options of Adam
    """Another process: the same weights in other tensors, and an optimiser that has seen something else."""
    fresh = Toy(seed=1)
    optimizer = torch.optim.Adam(fresh.parameters(), lr=0.1, **kind)
    trained(fresh, optimizer, range(90, 92))
    fresh.load_state_dict(network.state_dict())
    return fresh, optimizer


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


# the optimiser


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_loaded_optimiser_goes_on_bit_for_bit_as_the_one_that_was_saved(kind: dict[str, Any]) -> None:
    network, optimizer = a_stop(**kind)
    fresh, other = a_start(network, **kind)
    load_adam_state(other, fresh, adam_state(optimizer, network))
    assert equal(trained(fresh, other, range(4, 7)), trained(network, optimizer, range(4, 7)))
    assert equal(adam_state(other, fresh), adam_state(optimizer, network))


def test_an_optimiser_that_is_not_loaded_goes_on_otherwise() -> None:
    network, optimizer = a_stop(fused=True)
    fresh, other = a_start(network, fused=True)
    assert not equal(trained(fresh, other, range(4, 7)), trained(network, optimizer, range(4, 7)))


def test_the_state_is_named_after_the_parameters_that_were_updated() -> None:
    network, optimizer = a_stop(fused=True)
    quantities = ("exp_avg", "exp_avg_sq", "step")
    assert sorted(adam_state(optimizer, network)) == [f"{n}.{q}" for n in ("matrix", "scale") for q in quantities]


def test_the_order_of_parameters_in_groups_does_not_matter() -> None:
    network, optimizer = a_stop(fused=True)
    fresh = Toy()
    fresh.load_state_dict(network.state_dict())
    groups = [{"params": [fresh.scale]}, {"params": [fresh.unused, fresh.matrix]}]
    other = torch.optim.Adam(groups, lr=0.1, fused=True)
    load_adam_state(other, fresh, adam_state(optimizer, network))
    assert equal(trained(fresh, other, range(4, 7)), trained(network, optimizer, range(4, 7)))


def test_saved_state_stays_as_it_was_when_training_goes_on() -> None:
    network, optimizer = a_stop(fused=True)
    state = adam_state(optimizer, network)
    before = {name: tensor.clone() for name, tensor in state.items()}
    trained(network, optimizer, range(4, 5))
    assert equal(state, before)


def test_loaded_state_stays_as_it_was_when_training_goes_on() -> None:
    network, optimizer = a_stop(fused=True)
    state = adam_state(optimizer, network)
    before = {name: tensor.clone() for name, tensor in state.items()}
    fresh, other = a_start(network, fused=True)
    load_adam_state(other, fresh, state)
    trained(fresh, other, range(4, 5))
    assert equal(state, before)


def test_an_optimiser_before_its_first_step_has_no_state_and_loading_that_forgets_all() -> None:
    untouched = Toy()
    state = adam_state(torch.optim.Adam(untouched.parameters(), fused=True), untouched)
    network, optimizer = a_stop(fused=True)
    load_adam_state(optimizer, network, state)
    assert state == {}
    assert adam_state(optimizer, network) == {}


def test_a_loaded_optimiser_keeps_its_own_learning_rate() -> None:
    network, optimizer = a_stop(fused=True)
    other = torch.optim.Adam(network.parameters(), lr=0.25, fused=True)
    load_adam_state(other, network, adam_state(optimizer, network))
    assert [group["lr"] for group in other.param_groups] == [0.25]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("other.exp_avg", r"'other\.exp_avg' belongs to no parameter \(there are matrix, scale, unused\)"),
        ("unused.exp_avg", r"'unused\.exp_avg' has shape \[3\], but its parameter has \[2\]"),
    ],
)
def test_the_state_of_another_network_is_refused(name: str, message: str) -> None:
    network, optimizer = a_stop(fused=True)
    with pytest.raises(ValueError, match=message):
        load_adam_state(optimizer, network, {name: torch.zeros(3)})


# parts


def test_a_checkpoint_survives_its_parts() -> None:
    network, optimizer = a_stop(fused=True)
    history = pd.DataFrame({"epoch": [1, 2], "loss": [0.7, np.nan]})
    state = adam_state(optimizer, network)
    saved = Checkpoint("ab12", 2, 16, {"edge_sample_size": 5, "accumulation_steps": 8}, {}, state, history)
    back = Checkpoint.from_parts(saved.to_parts())
    assert (back.fingerprint, back.epoch, back.step, back.plan) == (saved.fingerprint, 2, 16, saved.plan)
    assert (dict(back.weights), equal(dict(back.optimizer), state)) == ({}, True)
    pd.testing.assert_frame_equal(back.history, history, check_exact=True)


def test_nothing_is_kept_where_there_are_no_checkpoints() -> None:
    store: CheckpointStore = NoCheckpoints()
    store.save(Checkpoint("ab12", 0, 0, {}, {}, {}, pd.DataFrame()))
    assert store.latest("ab12") is None
    store.clear()


# fingerprints


CONSTANT = EmbeddingParams(learning_rate_schedule="constant")


def fingerprint(**changes: Any) -> str:  # Any: of each argument its own type
    given = {"graph_digest": "g", "device": "cpu", "code_version": "1"}
    return fingerprint_of(**{"params": CONSTANT.model_dump(), **given, **changes})


CHANGED: dict[str, object] = {
    "use_batched_mps": False, "embedding_dim": 8, "hidden_dim": 8, "num_layers": 1, "num_heads": 1, "num_epochs": 7,
    "learning_rate": 0.5, "edge_sample_size": 7, "node_batch_size": 7, "accumulation_steps": 7, "num_neighbors": [7],
    "seed": 7, "device": "cpu",
}  # fmt: skip


@pytest.mark.parametrize("name", EmbeddingParams.model_fields)
def test_a_parameter_counts_unless_it_is_named_as_one_that_does_not(name: str) -> None:
    params = CONSTANT.model_dump() | {name: CHANGED.get(name, "another")}
    assert (fingerprint(params=params) == fingerprint()) == (name in NOT_COUNTED)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_epochs", 999),
        ("checkpoint_every", 3),
        ("memory_budget_gb", 2.5),
        ("device", "cpu"),  # asked for; what was found counts
    ],
)
def test_a_longer_safer_or_smaller_run_is_the_same_run(name: str, value: object) -> None:
    assert fingerprint(params=CONSTANT.model_dump() | {name: value}) == fingerprint()


def test_a_run_whose_learning_rate_follows_from_its_length_is_another_one_with_another_length() -> None:
    params = EmbeddingParams(learning_rate_schedule="one_cycle").model_dump()
    assert fingerprint(params=params) != fingerprint(params=params | {"num_epochs": 999})


@pytest.mark.parametrize("name", ["graph_digest", "device", "code_version"])
def test_graph_device_and_code_count(name: str) -> None:
    assert fingerprint(**{name: "another"}) != fingerprint()


@given(st.permutations(sorted(EmbeddingParams.model_fields)))
def test_the_order_of_parameters_does_not_count(names: list[str]) -> None:
    params = CONSTANT.model_dump()
    assert fingerprint(params={name: params[name] for name in names}) == fingerprint()


def test_a_fingerprint_is_a_sha256() -> None:
    assert len(bytes.fromhex(fingerprint())) == 32
