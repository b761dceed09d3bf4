"""What it is worth to ask for vectors ahead of their use: training steps with `prefetch` in the loops, and without.

The steps take turns on the same batch of a synthetic graph, on one thread. Their gradients have to agree to the bit.
"""

import argparse
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

import torch
from measuring import CPU, cpu_ratios, synthetic_data
from numba import njit
from shipped import first_system
from torch import Tensor
from torch_geometric.data import HeteroData

from hgt_repurposing.model import attention_compiled, decoder_compiled
from hgt_repurposing.training.loop import untrained
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches, losses

SETTINGS: Mapping[str, EmbeddingParams] = {
    "defaults": EmbeddingParams(device="cpu"),
    "defaults, full graph": EmbeddingParams(use_batched_mps=False, edge_sample_size=512, device="cpu"),
    "the first system's": first_system(device="cpu"),
}
Loops = Mapping[tuple[ModuleType, str], Any]
"""Compiled loops by module and name. Any: numba's dispatchers have no type."""


def loops_that_prefetch() -> Loops:
    """The loops as they are."""
    return {
        (module, name): loop
        for module in (attention_compiled, decoder_compiled)
        for name, loop in vars(module).items()
        if hasattr(loop, "py_func") and "prefetch" in loop.py_func.__code__.co_names
    }


def without_prefetch(loop: Any) -> Any:
    """The same loop, compiled alike from the same source, in which `prefetch` does nothing. Any: see Loops."""
    source = loop.py_func
    bare = FunctionType(source.__code__, source.__globals__ | {"prefetch": _nothing}, source.__name__)
    options = {name: value for name, value in loop.targetoptions.items() if name != "nopython"}
    return njit(**options)(bare)


@njit
def _nothing(_array: Any, _row: Any) -> None:
    """Any: compiled for what it is given."""


class Training:
    """Steps that begin with the same weights, for their learning rate is 0, and draw the same batch."""

    def __init__(self, data: HeteroData, params: EmbeddingParams) -> None:
        self._params = params
        self._batches = Batches.of_graph(data, params)
        self._model = untrained(data, params)
        self._model.network.train()
        self._optimizer = torch.optim.AdamW(self._model.network.parameters(), lr=0.0, fused=True)

    def with_loops(self, loops: Loops) -> Callable[[], None]:
        """A step that runs these loops."""

        def step() -> None:
            for (module, name), loop in loops.items():
                setattr(module, name, loop)
            self._optimizer.zero_grad(set_to_none=True)
            prepared, backend = self._batches.prepare(0), self._batches.backend(CPU)
            losses(self._model, prepared, self._params, backend=backend)[0].backward()
            self._optimizer.step()

        return step

    def gradients(self) -> list[Tensor]:
        """Those of the last step."""
        return [parameter.grad.clone() for parameter in self._model.network.parameters() if parameter.grad is not None]


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="reference", help="synthetic graph: demo, reference or primekg")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--pairs", type=int, default=9, help="steps of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = synthetic_data(options.preset)
    as_they_are = loops_that_prefetch()
    bare = {place: without_prefetch(loop) for place, loop in as_they_are.items()}
    for name in options.settings:
        training = Training(data, SETTINGS[name])
        ahead, plain = training.with_loops(as_they_are), training.with_loops(bare)
        ahead()
        expected = training.gradients()
        plain()
        assert all(map(torch.equal, training.gradients(), expected)), "the loops do not compute the same"
        print(f"{name}: CPU-seconds without over with {cpu_ratios(plain, ahead, num_pairs=options.pairs)}", flush=True)


if __name__ == "__main__":
    main()
