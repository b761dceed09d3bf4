"""What is saved of a training under way, and how a run goes on from it."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import pandas as pd
import torch
from torch import nn

NOT_COUNTED = ("num_epochs", "checkpoint_every", "memory_budget_gb", "device")
"""Parameters that may change while a run stands still: how long, how safe, and how much memory.
The resolved device counts, not the setting: `auto` goes on from `cpu` where that is the same."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training between two epochs; all tensors are copies in main memory."""

    fingerprint: str
    """What the run is; a run goes on only from a checkpoint with its own."""
    epoch: int
    """Epochs done."""
    step: int
    """Batches drawn so far: a batch depends on seed and step alone, so this is all there is to a sampler's position."""
    plan: Mapping[str, int]
    """Sizes of the batches in force, which may be smaller than asked for once memory ran out."""
    weights: Mapping[str, torch.Tensor]
    """State of the network by name."""
    optimizer: Mapping[str, torch.Tensor]
    """State of the optimiser as in `adam_state`."""
    history: pd.DataFrame
    """One row per epoch done, columns as in EpochResult."""

    def __post_init__(self) -> None:
        assert len(self.history) == self.epoch

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        return {
            "weights.npz": {name: tensor.numpy() for name, tensor in self.weights.items()},
            "optimizer.npz": {name: tensor.numpy() for name, tensor in self.optimizer.items()},
            "history.parquet": self.history,
            "checkpoint.json": {
                "fingerprint": self.fingerprint,
                "epoch": self.epoch,
                "step": self.step,
                "plan": dict(self.plan),
            },
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`."""
        return cls(
            **parts["checkpoint.json"],
            weights={name: torch.from_numpy(array) for name, array in parts["weights.npz"].items()},
            optimizer={name: torch.from_numpy(array) for name, array in parts["optimizer.npz"].items()},
            history=parts["history.parquet"],
        )


class CheckpointStore(Protocol):
    """Where checkpoints are kept."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint, whole or not at all."""

    def latest(self, fingerprint: str) -> Checkpoint | None:
        """The newest checkpoint of a run; None where it has to start from the beginning."""

    def clear(self) -> None:
        """Forget all checkpoints, of whatever run."""


class NoCheckpoints:
    """For a training that is not to go on after a stop."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Keep nothing."""

    def latest(self, fingerprint: str) -> None:
        """None: there never is one."""

    def clear(self) -> None:
        """Nothing to forget."""


def fingerprint_of(params: Mapping[str, Any], *, graph_digest: str, device: str, code_version: str) -> str:
    """SHA-256 of all that the numbers of a training depend on.

    Args:
        params: The run configuration; what is NOT_COUNTED in it does not count, but for the number of epochs where
            the learning rate follows from it. Any: JSON values.
        graph_digest: Digest of the message graph.
        device: Type of the device trained on; sums come out differently on another.
        code_version: Version of this package; another one may draw other batches.
    """
    not_counted = set(NOT_COUNTED)
    if params["learning_rate_schedule"] != "constant":
        not_counted.remove("num_epochs")
    run = {
        "params": {name: value for name, value in params.items() if name not in not_counted},
        "graph_digest": graph_digest,
        "device": device,
        "code_version": code_version,
    }
    canonical = json.dumps(run, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def cpu_copy(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies in main memory, which training on does not change."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def adam_state(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, torch.Tensor]:
    """Copy what an optimiser knows of a network's parameters: `<parameter>.exp_avg`, `.exp_avg_sq` and `.step`.

    A parameter that was never updated has no entry.
    """
    return cpu_copy(
        {
            f"{name}.{quantity}": tensor
            for name, parameter in network.named_parameters()
            for quantity, tensor in optimizer.state.get(parameter, {}).items()
        }
    )


def load_adam_state(optimizer: torch.optim.Optimizer, network: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Give an optimiser of a network's parameters the state of another, in place of all that it knew.

    Learning rate and other options stay its own; the state is copied, and goes to the device where the optimiser wants
    it.

    Args:
        optimizer: Changed in place.
        network: Its parameters are on their device already.
        state: As `adam_state` gives it.

    Raises:
        ValueError: If the state is that of another network.
    """
    names = {parameter: name for name, parameter in network.named_parameters()}
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    shapes = {names[parameter]: parameter.shape for parameter in parameters}
    by_parameter: dict[str, dict[str, torch.Tensor]] = defaultdict(dict)
    for key, tensor in state.items():
        name, _, quantity = key.rpartition(".")
        if name not in shapes:
            raise ValueError(f"optimiser state {key!r} belongs to no parameter (there are {', '.join(shapes)})")
        if tensor.ndim and tensor.shape != shapes[name]:
            raise ValueError(
                f"optimiser state {key!r} has shape {list(tensor.shape)}, its parameter {list(shapes[name])}"
            )
        by_parameter[name][quantity] = tensor.clone()
    known = {index: by_parameter[name] for index, name in enumerate(shapes) if name in by_parameter}
    optimizer.load_state_dict({"state": known, "param_groups": optimizer.state_dict()["param_groups"]})
