"""Choose the diseases of a batch for the contrastive loss, and find the similar pairs among them."""

from typing import NamedTuple

import torch
from torch import Tensor

from hgt_repurposing.graph.disease_similarity import SimilarDiseases

CONTRAST_SIZE = 1024
"""Most diseases chosen from a batch: the loss compares all pairs, with 4 MiB per float32 matrix."""


class Contrast(NamedTuple):
    """Some diseases of a batch and the similar pairs among them."""

    nodes: Tensor
    """Local ids of the chosen diseases, each disease once, in the order of the graph. Shape [m]."""
    anchor: Tensor
    """Index into `nodes` of a disease with a similar one. Shape [num_pairs], each pair in both directions."""
    positive: Tensor
    """Index into `nodes` of the similar disease. Shape [num_pairs]."""

    def to(self, device: torch.device) -> "Contrast":
        """The same on another device."""
        return Contrast(*(part.to(device) for part in self))


def contrast_pairs(
    node_index: Tensor, similar: SimilarDiseases, *, first: int, last: int, size: int, generator: torch.Generator
) -> Contrast:
    """Choose at most `size` diseases of a batch, preferring those with a similar one in the batch.

    Diseases with a similar one are visited in random order and added, together with their similar ones, unless already
    chosen, until `size` are chosen. The rest is filled with random others, which are only negatives.

    Args:
        node_index: Flat global ids of the local nodes, on the CPU. Shape [num_nodes]. Only the first occurrence of an
            id counts; padding may repeat ids.
        similar: Of the whole graph.
        first: Flat id of the graph's first disease.
        last: Flat id after its last disease.
        size: Most diseases to choose; there may be fewer, or none.
        generator: Source of randomness.

    Raises:
        ValueError: If the table and the graph differ in their number of diseases.
    """
    if similar.num_diseases != last - first:
        raise ValueError(f"similar diseases cover {similar.num_diseases} diseases, but the graph has {last - first}")
    disease, local = _diseases_of(node_index, first, last)
    anchor, positive = _similar_within(disease, similar)
    num = disease.numel()
    rank = torch.randperm(num, generator=generator)
    # A disease is added right after the first visited among itself and its similar ones.
    group = torch.full_like(rank, num)
    group[anchor] = rank[anchor]
    group = group.scatter_reduce(0, anchor, rank[positive], "amin")
    chosen = (group * num + rank).argsort()[:size].sort().values
    position = torch.full_like(rank, -1)
    position[chosen] = torch.arange(chosen.numel())
    anchor, positive = position[anchor], position[positive]
    both = (anchor >= 0) & (positive >= 0)
    return Contrast(local[chosen], anchor[both], positive[both])


def _diseases_of(node_index: Tensor, first: int, last: int) -> tuple[Tensor, Tensor]:
    """Distinct diseases of a batch, ascending, and the first local id of each. Shape [n] each."""
    local = ((node_index >= first) & (node_index < last)).nonzero().flatten()
    nowhere = node_index.numel()
    place = torch.full((last - first,), nowhere).scatter_reduce(0, node_index[local] - first, local, "amin")
    disease = (place < nowhere).nonzero().flatten()
    return disease, place[disease]


def _similar_within(disease: Tensor, similar: SimilarDiseases) -> tuple[Tensor, Tensor]:
    """Similar pairs among these diseases, in both directions, as indices into `disease`. Shape [num_pairs] each."""
    ptr, neighbour = torch.from_numpy(similar.ptr), torch.from_numpy(similar.neighbour)
    count = ptr[disease + 1] - ptr[disease]
    anchor = torch.arange(disease.numel()).repeat_interleave(count)
    before = count.cumsum(0) - count
    entry = torch.arange(anchor.numel()) + (ptr[disease] - before)[anchor]
    position = torch.full((similar.num_diseases,), -1)
    position[disease] = torch.arange(disease.numel())
    positive = position[neighbour[entry]]
    return anchor[positive >= 0], positive[positive >= 0]
