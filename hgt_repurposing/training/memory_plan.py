"""Predict the memory of a training step, and plan batches that stay within a budget.

The prediction counts the tensors alive at the peak, which is in the backward pass of the last layer: saved tensors,
gradients in flight, gradients and moments of the parameters, and the samplers' copy of the graph. A trial batch
provides the numbers of nodes and edges; the planner halves the batch and doubles the batches per update until it fits.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from hgt_repurposing.model.edge_plan import EncoderPlan, LayerPlan
from hgt_repurposing.model.shape import EncoderShape
from hgt_repurposing.process_memory import GIB

logger = logging.getLogger(__name__)

FLOAT = 4
"""Bytes of a float32."""
EDGE_BYTES = 3 * 8 + 4 * 4
"""Bytes per batch edge: source, target and relation as drawn, and four int32 in the plan of a layer."""
PAIR_BYTES = 200
"""Bytes per scored pair: its target, twice in this batch and the next one; the draws, keys and indices used to find
targets that are edges; logits and their gradients. Measured with 64 corrupted targets per true one; with the 72 bytes
that counting gives, predictions fall to 0.52 of the measured peak."""
GRAPH_EDGE_BYTES = 2 * 8 + 8 + 2 * 4
"""Bytes per edge of the graph: its ends, its key for membership tests, its index in the current pass and among the
in-edges of its target."""
LIBRARIES_GB = 0.06
"""GiB for compiled loops and what libraries load in the first step. Measured; without it, small peaks are predicted at
half their size."""
CHUNK_SHARE = 0.05
"""Share of the budget for the vectors of one chunk of edges."""
CHUNK_TENSORS = 12
"""Temporary vectors of layer width per edge of a chunk: twice the 6.1 to 6.6 measured on a CPU, since no GPU was
available to measure."""
CHUNK_BOUNDS = (1024, 131_072)
SLACK = 1.1
"""Safety factor, not fitted: allocators round up and cache blocks, and batches differ slightly. Without it predictions
are 0.87 to 1.15 of the measured peak, and too little is worse than too much."""


@dataclass(frozen=True)
class BatchPlan:
    """Current batch sizes."""

    edge_sample_size: int
    node_batch_size: int
    accumulation_steps: int
    chunk_edges: int

    def halved(self) -> "BatchPlan":
        """Batches of half the size, twice as many per update."""
        return replace(
            self,
            edge_sample_size=max(1, self.edge_sample_size // 2),
            node_batch_size=max(1, self.node_batch_size // 2),
            accumulation_steps=2 * self.accumulation_steps,
            chunk_edges=max(CHUNK_BOUNDS[0], self.chunk_edges // 2),
        )


class StepSize(NamedTuple):
    """Counts that determine the memory of a step."""

    num_parameters: int
    """Trainable parameters."""
    encoder: EncoderPlan
    """Nodes and edges of each layer."""
    num_pairs: int
    """Positives and negatives that the loss scores."""
    num_graph_edges: int
    """Edges of the whole graph, each direction counted."""
    chunk_edges: int
    """Edges per chunk; 0 without chunks."""


def predicted_gb(size: StepSize, shape: EncoderShape, *, accumulates: bool) -> float:
    """Predicted peak of a training step above the process's memory before training, GiB.

    Args:
        size: Counts of a batch.
        shape: Widths of the encoder.
        accumulates: Whether gradients of several batches are accumulated, which temporarily needs a second set.
    """
    width = shape.hidden_dim
    layers = size.encoder.layers
    # Weights, gradients and Adam's two moments; the next batch's gradients before they are added.
    parameters = (4 + accumulates) * size.num_parameters * FLOAT
    num_edges = max((sum(edges.column.numel() for edges in layer.relations) for layer in layers), default=0)
    # The batch itself, and the next one, which is prefetched. The layers of the full graph share one plan.
    num_plans = len({id(layer) for layer in layers})
    edges = 2 * num_edges * EDGE_BYTES * num_plans + size.num_pairs * PAIR_BYTES
    inputs = size.encoder.inputs.num_nodes * width
    saved = inputs + sum(_saved(layer, shape) for layer in layers)
    outputs = 3 * size.encoder.output_type_ptr[-1] * shape.embedding_dim
    worst = max((_backward(layer, width, shape.num_heads) for layer in layers), default=0)
    largest = max((edges.column.numel() for layer in layers for edges in layer.relations), default=0)
    chunk = CHUNK_TENSORS * width * min(size.chunk_edges, largest)
    step = SLACK * (parameters + edges + FLOAT * (saved + outputs + worst + chunk))
    return LIBRARIES_GB + (step + size.num_graph_edges * GRAPH_EDGE_BYTES) / GIB


def plan_batches(
    wanted: BatchPlan,
    *,
    budget_gb: float,
    need_gb: Callable[[BatchPlan], float],
    smallest: Callable[[BatchPlan], bool],
    width: int,
) -> tuple[BatchPlan, float]:
    """The requested batches, or smaller ones that fit the budget, and the predicted peak of a step, GiB.

    Args:
        wanted: As configured.
        budget_gb: Memory budget, GiB.
        need_gb: Predicts the peak of a step.
        smallest: Whether a batch cannot be made smaller.
        width: Width of the layers.

    Raises:
        ValueError: If even the smallest batch does not fit; reports the memory needed.
    """
    chunk = int(budget_gb * GIB * CHUNK_SHARE / (CHUNK_TENSORS * width * FLOAT))
    # A power of two, so that sums over chunks do not change with small differences in free memory.
    chunk = 1 << min(max(chunk, CHUNK_BOUNDS[0]), CHUNK_BOUNDS[1]).bit_length() - 1
    plan = replace(wanted, chunk_edges=chunk)
    need = need_gb(plan)
    while need > budget_gb and not smallest(plan):
        plan = plan.halved()
        need = need_gb(plan)
    if need > budget_gb:
        plan = replace(plan, chunk_edges=CHUNK_BOUNDS[0])
        need = need_gb(plan)
    if need > budget_gb:
        raise ValueError(
            f"memory_budget_gb must be at least {math.ceil(need * 100) / 100:.2f} for the smallest batch of this graph "
            f"and these widths (got {budget_gb:.2f})"
        )
    logger.info("memory: %.2f GiB predicted at the peak of a step, %.2f GiB allowed", need, budget_gb)
    if plan.accumulation_steps != wanted.accumulation_steps:
        logger.warning(
            "batches reduced to stay within %.2f GiB: %d edges per type or %d seed nodes, %d batches per "
            "update", budget_gb, plan.edge_sample_size, plan.node_batch_size, plan.accumulation_steps,
        )  # fmt: skip
    return plan, need


def _saved(layer: LayerPlan, shape: EncoderShape) -> int:
    """Number of values that a layer saves for its backward pass.

    Values, aggregated messages before and after the activation, and with attention queries and keys; then the mapped
    vectors, the residual, and inputs and outputs of the normalisation.
    """
    attends = shape.encoder == "hgt"
    nodes = (2 + attends) * layer.receivers.num_nodes + (1 + attends) * layer.senders.num_nodes
    return shape.hidden_dim * (nodes + 4 * layer.outputs.num_nodes)


def _backward(layer: LayerPlan, width: int, num_heads: int) -> int:
    """Number of temporary values while a layer's gradients are computed."""
    num_inputs = layer.outputs.num_nodes if layer.outputs.places is None else int(layer.outputs.places[-1]) + 1
    nodes = 2 * layer.outputs.num_nodes + 3 * layer.receivers.num_nodes + 2 * layer.senders.num_nodes + 3 * num_inputs
    relations = [
        4 * width * max(edges.targets.numel(), edges.sources.numel()) + 2 * num_heads * edges.column.numel()
        for edges in layer.relations
    ]
    return width * nodes + max(relations, default=0)
