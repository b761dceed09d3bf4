"""What a training step costs with PyG's HGT layer, with the same layer without sliced tensors, and with ours.

Every figure comes from a fresh process on a synthetic graph: 512 / 256 / 512 wide, 8 heads, 2 layers.
Prints tables and a row for `docs/results/benchmarks.md`, which says how each is taken; `--json FILE` writes them.
"""

import argparse
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_args

from edge_memory import RANDOM_EDGES, layer_peak, slope
from engine_tables import SIZES, Results, describe_machine, disagreements, headlines, print_tables, row
from engines import EngineName
from lower_bound import product_rate
from measuring import in_fresh_process
from step_cost import Figures, StepJob, measure_step

from hgt_repurposing.storage.artifacts import write_json

Kind = Literal["step", "layer", "product"]
"""Of job: a training step, the memory of one layer, the rate of a matrix product."""


def measure(kind: Kind, job: str) -> Figures:
    """Do one job, written in JSON, in this process."""
    options = json.loads(job)
    match kind:
        case "step":
            return measure_step(StepJob(**options))
        case "layer":
            return {"peak_gb": layer_peak(**options)}
        case "product":
            return {"flops_per_second": product_rate(**options)}


class Bench:
    """Runs the jobs one after another and keeps their figures."""

    def __init__(self, preset: str, widths: Sequence[int], num_heads: int, repeats: int) -> None:
        self._common: dict[str, Any] = {"preset": preset, "widths": widths, "num_heads": num_heads}
        self._repeats = repeats
        rate = self._run("matrix product", "product", {"widths": widths})["flops_per_second"]
        print(f"    {rate / 1e9:.0f} GFLOP/s", flush=True)
        self.results = Results(rate)

    def run(self, engine: EngineName) -> None:
        """All jobs of an engine."""
        if engine == "stock":
            self._step(engine, SIZES[0])
            return
        for num_edges in SIZES:
            self._step(engine, num_edges)
            if engine == "ours":
                self._bfloat16(num_edges)
        if engine == "ours":
            self._step(engine, None)
        self._slope(engine)

    def _step(self, engine: EngineName, num_edges: int | None) -> None:
        """Seconds and memory of a training step: of stock in one go, for it takes minutes."""
        name = f"{engine} {num_edges or 'full graph'}"
        common: dict[str, Any] = {
            "engine": engine,
            "num_edges": num_edges,
            "num_threads": 1 if num_edges else None,
        }
        if engine == "stock":
            figures = self._run_step(name, task="both", **common)
        else:
            repeats = self._repeats if num_edges else 2
            figures = self._run_step(f"{name}, seconds", task="seconds", repeats=repeats, warm_ups=1, **common)
            figures["peak_gb"] = self._run_step(f"{name}, memory", task="memory", **common)["peak_gb"]
        self.results.steps[name] = figures
        print(
            f"    {figures['cpu_seconds']:.2f} CPU-s, {figures['wall_seconds']:.2f} s, {figures['peak_gb']:.2f} GiB, "
            f"loss {figures['loss']:.6f}",
            flush=True,
        )

    def _bfloat16(self, num_edges: int) -> None:
        """Seconds of our step with matrix products in bfloat16."""
        job: dict[str, Any] = {"engine": "ours", "num_edges": num_edges, "precision": "bfloat16"}
        name = f"ours {num_edges}"
        figures = self._run_step(f"{name}, bfloat16", task="seconds", repeats=self._repeats, warm_ups=1, **job)
        self.results.bfloat16_seconds[name] = figures["cpu_seconds"]
        print(f"    {figures['cpu_seconds']:.2f} CPU-s, loss {figures['loss']:.6f}", flush=True)

    def _slope(self, engine: EngineName) -> None:
        """Memory of one layer per edge."""
        few, many = (self._layer(engine, num_edges) for num_edges in RANDOM_EDGES[engine])
        self.results.bytes_per_edge[engine] = slope((few, many), RANDOM_EDGES[engine])
        print(f"    {self.results.bytes_per_edge[engine]:.0f} bytes per edge", flush=True)

    def _layer(self, engine: EngineName, num_edges: int) -> float:
        job = {"engine": engine, "num_edges": num_edges, "num_heads": self._common["num_heads"]}
        return self._run(f"{engine}, layer on {num_edges:,} edges", "layer", job)["peak_gb"]

    def _run_step(self, name: str, **options: Any) -> Figures:
        """Any: fields of a StepJob."""
        job = StepJob(**self._common, **options)
        return self._run(name, "step", asdict(job), num_threads=job.num_threads)

    def _run(self, name: str, kind: Kind, job: Mapping[str, Any], *, num_threads: int | None = 1) -> Figures:
        """Any: JSON."""
        print(f"{dt.datetime.now():%H:%M:%S} {name} ...", flush=True)
        return in_fresh_process(__file__, ["--one", kind, json.dumps(job)], num_threads=num_threads)


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="reference", help="synthetic graph: demo, reference or primekg")
    parser.add_argument("--engines", nargs="+", choices=get_args(EngineName), default=list(get_args(EngineName)))
    parser.add_argument("--skip-stock", action="store_true", help="leave out PyG's own layer, which takes minutes")
    parser.add_argument("--repeats", type=int, default=3, help="steps per engine but stock, after one to warm up")
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 256, 512], help="input, hidden, output")
    parser.add_argument("--num-heads", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(*options.one)))
        return
    engines = [name for name in options.engines if not (name == "stock" and options.skip_stock)]
    bench = Bench(options.preset, options.widths, options.num_heads, options.repeats)
    for engine in engines:
        bench.run(engine)
    results = bench.results
    machine, figures = describe_machine(), headlines(results)
    print_tables(results, machine)
    print("\n" + "\n".join(f"{name}: {'-' if value is None else f'{value:.4g}'}" for name, value in figures.items()))
    print(f"\nFor docs/results/benchmarks.md:\n{row(figures, machine, options.preset)}")
    if options.json:
        details = {
            "machine": machine,
            "preset": options.preset,
            "widths": options.widths,
            "num_heads": options.num_heads,
            "flops_per_second": results.rate,
            "steps": results.steps,
            "bytes_per_edge": results.bytes_per_edge,
            "cpu_seconds_with_bfloat16": results.bfloat16_seconds,
        }
        write_json(options.json, {**figures, "details": details})
    wrong = disagreements(results.steps)
    if wrong:
        raise SystemExit("the engines do not compute the same:\n" + "\n".join(wrong))
    print("\nLoss and gradient agree between the engines.")


if __name__ == "__main__":
    main()
