"""What one training step costs: CPU-seconds, peak memory and floating-point operations of an engine on a batch."""

import statistics
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from engines import EngineName, LinkModel, draw_weights
from lower_bound import all_rows, needed_rows, step_flops
from measuring import CPU, MIB, return_freed_memory_from, synthetic_data

from hgt_repurposing.model.shape import MatmulPrecision
from hgt_repurposing.sampling.edge_sampling import EdgeSampler, FullGraphSampler
from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import MiniBatch
from hgt_repurposing.training.device import PeakWatch

SUPERVISED_ON_FULL_GRAPH = 5_000
"""Links of each type that the loss scores where the whole graph is one batch."""
Figures = dict[str, float]


@dataclass(frozen=True)
class StepJob:
    """What one process measures."""

    task: Literal["seconds", "memory", "both"]
    preset: str
    widths: Sequence[int]
    """Layer i maps widths[i] to widths[i + 1]."""
    num_heads: int
    engine: EngineName
    num_edges: int | None
    """Of each type in the batch; None takes the whole graph as one batch."""
    repeats: int = 1
    """Steps that are timed, of which the median counts."""
    warm_ups: int = 0
    """Steps before."""
    num_threads: int | None = 1
    """None takes all."""
    precision: MatmulPrecision = "float32"
    """Of our matrix products."""


class Timing(NamedTuple):
    """One training step."""

    cpu: float
    """User and system seconds of the process."""
    wall: float
    """Seconds."""


def measure_step(job: StepJob) -> Figures:
    """CPU-seconds, wall seconds and peak memory (GiB) of a training step in this process, and what the batch holds."""
    if job.num_threads:
        torch.set_num_threads(job.num_threads)
    graph = FlatGraph.from_hetero_data(synthetic_data(job.preset))
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
    """Have the compiled loops in memory before it is read: the compiler's own memory is not the step's."""
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
    """Have Adam make its moments, which it otherwise does at the end of the first step, when the peak is over.

    With gradients of zero it changes no weight.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def draw_batch(graph: FlatGraph, num_edges: int | None) -> MiniBatch:
    """The same batch in every process; the whole graph if no number is given."""
    if num_edges is None:
        of_all = FullGraphSampler(graph, num_edges_per_type=SUPERVISED_ON_FULL_GRAPH, num_negatives=1, seed=0)
        return of_all.sample(0)
    return EdgeSampler(graph, num_edges_per_type=num_edges, num_negatives=1, seed=0).sample(0)


def describe(batch: MiniBatch, graph: FlatGraph, job: StepJob) -> Figures:
    """Sizes of a batch, and the floating-point operations of a step on it."""
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
