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

    def forward(self, embeddings: Tensor, source: Tensor, relation: Tensor, target: Tensor) -> Tensor:
        """Logit of each edge.

        Args:
            embeddings: Shape [num_nodes, width].
            source: Shape [num_edges].
            relation: Shape [num_edges].
            target: Shape [num_edges].

        Returns:
            Shape [num_edges].
        """
        norm = embeddings.norm(dim=1).clamp_min(SHORTEST)
        product: Tensor = _TrilinearProduct.apply(embeddings, self.relation, source, relation, target)  # type: ignore[no-untyped-call]  # torch has no types for it
        cosine = product / (norm.index_select(0, source) * norm.index_select(0, target))
        temperature = self.log_temperature.exp().index_select(0, relation)
        logit: Tensor = cosine * temperature + self.bias.index_select(0, relation)
        return logit


INITIAL_LOG_TEMPERATURE = 1.6
SHORTEST = 1e-12
"""Length that a shorter embedding is taken to have: zero has no direction."""
CHUNK_EDGES = 4096
"""Edges whose vectors are gathered at a time: few enough to stay in the processor's cache."""


class _TrilinearProduct(torch.autograd.Function):
    """Sum of s * r * t over the width, for each edge; compiled on the CPU, elsewhere in chunks of gathered vectors."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: what autograd hands over has no type
        nodes: Tensor,
        relations: Tensor,
        *edges: Tensor,
    ) -> Tensor:
        ctx.save_for_backward(nodes, relations, *edges)
        if nodes.device.type == "cpu":
            return decoder_compiled.trilinear(nodes.contiguous(), relations, _contiguous(edges))
        source, relation, target = edges
        product = nodes.new_empty(source.shape)
        for chunk in _chunks(source.numel()):
            ends = nodes.index_select(0, source[chunk]).mul_(nodes.index_select(0, target[chunk]))
            product[chunk] = ends.mul_(relations.index_select(0, relation[chunk])).sum(1)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        nodes, relations, *edges = ctx.saved_tensors
        if nodes.device.type == "cpu":
            found = decoder_compiled.differentiate_trilinear(
                nodes.contiguous(), relations, _contiguous(edges), gradient.contiguous()
            )
            return *found, None, None, None
        source, relation, target = edges
        by_node, by_relation = torch.zeros_like(nodes), torch.zeros_like(relations)
        for chunk in _chunks(source.numel()):
            s, r, t = source[chunk], relation[chunk], target[chunk]
            from_source, from_target = nodes.index_select(0, s), nodes.index_select(0, t)
            scaled = relations.index_select(0, r) * gradient[chunk, None]
            by_node.index_add_(0, s, scaled * from_target)
            by_node.index_add_(0, t, scaled.mul_(from_source))
            by_relation.index_add_(0, r, from_source.mul_(from_target).mul_(gradient[chunk, None]))
        return by_node, by_relation, None, None, None


def _contiguous(edges: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    source, relation, target = (part.contiguous() for part in edges)
    return source, relation, target


def _chunks(num_edges: int) -> Iterator[slice]:
    for start in range(0, num_edges, CHUNK_EDGES):
        yield slice(start, start + CHUNK_EDGES)
