"""Link scorers: DistMult on unit vectors (Yang et al., ICLR 2015, arXiv:1412.6575), and the plain dot product."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from hgt_repurposing.model import decoder_chunked, decoder_compiled
from hgt_repurposing.model.shape import DecoderName


class LinkDecoder(nn.Module):
    """Score of an edge (s, r, t): the trilinear product of s, a vector of r, and t, with s and t of unit length.

    Unit length keeps hubs from winning by norm alone; a learned temperature per relation restores the range.
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


class DotDecoder(nn.Module):
    """Score of an edge (s, r, t): the dot product of s and t, independent of the relation."""

    ones: Tensor

    def __init__(self, num_relations: int, width: int) -> None:
        super().__init__()
        self.register_buffer("ones", torch.ones(num_relations, width), persistent=False)

    def forward(self, embeddings: Tensor, source: Tensor, relation: Tensor, targets: Tensor) -> Tensor:
        """See `LinkDecoder.forward`."""
        logit: Tensor = _TrilinearProduct.apply(embeddings, self.ones, source, relation, targets)  # type: ignore[no-untyped-call]  # torch has no types for it
        return logit


Decoder = LinkDecoder | DotDecoder
DECODERS: Mapping[DecoderName, type[LinkDecoder] | type[DotDecoder]] = {"distmult": LinkDecoder, "dot": DotDecoder}

INITIAL_LOG_TEMPERATURE = 1.6
SHORTEST = 1e-12
"""Lower bound for the length of an embedding when normalising, as zero has no direction."""


class _TrilinearProduct(torch.autograd.Function):
    """Sum of s * r * t over the width; compiled loops on the CPU, chunked elsewhere."""

    @staticmethod
    def forward(
        ctx: Any,  # Any: autograd's context has no type
        nodes: Tensor,
        relations: Tensor,
        source: Tensor,
        relation: Tensor,
        targets: Tensor,
    ) -> Tensor:
        nodes, links = nodes.contiguous(), (source.contiguous(), relation.contiguous(), targets.contiguous())
        ctx.save_for_backward(nodes, relations, *links)
        loops = decoder_compiled if nodes.device.type == "cpu" else decoder_chunked
        product: Tensor = loops.trilinear(nodes, relations, links)
        return product

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        nodes, relations, *links = ctx.saved_tensors
        loops = decoder_compiled if nodes.device.type == "cpu" else decoder_chunked
        found = loops.differentiate_trilinear(nodes, relations, tuple(links), gradient.contiguous())
        return *found, None, None, None
