"""Relation-wise link scorer (DistMult: Yang et al., ICLR 2015, arXiv:1412.6575)."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hgt_repurposing.model import decoder_compiled


class LinkDecoder(nn.Module):
    """Score of an edge (s, r, t): the trilinear product of s, a vector of r, and t, with s and t of unit length.

    Unit length keeps a hub from winning by norm alone; a learned temperature per relation restores the range.
    """

    def __init__(self, num_relations: int, width: int) -> None:
        super().__init__()
        self.relation = nn.Parameter(torch.ones(num_relations, width))
        self.log_temperature = nn.Parameter(torch.full((num_relations,), INITIAL_LOG_TEMPERATURE))
        self.bias = nn.Parameter(torch.zeros(num_relations))

    def forward(self, embeddings: Tensor, source: Tensor, relation: Tensor, targets: Tensor) -> Tensor:
        """Logits of the edges from each source to each of its targets.

        Args:
            embeddings: Shape [num_nodes, width].
            source: Shape [n].
            relation: Shape [n].
            targets: Shape [n, k].

        Returns:
            Shape [n, k].
        """
        norm = embeddings.norm(dim=1).clamp_min(SHORTEST)
        product: Tensor = _TrilinearProduct.apply(embeddings, self.relation, source, relation, targets)  # type: ignore[no-untyped-call]  # torch has no types for it
        lengths = norm.index_select(0, source)[:, None] * norm.index_select(0, targets.flatten()).view_as(targets)
        temperature, bias = (
            part.index_select(0, relation)[:, None] for part in (self.log_temperature.exp(), self.bias)
        )
        logit: Tensor = product / lengths * temperature + bias
        return logit


INITIAL_LOG_TEMPERATURE = 1.6
SHORTEST = 1e-12
"""Length that a shorter embedding is taken to have: zero has no direction."""
CHUNK_EDGES = 4096
"""Edges whose vectors are gathered at a time: few enough to stay in the processor's cache."""


class _TrilinearProduct(torch.autograd.Function):
    """Sum of s * r * t over the width; compiled on the CPU, elsewhere in chunks of gathered vectors."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: what autograd hands over has no type
        nodes: Tensor,
        relations: Tensor,
        *links: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(nodes, relations, *links)
        if nodes.device.type == "cpu":
            return decoder_compiled.trilinear(nodes.contiguous(), relations, _contiguous(links))
        source, relation, targets = links
        product = nodes.new_empty(targets.shape)
        for chunk in _chunks(targets):
            start = nodes.index_select(0, source[chunk]) * relations.index_select(0, relation[chunk])
            ends = nodes.index_select(0, targets[chunk].flatten()).view(*targets[chunk].shape, -1)
            product[chunk] = (ends @ start[:, :, None]).squeeze(2)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        nodes, relations, *links = ctx.saved_tensors
        if nodes.device.type == "cpu":
            found = decoder_compiled.differentiate_trilinear(
                nodes.contiguous(), relations, _contiguous(links), gradient.contiguous()
            )
            return *found, None, None, None
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
        return by_node, by_relation, None, None, None


def _contiguous(links: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    source, relation, targets = (part.contiguous() for part in links)
    return source, relation, targets


def _chunks(targets: Tensor) -> Iterator[slice]:
    """Blocks of links with at most CHUNK_EDGES edges, but at least one link."""
    step = max(1, CHUNK_EDGES // targets.shape[1])
    for start in range(0, targets.shape[0], step):
        yield slice(start, start + step)
