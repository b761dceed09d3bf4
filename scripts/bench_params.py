"""Cost of each setting of embedding_params: CPU-seconds and peak memory of training batches, one change at a time.

Every setting runs in a fresh process on a synthetic graph; a batch is one forward and backward pass. Prints a Markdown
table with ratios to `configs/first_system.yaml`; `--json FILE` writes the same figures.
"""

import argparse
import json
import statistics
import time
from itertools import pairwise
from pathlib import Path

from measuring import CPU, in_fresh_process, synthetic_data
from shipped import first_system

from hgt_repurposing.storage.artifacts import write_json
from hgt_repurposing.training.device import PeakWatch
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams

SETTINGS: dict[str, dict[str, object]] = {
    "first_system.yaml": {},
    "defaults": EmbeddingParams().model_dump(),
    "edge_sample_size: 3000": {"edge_sample_size": 3000},
    "edge_sample_size: 20000": {"edge_sample_size": 20_000},
    "embedding_dim: 384, hidden_dim: 192": {"embedding_dim": 384, "hidden_dim": 192},
    "embedding_dim: 64, hidden_dim: 64": {"embedding_dim": 64, "hidden_dim": 64},
    "num_layers: 3": {"num_layers": 3},
    "num_heads: 4": {"num_heads": 4},
    "num_negatives: 5": {"num_negatives": 5},
    "contrastive_weight: 0.1": {"contrastive_weight": 0.1},
    "matmul_precision: bfloat16": {"matmul_precision": "bfloat16"},
    "sampler: neighbor": {"sampler": "neighbor"},
    "sampler: neighbor, node_batch_size: 128": {"sampler": "neighbor", "node_batch_size": 128},
    "use_batched_mps: false": {"use_batched_mps": False},
}


BATCHES_PER_UPDATE = 2
"""More than one, because accumulating gradients takes memory."""


def measure(preset: str, changed: dict[str, object], repeats: int) -> dict[str, float]:
    """Peak memory of a training on top of the loaded graph, and median CPU-seconds of a batch."""
    fixed = {"device": "cpu", "accumulation_steps": BATCHES_PER_UPDATE, "num_epochs": repeats + 1}
    params = first_system(**changed | fixed)
    data = synthetic_data(preset)
    CPU.release()
    stamps: list[float] = []
    with PeakWatch(CPU) as watch:
        fit(data, params, on_epoch=lambda _: stamps.append(time.process_time()))
    num_batches = BATCHES_PER_UPDATE if params.sampling != "full graph" else 1
    seconds = [(later - earlier) / num_batches for earlier, later in pairwise(stamps)]
    return {"cpu_seconds": statistics.median(seconds), "peak_gb_above_start": watch.peak_above_start}


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="reference", help="synthetic graph: demo, reference or primekg")
    parser.add_argument("--repeats", type=int, default=3, help="updates per setting, after one warm-up")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.preset, json.loads(options.one), options.repeats)))
        return
    results: dict[str, dict[str, float]] = {}
    print(f"| on `{options.preset}` | CPU-s per batch | ratio to first | peak GB above start | ratio to first |")
    print("| --- | --- | --- | --- | --- |")
    for name, changed in SETTINGS.items():
        again = ["--preset", options.preset, "--repeats", str(options.repeats), "--one", json.dumps(changed)]
        results[name] = in_fresh_process(__file__, again)
        cost, first = results[name], results[next(iter(SETTINGS))]
        ratios = [cost[key] / first[key] for key in ("cpu_seconds", "peak_gb_above_start")]
        print(
            f"| `{name}` | {cost['cpu_seconds']:.2f} | {ratios[0]:.2f} "
            f"| {cost['peak_gb_above_start']:.2f} | {ratios[1]:.2f} |",
            flush=True,
        )
    if options.json:
        write_json(options.json, {"preset": options.preset, "settings": results})


if __name__ == "__main__":
    main()
