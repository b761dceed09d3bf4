"""The products of the link scorer in plain PyTorch, a chunk of links at a time: for CUDA and MPS."""

from collections.abc import Iterator

import torch
from torch import Tensor

CHUNK_EDGES = 4096
"""Edges whose vectors are gathered at once."""


def trilinear(nodes: Tensor, relations: Tensor, links: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """See `decoder_compiled.trilinear`."""
    source, relation, targets = links
    product = nodes.new_empty(targets.shape)
    for chunk in _chunks(targets):
        start = nodes.index_select(0, source[chunk]) * relations.index_select(0, relation[chunk])
        ends = nodes.index_select(0, targets[chunk].flatten()).view(*targets[chunk].shape, -1)
        product[chunk] = (ends @ start[:, :, None]).squeeze(2)
    return product


def differentiate_trilinear(
    nodes: Tensor, relations: Tensor, links: tuple[Tensor, Tensor, Tensor], gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """See `decoder_compiled.differentiate_trilinear`."""
    source, relation, targets = links
    by_node, by_relation = torch.zeros_like(nodes), torch.zeros_like(relations)
    for chunk in _chunks(targets):
        start, kind, ends, g = source[chunk], relation[chunk], targets[chunk], gradient[chunk]
        s, r = nodes.index_select(0, start), relations.index_select(0, kind)
        t = nodes.index_select(0, ends.flatten()).view(*ends.shape, -1)
        mixed = (g[:, None, :] @ t).squeeze(1)
        by_node.index_add_(0, ends.flatten(), (g[:, :, None] * (s * r)[:, None, :]).flatten(0, 1))
        by_node.index_add_(0, start, r * mixed)
        by_relation.index_add_(0, kind, s * mixed)
    return by_node, by_relation


def _chunks(targets: Tensor) -> Iterator[slice]:
    """Blocks of links with at most CHUNK_EDGES edges, but at least one link."""
    step = max(1, CHUNK_EDGES // max(1, targets.shape[1]))
    for start in range(0, targets.shape[0], step):
        yield slice(start, start + step)
