"""The figures of `bench_engine.py` as tables, headlines and the row for `docs/results/benchmarks.md`."""

import datetime as dt
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from step_cost import Figures

SIZES = (5_000, 20_000)
"""Edges of each type in a batch."""
LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
"""Relative; sums of tens of thousands of terms in float32, in another order."""
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


@dataclass
class Results:
    """What has been measured so far."""

    rate: float
    """Floating-point operations per second of a matrix product on one thread."""
    steps: dict[str, Figures] = field(default_factory=dict)
    """By engine and size, such as `ours 5000`."""
    bytes_per_edge: dict[str, float] = field(default_factory=dict)
    """By engine."""
    bfloat16_seconds: dict[str, float] = field(default_factory=dict)
    """CPU-seconds of our steps with matrix products in bfloat16, by engine and size."""


def headlines(results: Results) -> dict[str, float | None]:
    """The figures that are followed from version to version; None where an engine was left out."""
    seconds = {name: figures["cpu_seconds"] for name, figures in results.steps.items()}
    peaks = {name: figures["peak_gb"] for name, figures in results.steps.items()}
    ours, full = results.steps.get("ours 5000"), results.steps.get("ours full graph", {})
    values = (
        ratio(seconds, "stock 5000", "ours 5000"),
        ratio(seconds, "split 5000", "ours 5000"),
        ratio(peaks, "ours 5000", "stock 5000"),
        ratio(seconds, "split 20000", "ours 20000"),
        full.get("peak_gb"),
        full.get("wall_seconds"),
        ours["cpu_seconds"] * results.rate / ours["flops"] if ours else None,
        results.bytes_per_edge.get("ours"),
    )
    return dict(zip(HEADLINES, values, strict=True))


def ratio(figures: Mapping[str, float], above: str, below: str) -> float | None:
    """Quotient of two figures, if both are there."""
    return figures[above] / figures[below] if above in figures and below in figures else None


def disagreements(steps: Mapping[str, Figures]) -> list[str]:
    """Engines whose loss, or gradient by the table, is not that of another engine on the same batch."""
    found = []
    for size in (*map(str, SIZES), "full graph"):
        runs = {name: figures for name, figures in steps.items() if name.endswith(f" {size}")}
        for key, tolerance in (("loss", LOSS_TOLERANCE), ("gradient", GRADIENT_TOLERANCE)):
            values = [figures[key] for figures in runs.values()]
            if values and max(values) - min(values) > tolerance * abs(min(values)):
                found.append(f"{key} of the first step differs between {', '.join(runs)}: {values}")
    return found


def print_tables(results: Results, machine: str) -> None:
    """Steps and slopes as Markdown."""
    print(f"\n{machine}; matrix product {results.rate / 1e9:.0f} GFLOP/s on one thread\n")
    print(
        "| step | CPU-s | wall s | peak GiB above start | GFLOP | lower bound, CPU-s "
        "| CPU-s / lower bound | needed rows only |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, step in results.steps.items():
        bound, needed = step["flops"] / results.rate, step["flops_needed"] / results.rate
        print(
            f"| {name} | {step['cpu_seconds']:.2f} | {step['wall_seconds']:.2f} | {step['peak_gb']:.2f} "
            f"| {step['flops'] / 1e9:.0f} | {bound:.2f} | {step['cpu_seconds'] / bound:.2f} "
            f"| {step['cpu_seconds'] / needed:.2f} |"
        )
    print("\n| batch | nodes | messages | positives |\n| --- | --- | --- | --- |")
    sizes = {name.split(" ", 1)[1]: step for name, step in results.steps.items()}
    for size, step in sizes.items():
        print(f"| {size} | {step['num_nodes']:,} | {step['num_messages']:,} | {step['num_positives']:,} |")
    for name, seconds in results.bfloat16_seconds.items():
        print(f"\n{name} with matrix products in bfloat16: {seconds:.2f} CPU-s.")
    for engine, slope in results.bytes_per_edge.items():
        print(f"\nOne layer, {engine}: {slope:.0f} bytes per edge.")


def row(figures: Mapping[str, float | None], machine: str, preset: str) -> str:
    """The line for docs/results/benchmarks.md."""
    cells = ["-" if value is None else f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in figures.values()]
    return f"| {' | '.join([dt.date.today().isoformat(), machine, preset, *cells])} |"


def describe_machine() -> str:
    """Processor, cores and version of torch."""
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} threads, torch {torch.__version__}"
