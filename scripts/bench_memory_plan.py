"""How near the predicted peak of a training comes to the measured one, and what its fitted constants do for that.

Every setting is trained for two epochs in a fresh process on a synthetic graph. Beside the prediction as it is stand
those with one constant at a time, and with all of them, put back to what arithmetic on the tensors alone says.
"""

import argparse
import gc
import json
import re
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

from measuring import CPU, in_fresh_process, synthetic_data
from torch_geometric.data import HeteroData

from hgt_repurposing.process_memory import GIB
from hgt_repurposing.training import memory_plan
from hgt_repurposing.training.device import PeakWatch
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams
from hgt_repurposing.training.step import Batches

Figures = dict[str, float]
MEASURED = "measured"
COUNTED_PAIR = 2 * 2 * 8 + 3 * 8 + 4 * 4
"""A pair's target, twice in two batches; draw, key and place; logit, lengths and gradients: int64 and float32."""
VARIANTS: Mapping[str, Mapping[str, float]] = {
    "as it is": {},
    "no libraries": {"LIBRARIES_GB": 0.0},
    "no slack": {"SLACK": 1.0},
    "pairs counted": {"PAIR_BYTES": COUNTED_PAIR},
    "all counted": {"LIBRARIES_GB": 0.0, "SLACK": 1.0, "PAIR_BYTES": COUNTED_PAIR},
}
"""Constants of `memory_plan` to be replaced, by the name of what comes out."""

WIDE: dict[str, object] = {"hidden_dim": 256, "embedding_dim": 512, "edge_sample_size": 5000, "node_batch_size": 1024}
NARROW = WIDE | {"hidden_dim": 64, "embedding_dim": 64}
NEIGHBOR: dict[str, object] = {"sampler": "neighbor"}
FULL: dict[str, object] = {"use_batched_mps": False}
MANY: dict[str, object] = {"num_negatives": 64, "negatives": "degree", "loss": "softmax"}
FEW: dict[str, object] = {"num_negatives": 1, "negatives": "uniform", "loss": "bce"}
TABLE: dict[str, object] = {"node_inputs": "table"}
SETTINGS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "demo, wide, edge": ("demo", WIDE | FEW | TABLE),
    "demo, wide, neighbor": ("demo", WIDE | FEW | TABLE | NEIGHBOR),
    "demo, wide, full graph": ("demo", WIDE | FEW | TABLE | FULL),
    "demo, wide, edge, 2 heads": ("demo", WIDE | FEW | TABLE | {"num_heads": 2}),
    "demo, wide, edge, 64 negatives": ("demo", WIDE | MANY | TABLE),
    "demo, wide, edge, mean": ("demo", WIDE | FEW | TABLE | {"encoder": "mean"}),
    "demo, narrow, edge": ("demo", NARROW | FEW | TABLE),
    "demo, narrow, edge, 64 negatives": ("demo", NARROW | MANY | TABLE),
    "demo, defaults": ("demo", {}),
    "reference, defaults": ("reference", {}),
    "reference, defaults, 64 negatives": ("reference", MANY),
    "reference, defaults, full graph": ("reference", FULL | {"edge_sample_size": 512}),
    "reference, defaults, neighbor": ("reference", NEIGHBOR | {"node_batch_size": 128}),
    "reference, narrow, edge": ("reference", NARROW | FEW | TABLE),
    "reference, narrow, neighbor": ("reference", NARROW | FEW | TABLE | NEIGHBOR),
    "reference, narrow, full graph": ("reference", NARROW | FEW | TABLE | FULL),
    "reference, 128 wide, edge": ("reference", WIDE | FEW | TABLE | {"hidden_dim": 128, "embedding_dim": 128}),
    "reference, wide, edge": ("reference", WIDE | FEW | TABLE),
    "reference, wide, edge, 2 heads": ("reference", WIDE | FEW | TABLE | {"num_heads": 2}),
}
"""Synthetic graph and changed parameters."""
TRAINING: dict[str, object] = {"num_epochs": 2, "accumulation_steps": 2, "device": "cpu"}
"""From the second update on the optimiser's state exists from the beginning, and gradients of two batches add up."""


def measured(preset: str, params: EmbeddingParams) -> Figures:
    """Measured and predicted peaks of a training in a process of its own, GiB: `measured` and each of `VARIANTS`."""
    return in_fresh_process(__file__, ["--preset", preset, "--one", params.model_dump_json()])


def measure(preset: str, params: EmbeddingParams) -> Figures:
    """The same in this process, which should have done nothing else."""
    data = synthetic_data(preset)
    gc.collect()
    CPU.release()  # what making the graph has left would be used again and not be seen to grow
    kernel = Path("/proc/self/clear_refs")
    if kernel.exists():  # Linux: the highest mark begins anew
        kernel.write_text("5", encoding="ascii")
    with PeakWatch(CPU) as watch:
        num_parameters = fit(data, params).model.num_parameters
    peak = watch.peak_above_start
    if kernel.exists():  # looking often may miss the peak where the machine is busy, and the kernel does not
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = 1024 * int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / GIB - watch.start
    return {MEASURED: peak} | {
        name: predict(data, params, num_parameters, constants) for name, constants in VARIANTS.items()
    }


def predict(data: HeteroData, params: EmbeddingParams, num_parameters: int, constants: Mapping[str, float]) -> float:
    """Peak of a training step by these constants, GiB."""
    batches = Batches.of_graph(data, params)
    with patch.dict(vars(memory_plan), constants):
        batches.fit_into(CPU.free_gb(), num_parameters=num_parameters, chunked=False)
    return batches.predicted_gb


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--preset", help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.preset, EmbeddingParams.model_validate_json(options.one))))
        return
    print(f"| predicted / measured | measured, GiB | {' | '.join(VARIANTS)} |")
    print("| --- | --- " + "| --- " * len(VARIANTS) + "|")
    quotients: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for setting in options.settings:
        preset, changes = SETTINGS[setting]
        figures = measured(preset, EmbeddingParams.model_validate(dict(changes) | TRAINING))
        for name, column in quotients.items():
            column.append(figures[name] / figures[MEASURED])
        cells = " | ".join(f"{column[-1]:.2f}" for column in quotients.values())
        print(f"| {setting} | {figures[MEASURED]:.2f} | {cells} |", flush=True)
    print("| least and most | | " + " | ".join(f"{min(c):.2f}, {max(c):.2f}" for c in quotients.values()) + " |")


if __name__ == "__main__":
    main()
