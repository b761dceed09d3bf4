"""One affine map per node type over rows sorted by type, without copying inputs or outputs."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hgt_repurposing.model.edge_plan import Nodes, rows_of
from hgt_repurposing.model.shape import MatmulPrecision


class TypedLinear(nn.Module):
    """One affine map per node type."""

    def __init__(
        self,
        num_types: int,
        width_in: int,
        width_out: int,
        *,
        generator: torch.Generator,
        precision: MatmulPrecision = "float32",
    ) -> None:
        super().__init__()
        self.weight = glorot(num_types, width_in, width_out, generator=generator)
        self.bias = nn.Parameter(torch.zeros(num_types, width_out))
        self.precision = precision

    def forward(self, x: Tensor, nodes: Nodes, *, into: Nodes | None = None) -> Tensor:
        """Transform the rows of some nodes.

        Args:
            x: Shape [num_inputs, width_in].
            nodes: Rows to transform.
            into: If given, the result has one row for each of these nodes: `into.places` lists those that are
                transformed, in the order of `nodes`; the others get their type's bias, as if their row were zero.

        Returns:
            Shape [nodes.num_nodes, width_out], or [into.num_nodes, width_out].
        """
        result: Tensor = _TypedAffine.apply(x, self.weight, self.bias, nodes, into, self.precision)  # type: ignore[no-untyped-call]  # torch has no types for it
        return result


class _TypedAffine(torch.autograd.Function):
    """Writes block by block into one result; gathers rows again in the backward pass instead of saving them."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: autograd's context has no type
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        nodes: Nodes,
        into: Nodes | None,
        precision: MatmulPrecision,
    ) -> Tensor:
        into = into or Nodes(None, nodes.type_ptr)
        result = x.new_empty(into.num_nodes, weight.shape[2])
        if into.places is not None:
            for kind, block in _blocks(into.type_ptr):
                result[block] = bias[kind]
        for kind, block in _blocks(nodes.type_ptr):
            rows = _rows(x, nodes, block)
            if into.places is not None:
                mapped = _product(rows, weight[kind], precision) + bias[kind]
                result.index_copy_(0, into.places[block], mapped)
            elif precision == "float32":
                torch.addmm(bias[kind], rows, weight[kind], out=result[block])
            else:
                torch.add(_product(rows, weight[kind], precision), bias[kind], out=result[block])
        ctx.save_for_backward(x, weight)
        ctx.nodes, ctx.into, ctx.precision = nodes, into, precision
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None, None, None]:
        x, weight = ctx.saved_tensors
        nodes: Nodes = ctx.nodes
        into: Nodes = ctx.into
        gradient = gradient.contiguous()
        by_weight = torch.zeros_like(weight)
        by_bias = weight.new_zeros(weight.shape[0], weight.shape[2])
        for kind, block in _blocks(into.type_ptr):
            by_bias[kind] = gradient[block].sum(0)
        by_x = torch.empty_like(x) if nodes.places is None else torch.zeros_like(x)
        for kind, block in _blocks(nodes.type_ptr):
            here = gradient[block] if into.places is None else gradient.index_select(0, into.places[block])
            by_weight[kind] = _product(_rows(x, nodes, block).T, here, ctx.precision)
            by_rows = _product(here, weight[kind].T, ctx.precision)
            if nodes.places is None:
                by_x[block] = by_rows
            else:
                by_x.index_copy_(0, nodes.places[block], by_rows)
        return by_x, by_weight, by_bias, None, None, None


def per_node(per_type: Tensor, type_ptr: Sequence[int]) -> Tensor:
    """Spread one row per type over the nodes. Shape [num_types, ...] to [num_nodes, ...]."""
    counts = torch.tensor(type_ptr, device=per_type.device).diff()
    return per_type.repeat_interleave(counts, dim=0, output_size=type_ptr[-1])


def glorot(*shape: int, generator: torch.Generator) -> nn.Parameter:
    """Uniform initialisation over the last two dimensions (Glorot and Bengio, 2010)."""
    bound = math.sqrt(6 / (shape[-2] + shape[-1]))
    return nn.Parameter((torch.rand(*shape, generator=generator) * 2 - 1) * bound)


def _blocks(type_ptr: Sequence[int]) -> list[tuple[int, slice]]:
    """Non-empty node types with their rows."""
    bounds = enumerate(pairwise(type_ptr))
    return [(kind, slice(first, last)) for kind, (first, last) in bounds if first < last]


def _rows(x: Tensor, nodes: Nodes, block: slice) -> Tensor:
    return x[block] if nodes.places is None else rows_of(x, nodes.places[block])


def _product(left: Tensor, right: Tensor, precision: MatmulPrecision) -> Tensor:
    if precision == "float32":
        return left @ right
    return (left.bfloat16() @ right.bfloat16()).to(left.dtype)
