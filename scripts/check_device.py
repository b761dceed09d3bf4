"""Check whether a model can be trained on this machine's device; prints a block of text to paste into an issue.

Compares with PyG's HGT layer and with float64 results, and checks gradients, a short training, memory from batch to
batch, and speed, on a synthetic graph. Exit status 1 if a check failed; being slower than the CPU is not a failure.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numba
import psutil
import torch
import torch_geometric
from device_case import CPU, Case, engines_of
from device_checks import IS_MISSING, STEP, Check, run_checks
from shipped import first_system

from hgt_repurposing.graph.synthetic import SyntheticConfig, synthetic_knowledge_graph
from hgt_repurposing.process_memory import GIB
from hgt_repurposing.text_table import aligned
from hgt_repurposing.training.device import ComputeDevice

FALLBACK = "PYTORCH_ENABLE_MPS_FALLBACK"
SHORT = first_system(num_epochs=30, accumulation_steps=1, learning_rate=0.01, decoder="distmult", checkpoint_every=0)
SIZES = {
    "demo": SHORT.model_copy(update={"embedding_dim": 128, "hidden_dim": 128, "edge_sample_size": 1000}),
    "reference": SHORT,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the script; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="default: auto")
    parser.add_argument("--preset", choices=SIZES, default="demo", help="reference: 512 / 256 wide, many minutes")
    options = parser.parse_args(arguments)
    torch.set_float32_matmul_precision("highest")  # no TF32
    try:
        device = ComputeDevice.pick(options.device)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    # Flush at once: an error inside a driver may end the process; stderr then shows which check was running.
    print("```", *machine_lines(device, options.preset), "", sep="\n", flush=True)
    graph = synthetic_knowledge_graph(SyntheticConfig.model_validate({"preset": options.preset, "mechanism": "module"}))
    case = Case(graph, SIZES[options.preset], device)
    checks = run_checks(case, engines_of(device), on_check=lambda name: print(f"{name} ...", file=sys.stderr))
    print(*table(checks), "", verdict(checks, device), "```", sep="\n")
    return 0 if all(check.ok for check in checks) else 1


def machine_lines(device: ComputeDevice, preset: str) -> list[str]:
    """The machine on which the figures were measured."""
    fallback = f", {FALLBACK}={os.environ[FALLBACK]}" if FALLBACK in os.environ else ""
    return [
        f"device   {device.name}: {device_name(device)}; full float32 products, no TF32{fallback}",
        f"machine  {chip_name()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, "
        f"{psutil.virtual_memory().total / GIB:.0f} GiB; {platform.platform()}",
        f"torch {torch.__version__}, torch_geometric {torch_geometric.__version__}, numba {numba.__version__}, "
        f"Python {platform.python_version()}; graph: {preset}",
    ]


def device_name(device: ComputeDevice) -> str:
    """Name and memory of the device."""
    if device.name == "cuda":
        properties = torch.cuda.get_device_properties(device.torch)
        return f"{properties.name}, {properties.total_memory / GIB:.0f} GiB"
    if device.name == "mps":
        return f"{chip_name()}, {torch.mps.recommended_max_memory() / GIB:.0f} GiB recommended"
    return chip_name()


def chip_name() -> str:
    """The system's name for the processor."""
    if sys.platform == "darwin":
        call = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(call, check=False, capture_output=True, text=True).stdout.strip() or platform.machine()  # noqa: S603  (a fixed call)
    known = Path("/proc/cpuinfo")
    lines = known.read_text().splitlines() if known.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def table(checks: Sequence[Check]) -> list[str]:
    """One line per check."""
    rows = [("check", "on", "figure", "limit", "", "")]
    for check in checks:
        bar, outcome = ("", "") if check.bar is None else (number(check.bar), "ok" if check.ok else "FAILED")
        rows.append((check.name, check.on, f"{number(check.figure)} {check.unit}".strip(), bar, outcome, check.note))
    return aligned(rows, right={2, 3})


def number(value: float) -> str:
    """The value with three significant digits."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def verdict(checks: Sequence[Check], device: ComputeDevice) -> str:
    """Whether to train on this device."""
    failed = [check for check in checks if not check.ok]
    named = "; ".join(f"{check.name} on {check.on}" for check in failed)
    if any(IS_MISSING in check.note for check in failed):
        named += f". With {FALLBACK}=1 set, missing operators run on the CPU: try again"
    if any(check.on.startswith("cpu") for check in failed):
        return f"FAILED: do not train on this machine before this is understood: {named}"
    if failed:
        return f"use cpu: {named}"
    factor = slowness(checks, device)
    if factor > 1:
        return f"use cpu at this size: {device.name} is right, but a step takes {factor:.1f} times as long"
    return f"ok: train on {device.name}"


def slowness(checks: Sequence[Check], device: ComputeDevice) -> float:
    """Time of a step on the device divided by that on the CPU."""
    taken = {check.on: check.figure for check in checks if check.name == STEP}
    return 1.0 if device == CPU else taken[device.name] / taken["cpu, compiled"]


if __name__ == "__main__":
    sys.exit(main())
