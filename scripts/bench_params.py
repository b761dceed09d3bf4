"""What each of the embedding_params costs: CPU-seconds and peak memory of training batches, one changed at a time.

Every setting runs in a fresh process on a synthetic graph; a batch is one forward and backward pass. Prints a Markdown
table, ratios against the defaults; `--json FILE` writes the same figures.
"""

import argparse
import ctypes
import json
import statistics
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import torch

from hgt_repurposing.artifacts import write_json
from hgt_repurposing.graph.hetero_data import to_hetero_data
from hgt_repurposing.graph.split import message_graph
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.training.device import read_memory
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
M_MMAP_THRESHOLD = -3
"""Number of this parameter in glibc's malloc.h."""
MIB = 2**20
FULL_GRAPH = "use_batched_mps: false"


class PeakWatch:
    """Samples resident memory while its block runs: the process's own peak would include making the graph."""

    def __enter__(self) -> "PeakWatch":
        """Begin to watch."""
        self._start = self._highest = self._now()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching."""
        self._over.set()
        self._thread.join()

    @property
    def peak_above_start(self) -> float:
        """GiB."""
        return self._highest - self._start

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self._highest = max(self._highest, self._now())

    @staticmethod
    def _now() -> float:
        return read_memory(torch.device("cpu")).allocated


def measure(preset: str, changed: dict[str, object], repeats: int) -> dict[str, float]:
    """Peak memory of two batches above what the loaded graph takes, then median CPU-seconds of a batch."""
    params = EmbeddingParams(device="cpu", accumulation_steps=1, num_epochs=2, **changed)
    graph = synthetic_knowledge_graph(SyntheticConfig.model_validate({"preset": preset}))
    data = to_hetero_data(message_graph(graph))
    return_freed_memory_from(bytes_at_least=MIB)
    with PeakWatch() as watch:
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


def return_freed_memory_from(*, bytes_at_least: int) -> None:
    """Have glibc return freed blocks of this size at once, so that resident memory follows the live tensors.

    Left alone it keeps up to 32 MiB a block for reuse, which is faster and hides what a setting needs.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL("libc.so.6")
        libc.malloc_trim(0)
        libc.mallopt(M_MMAP_THRESHOLD, bytes_at_least)


def in_fresh_process(preset: str, changed: dict[str, object], repeats: int) -> dict[str, float]:
    """Run `measure` in a process of its own, for what one setting leaves in memory must not count for the next."""
    call = [sys.executable, __file__, "--preset", preset, "--repeats", str(repeats), "--one", json.dumps(changed)]
    printed = subprocess.run(call, check=True, capture_output=True, text=True).stdout  # noqa: S603  (our own script)
    result: dict[str, float] = json.loads(printed.splitlines()[-1])
    return result


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
        results[name] = in_fresh_process(options.preset, changed, options.repeats)
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
