"""Type-constrained corruption: replace the target of a true edge by another node of the same type.

Corrupting within the type follows Krompass et al., ISWC 2015 (type-constrained representation learning).
"""

import torch
from torch import Tensor

from hgt_repurposing.sampling.flat_graph import FlatGraph
from hgt_repurposing.sampling.minibatch import TypedEdges

MAX_DRAWS = 4


def corrupt_targets(
    graph: FlatGraph,
    node_index: Tensor,
    type_ptr: tuple[int, ...],
    positives: TypedEdges,
    *,
    num_negatives: int,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw for each positive targets of the same type that make no edge of the graph.

    A target that is an edge is drawn again, `MAX_DRAWS` times in all; one that then still is an edge gives way to
    another of the same positive.

    Args:
        graph: The graph whose edges a negative must not be.
        node_index: Flat global id of each local node, from which targets are taken. Shape [num_nodes].
        type_ptr: First local node of each type.
        positives: True edges in local ids.
        num_negatives: Targets per positive.
        generator: Source of randomness.

    Returns:
        Local targets of shape [num_positives, num_negatives], and where they are true negatives: not where no draw
        found one, as for a node that is linked to every other of the type. Shape [num_positives], bool.
    """
    types = graph.metadata.node_types
    target_type = torch.tensor([types.index(r.target) for r in graph.metadata.relations])[positives.relation]
    ptr = torch.tensor(type_ptr)
    low, count = ptr[target_type], ptr[target_type + 1] - ptr[target_type]
    row = torch.arange(positives.target.numel()).repeat_interleave(num_negatives)
    drawn = torch.zeros_like(row)
    pending = torch.arange(row.numel())
    for _ in range(MAX_DRAWS):
        of = row[pending]
        uniform = torch.rand(pending.numel(), generator=generator, dtype=torch.float64)
        target = low[of] + (uniform * count[of]).long()
        drawn[pending] = target
        source = node_index[positives.source[of]]
        pending = pending[graph.has_edge(positives.relation[of], source, node_index[target])]
        if not pending.numel():
            break
    found = torch.ones(row.numel(), dtype=torch.bool)
    found[pending] = False
    return _fill_gaps(drawn.view(-1, num_negatives), found.view(-1, num_negatives))


def _fill_gaps(drawn: Tensor, found: Tensor) -> tuple[Tensor, Tensor]:
    """Put the first true negative of each row where it has none; rows without any are not valid."""
    stand_in = drawn.gather(1, found.byte().argmax(1, keepdim=True))
    return torch.where(found, drawn, stand_in), found.any(1)
