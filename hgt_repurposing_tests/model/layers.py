"""Layers with random weights, and all that they compute."""

import torch
from torch import Tensor, nn

from hgt_repurposing.model.attention import AttentionBackend, backend_for
from hgt_repurposing.model.edge_plan import LayerPlan
from hgt_repurposing.model.hgt import HGTLayer
from hgt_repurposing_tests.model.typed_graphs import TypedGraph

CPU = torch.device("cpu")
BACKENDS: dict[str, AttentionBackend] = {
    "compiled": backend_for(CPU, "compiled"),
    "chunked": backend_for(CPU, "chunked"),
    "chunks of 3": backend_for(CPU, "chunked", chunk_edges=3),
    "chunks of 1": backend_for(CPU, "chunked", chunk_edges=1),
}

Computed = dict[str, Tensor]
"""What a layer computes, by name: its output, and the gradients by its input and by each of its parameters."""


def normal(*shape: int, seed: int) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def fill_vectors(module: nn.Module, *, seed: int) -> None:
    """Give biases, gates and priors, which all begin as zeros or ones, different values around their first ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() and parameter.min() == parameter.max():
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.5)


def random_layer(graph: TypedGraph, *, width_in: int, width_out: int, num_heads: int, seed: int) -> HGTLayer:
    """A layer for this graph none of whose weights are alike."""
    layer = HGTLayer(
        len(graph.type_counts),
        len(graph.ends),
        width_in=width_in,
        width_out=width_out,
        num_heads=num_heads,
        generator=torch.Generator().manual_seed(seed),
    )
    fill_vectors(layer, seed=seed)
    return layer


def compute(
    layer: HGTLayer, x: Tensor, plan: LayerPlan, weight: Tensor, backend: AttentionBackend | None = None
) -> Computed:
    """Output, and gradients of the output's sum weighted by `weight`."""
    inputs = {"input": x.clone().requires_grad_()} | dict(layer.named_parameters())
    output = layer(inputs["input"], plan, backend=backend)
    gradients = torch.autograd.grad((output * weight).sum(), tuple(inputs.values()), materialize_grads=True)
    return {"output": output.detach()} | dict(zip(inputs, gradients, strict=True))


def largest_error(ours: Computed, exact: Computed, *, vanishing: float = 0.0) -> float:
    """Largest difference in any tensor, relative to the largest number of that tensor.

    Args:
        ours: Any precision.
        exact: float64.
        vanishing: A tensor whose numbers are all below this share of the largest one anywhere is measured by that
            share instead: it is what terms of ordinary size left when they cancelled, as the gradient by a logit that
            has no other to compete with.
    """
    assert ours.keys() == exact.keys()
    least = vanishing * max(_height(value) for value in exact.values())
    return max(
        _height(ours[name].double() - value) / max(_height(value), least, 1e-30) for name, value in exact.items()
    )


def _height(value: Tensor) -> float:
    return float(value.abs().max()) if value.numel() else 0.0
