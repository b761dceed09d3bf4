"""Relation-wise link scorer (DistMult: Yang et al., ICLR 2015, arXiv:1412.6575)."""

import torch
from torch import Tensor, nn
from torch.nn import functional


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
        unit = functional.normalize(embeddings)
        ends = functional.embedding(source, unit) * functional.embedding(target, unit)
        cosine = (ends * functional.embedding(relation, self.relation)).sum(-1)
        temperature = functional.embedding(relation, self.log_temperature.exp()[:, None])[:, 0]
        return cosine * temperature + functional.embedding(relation, self.bias[:, None])[:, 0]


INITIAL_LOG_TEMPERATURE = 1.6
