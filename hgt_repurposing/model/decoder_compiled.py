"""The products of the link scorer in compiled loops, for the CPU: no gathered vectors, no temporary tensors."""

import numpy as np
import torch
from torch import Tensor

from hgt_repurposing.model.compiled import Array, Arrays, arrays, compiled, prefetch, run_in_threads

AHEAD = 2
"""Number of edges by which vectors are prefetched."""


def trilinear(nodes: Tensor, relations: Tensor, links: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Sum of s * r * t over the width, for each source and each of its targets.

    Args:
        nodes: Shape [num_nodes, width].
        relations: Shape [num_relations, width].
        links: Source and relation, shape [n] each, and targets, shape [n, k].

    Returns:
        Shape [n, k].
    """
    num_links, num_targets = links[2].shape
    product = nodes.new_empty(num_links, num_targets)
    each = torch.arange(num_links + 1)
    numbers = (1 + num_targets) * nodes.shape[1]
    run_in_threads(_trilinear, each, numbers, *arrays(nodes, relations), arrays(*links), *arrays(product))
    return product


def differentiate_trilinear(
    nodes: Tensor, relations: Tensor, links: tuple[Tensor, Tensor, Tensor], gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of nodes and relations; `gradient`, of the products, has shape [n, k].

    Threads split the width, not the links, since many links add to the same node.
    """
    by_node, by_relation = torch.zeros_like(nodes), torch.zeros_like(relations)
    columns = torch.arange(nodes.shape[1] + 1)
    run_in_threads(
        _differentiate,
        columns,
        2 * gradient.numel(),
        *arrays(nodes, relations),
        arrays(*links),
        *arrays(gradient),
        arrays(by_node, by_relation),
    )
    return by_node, by_relation


@compiled
def _trilinear(first: int, last: int, nodes: Array, relations: Array, links: Arrays, product: Array) -> None:
    source, relation, target = links
    for i in range(first, last):
        s, r = source[i], relation[i]
        following = min(i + AHEAD, len(source) - 1)
        prefetch(nodes, source[following])
        for k in range(target.shape[1]):
            prefetch(nodes, target[following, k])
            t = target[i, k]
            total = nodes.dtype.type(0)
            for d in range(nodes.shape[1]):
                total += nodes[s, d] * relations[r, d] * nodes[t, d]
            product[i, k] = total


@compiled
def _differentiate(
    first: int, last: int, nodes: Array, relations: Array, links: Arrays, gradient: Array, into: Arrays
) -> None:
    """With m the sum of g_k * t_k over targets: s gets r * m, r gets s * m, and each t_k gets g_k * s * r."""
    source, relation, target = links
    by_node, by_relation = into
    mixed = np.empty(last - first, nodes.dtype)
    for i in range(len(source)):
        s, r = source[i], relation[i]
        following = min(i + AHEAD, len(source) - 1)
        prefetch(nodes, source[following])
        prefetch(by_node, source[following])
        mixed[:] = 0
        for k in range(target.shape[1]):
            prefetch(nodes, target[following, k])
            prefetch(by_node, target[following, k])
            t, g = target[i, k], gradient[i, k]
            for d in range(first, last):
                mixed[d - first] += g * nodes[t, d]
            for d in range(first, last):
                by_node[t, d] += g * nodes[s, d] * relations[r, d]
        for d in range(first, last):
            by_node[s, d] += relations[r, d] * mixed[d - first]
        for d in range(first, last):
            by_relation[r, d] += nodes[s, d] * mixed[d - first]
