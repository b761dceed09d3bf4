"""The saved state of an unfinished training run, and how a run resumes from it."""

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
"""Parameters that may change when a run is resumed: length, checkpointing and memory.
The resolved device counts, not the setting: `auto` may resume a run on `cpu` if it resolves to it."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training run between two epochs; all tensors are copies in main memory."""

    fingerprint: str
    """Identifies the run, which resumes only from checkpoints with the same fingerprint."""
    epoch: int
    """Completed epochs."""
    step: int
    """Batches drawn so far; since batches depend only on seed and step, this is the sampler's whole state."""
    plan: Mapping[str, int]
    """Current batch sizes, which may be smaller than configured if memory ran out."""
    weights: Mapping[str, torch.Tensor]
    """State dict of the network."""
    optimizer: Mapping[str, torch.Tensor]
    """State of the optimiser from `adam_state`."""
    history: pd.DataFrame
    """One row per completed epoch, columns as in EpochResult."""

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
        """Save a checkpoint atomically."""

    def latest(self, fingerprint: str) -> Checkpoint | None:
        """The newest checkpoint of a run; None if it has none."""

    def clear(self) -> None:
        """Delete all checkpoints of all runs."""


class NoCheckpoints:
    """For runs that are not resumed."""

    def save(self, checkpoint: Checkpoint) -> None:
        """Do nothing."""

    def latest(self, fingerprint: str) -> None:
        """Return None."""

    def clear(self) -> None:
        """Do nothing."""


def fingerprint_of(params: Mapping[str, Any], *, graph_digest: str, device: str, code_version: str) -> str:
    """SHA-256 of everything that the results of a training run depend on.

    Args:
        params: The run configuration; parameters in NOT_COUNTED are ignored, except for the number of epochs if the
            learning rate depends on it. Any: JSON values.
        graph_digest: Digest of the message graph.
        device: Type of the training device; sums differ between devices.
        code_version: Version of this package; other versions may draw other batches.
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
    """Copies in main memory, unaffected by further training."""
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in tensors.items()}


def adam_state(optimizer: torch.optim.Optimizer, network: nn.Module) -> dict[str, torch.Tensor]:
    """Copy an optimiser's state of a network's parameters: `<parameter>.exp_avg`, `.exp_avg_sq` and `.step`.

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
    """Replace the state of an optimiser of a network's parameters.

    Its learning rate and other options are kept; the state is copied to the device that the optimiser needs.

    Args:
        optimizer: Changed in place.
        network: With its parameters on their final device.
        state: From `adam_state`.

    Raises:
        ValueError: If the state belongs to another network.
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
                f"optimiser state {key!r} has shape {list(tensor.shape)}, but its parameter has {list(shapes[name])}"
            )
        by_parameter[name][quantity] = tensor.clone()
    known = {index: by_parameter[name] for index, name in enumerate(shapes) if name in by_parameter}
    optimizer.load_state_dict({"state": known, "param_groups": optimizer.state_dict()["param_groups"]})
