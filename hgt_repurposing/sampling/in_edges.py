"""Edges of every relation by target, and sampling a few per target at a cost independent of degree."""

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph


class InEdges:
    """The edges of every relation, sorted once by target."""

    def __init__(self, graph: FlatGraph) -> None:
        types = graph.metadata.node_types
        self._type_ptr = torch.tensor(graph.type_ptr)
        self._target_type = [types.index(relation.target) for relation in graph.metadata.relations]
        self._order = [targets.argsort(stable=True).int() for targets in graph.targets]
        self._ptr = [
            _row_ptr(targets - graph.type_ptr[number], num_rows=graph.metadata.type_counts[number])
            for targets, number in zip(graph.targets, self._target_type, strict=True)
        ]

    def draw(self, nodes: Tensor, fan_out: int, *, generator: torch.Generator) -> list[Tensor]:
        """Draw up to `fan_out` in-edges per node and relation without replacement.

        Args:
            nodes: Flat ids, ascending. Shape [n].
            fan_out: At least 1.
            generator: Source of randomness.

        Returns:
            Edge indices per relation. Shape [at most n * fan_out] each, int32.
        """
        bounds = torch.searchsorted(nodes, self._type_ptr).tolist()
        rows = [nodes[low:high] - first for low, high, first in zip(bounds, bounds[1:], self._type_ptr, strict=False)]
        return [
            order[_draw_indices(ptr[rows[number]], ptr[rows[number] + 1], fan_out, generator=generator)]
            for order, ptr, number in zip(self._order, self._ptr, self._target_type, strict=True)
        ]


def draw_subsets(sizes: Tensor, k: int, *, generator: torch.Generator) -> Tensor:
    """For each n in `sizes`, draw k of the integers below n; all subsets are equally likely.

    Floyd's algorithm (Bentley and Floyd, CACM 1987) for all sets at once: for j = n - k, ..., n - 1 draw an integer up
    to j and add it or, if it is already in the set, j itself, which cannot be.

    Args:
        sizes: At least k each. Shape [num_sets].
        k: Size of each set.
        generator: Source of randomness.

    Returns:
        One set per column. Shape [k, num_sets].
    """
    uniform = torch.rand(k, sizes.numel(), generator=generator, dtype=torch.float64)
    chosen = torch.empty(k, sizes.numel(), dtype=torch.int64)
    for i in range(k):
        last = sizes - k + i
        candidate = (uniform[i] * (last + 1)).long()
        taken = (chosen[:i] == candidate).any(0)
        chosen[i] = torch.where(taken, last, candidate)
    return chosen


def _draw_indices(start: Tensor, stop: Tensor, fan_out: int, *, generator: torch.Generator) -> Tensor:
    """Draw up to `fan_out` indices of every range [start, stop). Shape [n] to [at most n * fan_out]."""
    size = stop - start
    many = size > fan_out
    subset = draw_subsets(size[many], fan_out, generator=generator)
    return torch.cat([_all_indices(start[~many], size[~many]), (start[many] + subset).flatten()])


def _all_indices(start: Tensor, size: Tensor) -> Tensor:
    """Concatenate the ranges start, ..., start + size - 1."""
    skipped = start - (size.cumsum(0) - size)
    return torch.arange(int(size.sum())) + skipped.repeat_interleave(size)


def _row_ptr(rows: Tensor, *, num_rows: int) -> Tensor:
    """Offset of each row after sorting, then the total. Shape [num_rows + 1]."""
    ptr = torch.zeros(num_rows + 1, dtype=torch.int64)
    ptr[1:] = rows.bincount(minlength=num_rows).cumsum(0)
    return ptr
