"""Cost of a training step with PyG's HGT layer, with the same layer without sliced tensors, and with ours.

Every figure comes from a fresh process on a synthetic graph: 512 / 256 / 512 wide, 8 heads, 2 layers.
Prints tables and a row for `docs/results/benchmarks.md`, which explains each figure; `--json FILE` writes them.
"""

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import torch
from engines import EngineName, LinkModel, build_encoder, draw_weights
from lower_bound import all_rows, needed_rows, product_rate, step_flops
from measuring import CPU, MIB, in_fresh_process, return_freed_memory_from

from hgt_repurposing.graph.hetero_data import GraphMetadata, to_hetero_data
from hgt_repurposing.graph.message_graph import message_graph
from hgt_repurposing.graph.schema import EdgeType
from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.sampling.edge_sampling import EdgeSampler, FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges
from hgt_repurposing.storage.artifacts import write_json
from hgt_repurposing.training.device import PeakWatch

SIZES = (5_000, 20_000)
"""Edges of each type in a batch."""
SUPERVISED_ON_FULL_GRAPH = 5_000
"""Links of each type that the loss scores if the whole graph is one batch."""
LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
"""Relative: the engines add tens of thousands of float32 terms in different orders."""
RANDOM_NODES, RANDOM_RELATIONS, RANDOM_WIDTH = 5_000, 8, 256
RANDOM_EDGES = {"split": (500_000, 1_000_000), "ours": (2_000_000, 8_000_000)}
"""Few enough for PyG's layer to fit; enough for ours that edges, not nodes, dominate memory."""

Task = Literal["seconds", "memory", "both", "layer", "product"]
Figures = dict[str, float]
HEADLINES = (
    "speedup_vs_stock_5000",
    "speedup_vs_split_5000",
    "memory_ratio_vs_stock_5000",
    "speedup_vs_split_20000",
    "full_graph_peak_gb",
    "full_graph_seconds",
    "ratio_to_bound_5000",
    "bytes_per_edge",
)


@dataclass(frozen=True)
class Job:
    """What one process measures."""

    task: Task
    """`seconds` or `memory` of training steps, or `both` at once; memory of one `layer`; rate of a matrix `product`."""
    preset: str
    widths: Sequence[int]
    """Layer i maps widths[i] to widths[i + 1]."""
    num_heads: int
    engine: EngineName = "split"
    num_edges: int | None = None
    """Edges of each type in a batch, or of the random graph of `layer`; None: the whole graph as one batch."""
    repeats: int = 1
    """Timed steps; the median is reported."""
    warm_ups: int = 0
    """Untimed steps before them."""
    num_threads: int | None = 1
    """None: all threads."""
    precision: MatmulPrecision = "float32"
    """Precision of our matrix products."""


class Timing(NamedTuple):
    """One training step."""

    cpu: float
    """User and system seconds of the process."""
    wall: float
    """Seconds."""


def measure(job: Job) -> Figures:
    """Run one job in this process."""
    if job.num_threads:
        torch.set_num_threads(job.num_threads)
    if job.task == "product":
        return {"flops_per_second": product_rate(job.widths)}
    return measure_layer(job) if job.task == "layer" else measure_steps(job)


def measure_steps(job: Job) -> Figures:
    """CPU-seconds, wall seconds and peak memory (GiB) of training steps, and the size of the batch."""
    graph = load_graph(job.preset)
    batch = draw_batch(graph, job.num_edges)
    generator = torch.Generator().manual_seed(0)
    weights = draw_weights(graph.metadata, job.widths, num_heads=job.num_heads, generator=generator)
    model = LinkModel(job.engine, graph.num_nodes, graph.metadata, weights, precision=job.precision)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    if job.task == "memory":
        return_freed_memory_from(bytes_at_least=MIB)
    if job.engine == "ours":
        compile_loops(model, graph)
    CPU.release()
    on_all_nodes = job.num_edges is None
    timings, losses, gradients = [], [], []
    with PeakWatch(CPU) if job.task != "seconds" else nullcontext() as watch:
        make_state(optimizer)
        for _ in range(job.warm_ups + job.repeats):
            cpu, wall = time.process_time(), time.perf_counter()
            losses.append(train_step(model, optimizer, batch, on_all_nodes=on_all_nodes))
            timings.append(Timing(time.process_time() - cpu, time.perf_counter() - wall))
            assert model.table.grad is not None
            gradients.append(float(model.table.grad.norm()))
    counted = timings[job.warm_ups :]
    return {
        "cpu_seconds": statistics.median(timing.cpu for timing in counted),
        "wall_seconds": statistics.median(timing.wall for timing in counted),
        "peak_gb": watch.peak_above_start if watch else 0.0,
        "loss": losses[0],
        "gradient": gradients[0],
        **describe(batch, graph, job),
    }


def compile_loops(model: LinkModel, graph: FlatGraph) -> None:
    """Compile the loops before memory is measured: the compiler's memory is not part of the step."""
    model(draw_batch(graph, 10), on_all_nodes=True).backward()
    model.zero_grad(set_to_none=True)


def train_step(model: LinkModel, optimizer: torch.optim.Optimizer, batch: MiniBatch, *, on_all_nodes: bool) -> float:
    """Forward, backward and update; returns the loss."""
    optimizer.zero_grad(set_to_none=True)
    loss = model(batch, on_all_nodes=on_all_nodes)
    loss.backward()
    optimizer.step()
    return float(loss.item())


def make_state(optimizer: torch.optim.Optimizer) -> None:
    """Make Adam allocate its moments, which it otherwise does at the end of the first step, after the peak.

    Gradients of zero change no weight.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def load_graph(preset: str) -> FlatGraph:
    """The message graph of a synthetic graph."""
    graph = synthetic_knowledge_graph(SyntheticConfig.model_validate({"preset": preset}))
    return FlatGraph.from_hetero_data(to_hetero_data(message_graph(graph)))


def draw_batch(graph: FlatGraph, num_edges: int | None) -> MiniBatch:
    """The same batch in every process; without a number, the whole graph."""
    if num_edges is None:
        of_all = FullGraphSampler(graph, num_edges_per_type=SUPERVISED_ON_FULL_GRAPH, num_negatives=1, seed=0)
        return of_all.sample(0)
    return EdgeSampler(graph, num_edges_per_type=num_edges, num_negatives=1, seed=0).sample(0)


def describe(batch: MiniBatch, graph: FlatGraph, job: Job) -> Figures:
    """Sizes of a batch and the floating-point operations of a step on it."""
    num_positives = batch.positives.source.numel()
    num_layers, num_relations = len(job.widths) - 1, graph.num_relations
    of_all = all_rows(batch, num_layers=num_layers, num_relations=num_relations)
    of_needed = needed_rows(batch, num_layers=num_layers, num_relations=num_relations)
    options = {"num_heads": job.num_heads, "num_positives": num_positives}
    return {
        "num_nodes": batch.num_nodes,
        "num_messages": batch.messages.source.numel(),
        "num_positives": num_positives,
        "num_groups": of_all[0].num_groups,
        "flops": step_flops(of_all, job.widths, **options),
        "flops_needed": step_flops(of_needed, job.widths, **options),
    }


def measure_layer(job: Job) -> Figures:
    """Peak memory (GiB) of one layer's forward and backward pass over random edges."""
    assert job.num_edges is not None
    generator = torch.Generator().manual_seed(0)
    relations = tuple(EdgeType("node", f"relation_{number}", "node") for number in range(RANDOM_RELATIONS))
    metadata = GraphMetadata(("node",), (RANDOM_NODES,), relations, tuple(range(RANDOM_RELATIONS)), {})
    batch = random_batch(job.num_edges, generator)
    widths = (RANDOM_WIDTH, RANDOM_WIDTH)
    layer = build_encoder(
        job.engine, metadata, draw_weights(metadata, widths, num_heads=job.num_heads, generator=generator)
    )
    rows = torch.randn(RANDOM_NODES, RANDOM_WIDTH, generator=generator, requires_grad=True)
    return_freed_memory_from(bytes_at_least=MIB)
    layer(rows, random_batch(RANDOM_RELATIONS, generator)).sum().backward()  # compiles the loops
    rows.grad = None
    layer.zero_grad(set_to_none=True)
    CPU.release()
    with PeakWatch(CPU) as watch:
        layer(rows, batch).square().sum().backward()
    return {"peak_gb": watch.peak_above_start}


def random_batch(num_edges: int, generator: torch.Generator) -> MiniBatch:
    """Edges between random nodes, equally many per relation; the loss scores nothing."""
    source, target = torch.randint(RANDOM_NODES, (2, num_edges), generator=generator)
    relation = torch.arange(num_edges) * RANDOM_RELATIONS // num_edges
    none = torch.empty(0, dtype=torch.int64)
    return MiniBatch(
        node_index=torch.arange(RANDOM_NODES),
        type_ptr=(0, RANDOM_NODES),
        messages=TypedEdges(source, target, relation),
        positives=TypedEdges(none, none, none),
        negative_target=none[:, None],
        weight=torch.empty(0),
        features={},
    )


class Bench:
    """Runs the jobs one after another and collects their figures."""

    def __init__(self, preset: str, widths: Sequence[int], num_heads: int, repeats: int) -> None:
        self._common: dict[str, Any] = {"preset": preset, "widths": widths, "num_heads": num_heads}
        self._repeats = repeats
        self.steps: dict[str, Figures] = {}
        """Keyed by engine and size, such as `ours 5000`."""
        self.bytes_per_edge: dict[str, float] = {}
        """Keyed by engine."""
        self.bfloat16_seconds: dict[str, float] = {}
        """CPU-seconds of our steps with bfloat16 matrix products, keyed by engine and size."""

    def rate(self) -> float:
        """Floating-point operations per second of a matrix product on one thread."""
        rate = self._run("matrix product", task="product")["flops_per_second"]
        print(f"    {rate / 1e9:.0f} GFLOP/s", flush=True)
        return rate

    def run(self, engine: EngineName) -> None:
        """Run all jobs of an engine."""
        if engine == "stock":
            self.step(engine, SIZES[0])
            return
        for num_edges in SIZES:
            self.step(engine, num_edges)
            if engine == "ours":
                self.bfloat16(num_edges)
        if engine == "ours":
            self.step(engine, None)
        self.slope(engine)

    def step(self, engine: EngineName, num_edges: int | None) -> None:
        """Seconds and memory of a training step; for stock, which takes minutes, both in one process."""
        name = f"{engine} {num_edges or 'full graph'}"
        common: dict[str, Any] = {
            "engine": engine,
            "num_edges": num_edges,
            "num_threads": 1 if num_edges else None,
        }
        if engine == "stock":
            figures = self._run(name, task="both", **common)
        else:
            repeats = self._repeats if num_edges else 2
            figures = self._run(f"{name}, seconds", task="seconds", repeats=repeats, warm_ups=1, **common)
            figures["peak_gb"] = self._run(f"{name}, memory", task="memory", **common)["peak_gb"]
        self.steps[name] = figures
        print(
            f"    {figures['cpu_seconds']:.2f} CPU-s, {figures['wall_seconds']:.2f} s, {figures['peak_gb']:.2f} GiB, "
            f"loss {figures['loss']:.6f}",
            flush=True,
        )

    def bfloat16(self, num_edges: int) -> None:
        """Seconds of our step with bfloat16 matrix products."""
        job: dict[str, Any] = {"engine": "ours", "num_edges": num_edges, "precision": "bfloat16"}
        name = f"ours {num_edges}"
        figures = self._run(f"{name}, bfloat16", task="seconds", repeats=self._repeats, warm_ups=1, **job)
        self.bfloat16_seconds[name] = figures["cpu_seconds"]
        print(f"    {figures['cpu_seconds']:.2f} CPU-s, loss {figures['loss']:.6f}", flush=True)

    def slope(self, engine: EngineName) -> None:
        """Memory of one layer per edge."""
        few, many = RANDOM_EDGES[engine]
        peaks = [
            self._run(f"{engine}, layer on {num:,} edges", task="layer", engine=engine, num_edges=num)["peak_gb"]
            for num in (few, many)
        ]
        self.bytes_per_edge[engine] = (peaks[1] - peaks[0]) * 2**30 / (many - few)
        print(f"    {self.bytes_per_edge[engine]:.0f} bytes per edge", flush=True)

    def _run(self, name: str, **options: Any) -> Figures:
        """Run one job in a fresh process. Any: fields of a Job."""
        print(f"{dt.datetime.now():%H:%M:%S} {name} ...", flush=True)
        job = Job(**self._common, **options)
        return in_fresh_process(__file__, ["--one", json.dumps(asdict(job))], num_threads=job.num_threads)


def headlines(bench: Bench, rate: float) -> dict[str, float | None]:
    """The figures for the table of results; None where an engine was left out."""
    seconds = {name: figures["cpu_seconds"] for name, figures in bench.steps.items()}
    peaks = {name: figures["peak_gb"] for name, figures in bench.steps.items()}
    ours, full = bench.steps.get("ours 5000"), bench.steps.get("ours full graph", {})
    values = (
        ratio(seconds, "stock 5000", "ours 5000"),
        ratio(seconds, "split 5000", "ours 5000"),
        ratio(peaks, "ours 5000", "stock 5000"),
        ratio(seconds, "split 20000", "ours 20000"),
        full.get("peak_gb"),
        full.get("wall_seconds"),
        ours["cpu_seconds"] * rate / ours["flops"] if ours else None,
        bench.bytes_per_edge.get("ours"),
    )
    return dict(zip(HEADLINES, values, strict=True))


def ratio(figures: Mapping[str, float], above: str, below: str) -> float | None:
    """Quotient of two figures, or None if one is missing."""
    return figures[above] / figures[below] if above in figures and below in figures else None


def disagreements(steps: Mapping[str, Figures]) -> list[str]:
    """Engines whose loss or gradient differs from that of another engine on the same batch."""
    found = []
    for size in (*map(str, SIZES), "full graph"):
        runs = {name: figures for name, figures in steps.items() if name.endswith(f" {size}")}
        for key, tolerance in (("loss", LOSS_TOLERANCE), ("gradient", GRADIENT_TOLERANCE)):
            values = [figures[key] for figures in runs.values()]
            if values and max(values) - min(values) > tolerance * abs(min(values)):
                found.append(f"{key} of the first step differs between {', '.join(runs)}: {values}")
    return found


def print_tables(bench: Bench, rate: float, machine: str) -> None:
    """Print steps and memory per edge as Markdown."""
    print(f"\n{machine}; matrix product {rate / 1e9:.0f} GFLOP/s on one thread\n")
    print(
        "| step | CPU-s | wall s | peak GiB above start | GFLOP | lower bound, CPU-s "
        "| CPU-s / lower bound | needed rows only |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, step in bench.steps.items():
        bound, needed = step["flops"] / rate, step["flops_needed"] / rate
        print(
            f"| {name} | {step['cpu_seconds']:.2f} | {step['wall_seconds']:.2f} | {step['peak_gb']:.2f} "
            f"| {step['flops'] / 1e9:.0f} | {bound:.2f} | {step['cpu_seconds'] / bound:.2f} "
            f"| {step['cpu_seconds'] / needed:.2f} |"
        )
    print("\n| batch | nodes | messages | positives |\n| --- | --- | --- | --- |")
    sizes = {name.split(" ", 1)[1]: step for name, step in bench.steps.items()}
    for size, step in sizes.items():
        print(f"| {size} | {step['num_nodes']:,} | {step['num_messages']:,} | {step['num_positives']:,} |")
    for name, seconds in bench.bfloat16_seconds.items():
        print(f"\n{name} with bfloat16 matrix products: {seconds:.2f} CPU-s.")
    for engine, slope in bench.bytes_per_edge.items():
        print(f"\nOne layer, {engine}: {slope:.0f} bytes per edge.")


def row(figures: Mapping[str, float | None], machine: str, preset: str) -> str:
    """The row for docs/results/benchmarks.md."""
    cells = ["-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in figures.values()]
    return f"| {' | '.join([dt.date.today().isoformat(), machine, preset, *cells])} |"


def describe_machine() -> str:
    """Processor, threads and torch version."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} threads, torch {torch.__version__}"


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="reference", help="synthetic graph: demo, reference or primekg")
    parser.add_argument("--engines", nargs="+", choices=get_args(EngineName), default=list(get_args(EngineName)))
    parser.add_argument("--skip-stock", action="store_true", help="skip PyG's own layer, which takes minutes")
    parser.add_argument("--repeats", type=int, default=3, help="timed steps per engine except stock, after one warm-up")
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 256, 512], help="input, hidden, output")
    parser.add_argument("--num-heads", type=int, default=8)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(Job(**json.loads(options.one)))))
        return
    engines = [name for name in options.engines if not (name == "stock" and options.skip_stock)]
    bench = Bench(options.preset, options.widths, options.num_heads, options.repeats)
    rate = bench.rate()
    for engine in engines:
        bench.run(engine)
    machine, figures = describe_machine(), headlines(bench, rate)
    print_tables(bench, rate, machine)
    print("\n" + "\n".join(f"{name}: {'-' if value is None else f'{value:.4g}'}" for name, value in figures.items()))
    print(f"\nFor docs/results/benchmarks.md:\n{row(figures, machine, options.preset)}")
    if options.json:
        details = {
            "machine": machine,
            "preset": options.preset,
            "widths": options.widths,
            "num_heads": options.num_heads,
            "flops_per_second": rate,
            "steps": bench.steps,
            "bytes_per_edge": bench.bytes_per_edge,
            "cpu_seconds_with_bfloat16": bench.bfloat16_seconds,
        }
        write_json(options.json, {**figures, "details": details})
    wrong = disagreements(bench.steps)
    if wrong:
        raise SystemExit("the engines do not compute the same:\n" + "\n".join(wrong))
    print("\nLoss and gradient agree between the engines.")


if __name__ == "__main__":
    main()
