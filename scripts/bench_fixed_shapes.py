"""What padding to few shapes saves a device that compiles a kernel for every new one, and what it costs.

Only MPS wants it. What it saves is counted where it cannot be timed: operations whose tensors have shapes that no step
before had. What it costs is timed on the CPU, by the attention that MPS uses: padded steps take turns with plain ones.
"""

import argparse
from collections.abc import Mapping

import torch
from measuring import cpu_ratios, synthetic_data
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch_geometric.data import HeteroData

from hgt_repurposing.model.attention_chunked import ChunkedBackend
from hgt_repurposing.training.loop import untrained
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches, Prepared, losses

SETTINGS: Mapping[str, EmbeddingParams] = {
    "edge": EmbeddingParams(device="cpu"),
    "neighbor": EmbeddingParams(sampler="neighbor", node_batch_size=32, num_neighbors=[3, 3], device="cpu"),
}


COUNTED_STEPS = 20
SETTLED = 2
"""Steps after which the shapes are supposed to be known."""


class Signatures(TorchDispatchMode):
    """Every operation with the shapes of its tensors: what MPS compiles a kernel for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no types for it
        self.seen: set[tuple[object, ...]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204  (torch's own signature)
        tensors = [part for part in torch.utils._pytree.tree_leaves((args, kwargs)) if isinstance(part, Tensor)]
        self.seen.add((func, *(tuple(tensor.shape) for tensor in tensors)))
        return func(*args, **(kwargs or {}))


class Steps:
    """Forward and backward passes over a training's batches, one after another; the weights stay what they are."""

    def __init__(self, data: HeteroData, params: EmbeddingParams, *, fixed_shapes: bool) -> None:
        self._params = params
        self._batches = Batches.of_graph(data, params, fixed_shapes=fixed_shapes)
        self._model = untrained(data, params)
        self._number = 0

    def __call__(self) -> None:
        """Draw the next batch and compute it."""
        self._compute(self._draw())

    def new_signatures(self, num_steps: int) -> list[int]:
        """How many signatures every step adds to those before."""
        watch, added = Signatures(), []
        for _ in range(num_steps):
            before = len(watch.seen)
            prepared = self._draw()  # on the CPU in any case
            with watch:
                self._compute(prepared)
            added.append(len(watch.seen) - before)
        return added

    def _draw(self) -> Prepared:
        self._number += 1
        return self._batches.prepare(self._number - 1)

    def _compute(self, prepared: Prepared) -> None:
        self._model.network.zero_grad(set_to_none=True)
        losses(self._model, prepared, self._params, backend=ChunkedBackend())[0].backward()


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="reference", help="synthetic graph: demo, reference or primekg")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--pairs", type=int, default=9, help="steps of each kind that are timed")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = synthetic_data(options.preset)
    for name in options.settings:
        plain, padded = (Steps(data, SETTINGS[name], fixed_shapes=fixed) for fixed in (False, True))
        for kind, steps in (("plain", plain), ("padded", padded)):
            added = steps.new_signatures(COUNTED_STEPS)
            print(
                f"{name}, {kind}: {sum(added[:SETTLED])} signatures in the first {SETTLED} steps, "
                f"{sum(added[SETTLED:])} more in the {COUNTED_STEPS - SETTLED} after them"
            )
        ratios = cpu_ratios(padded, plain, num_pairs=options.pairs)
        print(f"{name}: CPU-seconds padded over plain {ratios}", flush=True)


if __name__ == "__main__":
    main()
