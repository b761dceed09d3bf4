"""Lower bound of the time of a training step: its multiplications at the rate of this machine's matrix products."""

import statistics
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from hgt_repurposing.sampling.minibatch import MiniBatch, TypedEdges

ROWS_OF_THE_PRODUCT = 20_000


class LayerCounts(NamedTuple):
    """Sizes of what one layer computes."""

    num_sources: int
    """Rows that need a key and a value."""
    num_targets: int
    """Rows that need a query and an output."""
    num_groups: int
    """Rows multiplied by the relations' matrices: for each relation, its distinct sources or its distinct targets,
    whichever are fewer."""
    num_edges: int
    """Messages."""


def step_flops(layers: Sequence[LayerCounts], widths: Sequence[int], *, num_heads: int, num_positives: int) -> float:
    """Floating-point operations of one training step; a multiplication plus an addition count as two.

    Forward pass of a layer from width I to width F with H heads of width D = F / H:
        keys and values   2 * 2 I F per source
        queries           2 I F     per target
        W_r and M_r       2 * 2 F D per group (H products with D x D matrices, each 2 D D)
        scores, sums      2 * 2 F   per edge
        output            2 F F     per target
    The scorer needs 3 times the last width for each true and each corrupted link.

    The backward pass takes twice the forward pass: every product has a gradient for each of its two factors, including
    the input table. Softmax, activations, gathers and Adam are not counted: memory, not arithmetic, limits them.

    Args:
        layers: First layer first.
        widths: Layer i maps widths[i] to widths[i + 1].
        num_heads: Attention heads of every layer.
        num_positives: True links that the loss scores; there are as many corrupted ones.
    """
    forward = 3.0 * widths[-1] * 2 * num_positives
    for counts, (width_in, width_out) in zip(layers, pairwise(widths), strict=True):
        forward += 4 * width_in * width_out * counts.num_sources
        forward += (2 * width_in * width_out + 2 * width_out * width_out) * counts.num_targets
        forward += 4 * width_out * (width_out // num_heads) * counts.num_groups
        forward += 4 * width_out * counts.num_edges
    return 3 * forward


def all_rows(batch: MiniBatch, *, num_layers: int, num_relations: int) -> list[LayerCounts]:
    """Counts of the paper's algorithm, in which every layer computes every node of the batch."""
    groups = num_groups(batch.messages, num_relations=num_relations, num_nodes=batch.num_nodes)
    return [LayerCounts(batch.num_nodes, batch.num_nodes, groups, batch.messages.source.numel())] * num_layers


def needed_rows(
    batch: MiniBatch, *, num_layers: int, num_relations: int, rows: Tensor | None = None
) -> list[LayerCounts]:
    """Counts of only what these rows of the last layer depend on, layer by layer.

    Args:
        batch: The mini graph.
        num_layers: Number of layers of the encoder.
        num_relations: Number of relations of the graph.
        rows: Local indices of nodes, without repeats; by default the nodes whose links the loss scores. Shape [n].
    """
    if rows is None:
        rows = torch.cat([batch.positives.source, batch.positives.target, batch.negative_target.flatten()]).unique()
    counts = []
    for _ in range(num_layers):
        is_wanted = torch.zeros(batch.num_nodes, dtype=torch.bool)
        is_wanted[rows] = True
        arriving = is_wanted[batch.messages.target]
        edges = TypedEdges(*(part[arriving] for part in batch.messages))
        sources = edges.source.unique()
        groups = num_groups(edges, num_relations=num_relations, num_nodes=batch.num_nodes)
        counts.append(LayerCounts(sources.numel(), rows.numel(), groups, edges.source.numel()))
        rows = torch.cat([rows, sources]).unique()
    return counts[::-1]


def num_groups(edges: TypedEdges, *, num_relations: int, num_nodes: int) -> int:
    """Sum over relations of the distinct sources or distinct targets, whichever are fewer."""
    per_side = [
        (edges.relation * num_nodes + end).unique().div(num_nodes, rounding_mode="floor").bincount(
            minlength=num_relations
        )
        for end in (edges.source, edges.target)
    ]  # fmt: skip
    return int(torch.minimum(*per_side).sum())


def product_rate(widths: Sequence[int], *, repeats: int = 7) -> float:
    """Floating-point operations per CPU-second of matrix products with the shapes of the step, in float32.

    The median of several products of each shape, weighted by operations, on the threads that torch may use.
    """
    operations = seconds = 0.0
    for width_in, width_out in pairwise(widths):
        for inner, outer in ((width_in, 3 * width_out), (width_out, width_out)):
            left, right = torch.randn(ROWS_OF_THE_PRODUCT, inner), torch.randn(inner, outer)
            out = left @ right
            taken = []
            for _ in range(repeats):
                started = time.process_time()
                torch.mm(left, right, out=out)
                taken.append(time.process_time() - started)
            operations += 2.0 * ROWS_OF_THE_PRODUCT * inner * outer
            seconds += statistics.median(taken)
    return operations / seconds
