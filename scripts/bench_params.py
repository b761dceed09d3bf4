"""What each of the embedding_params costs: CPU-seconds and peak memory of training batches, one changed at a time.

Every setting runs in a fresh process on a synthetic graph; a batch is one forward and backward pass. Prints a Markdown
table, ratios against the defaults; `--json FILE` writes the same figures.
"""

import argparse
import json
import statistics
import time
from itertools import pairwise
from pathlib import Path

from measuring import MIB, in_fresh_process, return_freed_memory_from

from hgt_repurposing.artifacts import write_json
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.split import message_graph
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.training.device import ComputeDevice, PeakWatch
from hgt_repurposing.training.loop import fit
from hgt_repurposing.training.params import EmbeddingParams

SETTINGS: dict[str, dict[str, object]] = {
    "defaults": {},
    "edge_sample_size: 3000": {"edge_sample_size": 3000},
    "edge_sample_size: 20000": {"edge_sample_size": 20_000},
    "embedding_dim: 384, hidden_dim: 192": {"embedding_dim": 384, "hidden_dim": 192},
    "embedding_dim: 64, hidden_dim: 64": {"embedding_dim": 64, "hidden_dim": 64},
    "num_layers: 3": {"num_layers": 3},
    "num_heads: 4": {"num_heads": 4},
}
FULL_GRAPH = "use_batched_mps: false"


def measure(preset: str, changed: dict[str, object], repeats: int) -> dict[str, float]:
    """Peak memory of two batches above what the loaded graph takes, then median CPU-seconds of a batch."""
    params = EmbeddingParams(device="cpu", accumulation_steps=1, num_epochs=2, **changed)
    graph = synthetic_knowledge_graph(SyntheticConfig.model_validate({"preset": preset}))
    data = to_hetero_data(message_graph(graph))
    return_freed_memory_from(bytes_at_least=MIB)
    with PeakWatch(ComputeDevice.pick("cpu")) as watch:
        fit(data, params)
    return_freed_memory_from(bytes_at_least=32 * MIB)
    stamps: list[float] = []
    fit(
        data,
        params.model_copy(update={"num_epochs": repeats + 1}),
        on_epoch=lambda _: stamps.append(time.process_time()),
    )
    seconds = [later - earlier for earlier, later in pairwise(stamps)]
    return {"cpu_seconds": statistics.median(seconds), "peak_gb_above_start": watch.peak_above_start}


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="reference", help="synthetic graph: demo, reference or primekg")
    parser.add_argument("--repeats", type=int, default=3, help="batches per setting, after one to warm up")
    parser.add_argument("--full-graph", action="store_true", help="also the full graph (tens of GB beyond demo)")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.preset, json.loads(options.one), options.repeats)))
        return
    settings = SETTINGS | ({FULL_GRAPH: {"use_batched_mps": False}} if options.full_graph else {})
    results: dict[str, dict[str, float]] = {}
    print(f"| on `{options.preset}` | CPU-s per batch | against defaults | peak GB above start | against defaults |")
    print("| --- | --- | --- | --- | --- |")
    for name, changed in settings.items():
        again = ["--preset", options.preset, "--repeats", str(options.repeats), "--one", json.dumps(changed)]
        results[name] = in_fresh_process(__file__, again)
        cost, first = results[name], results["defaults"]
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
