"""The products of the link scorer in compiled loops, for the CPU: no gathered vectors, no temporary tensors."""

import torch
from torch import Tensor

from hgt_repurposing.model.compiled import Array, Arrays, arrays, compiled, prefetch, run_in_threads


def trilinear(nodes: Tensor, relations: Tensor, edges: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Sum of s * r * t over the width, for each edge.

    Args:
        nodes: Shape [num_nodes, width].
        relations: Shape [num_relations, width].
        edges: Source, relation and target. Shape [num_edges] each.

    Returns:
        Shape [num_edges].
    """
    num_edges = edges[0].numel()
    product = nodes.new_empty(num_edges)
    each = torch.arange(num_edges + 1)
    run_in_threads(_trilinear, each, 2 * nodes.shape[1], *arrays(nodes, relations), arrays(*edges), *arrays(product))
    return product


def differentiate_trilinear(
    nodes: Tensor, relations: Tensor, edges: tuple[Tensor, Tensor, Tensor], gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients by the nodes and by the relations; `gradient`, by the products, has shape [num_edges].

    Threads share the width and not the edges, for many edges add to one node.
    """
    by_node, by_relation = torch.zeros_like(nodes), torch.zeros_like(relations)
    columns = torch.arange(nodes.shape[1] + 1)
    run_in_threads(
        _differentiate,
        columns,
        4 * gradient.numel(),
        *arrays(nodes, relations),
        arrays(*edges),
        *arrays(gradient),
        arrays(by_node, by_relation),
    )
    return by_node, by_relation


@compiled
def _trilinear(first: int, last: int, nodes: Array, relations: Array, edges: Arrays, product: Array) -> None:
    source, relation, target = edges
    for e in range(first, last):
        s, r, t = source[e], relation[e], target[e]
        following = min(e + 1, len(source) - 1)
        prefetch(nodes, source[following])
        prefetch(nodes, target[following])
        total = nodes.dtype.type(0)
        for d in range(nodes.shape[1]):
            total += nodes[s, d] * relations[r, d] * nodes[t, d]
        product[e] = total


@compiled
def _differentiate(
    first: int, last: int, nodes: Array, relations: Array, edges: Arrays, gradient: Array, into: Arrays
) -> None:
    source, relation, target = edges
    by_node, by_relation = into
    for e in range(len(source)):
        s, r, t = source[e], relation[e], target[e]
        g = gradient[e]
        for d in range(first, last):
            by_node[s, d] += g * relations[r, d] * nodes[t, d]
        for d in range(first, last):
            by_node[t, d] += g * relations[r, d] * nodes[s, d]
        for d in range(first, last):
            by_relation[r, d] += g * nodes[s, d] * nodes[t, d]
