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
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Draw for each positive a target of the same type that makes no edge of the graph.

    Args:
        graph: The graph whose edges a negative must not be.
        node_index: Flat global id of each local node. Shape [num_nodes].
        type_ptr: First local node of each type.
        positives: True edges in local ids.
        generator: Source of randomness.

    Returns:
        Local target of shape [num_positives], and where it is a true negative (a node linked to every other node of the
        type has none). Shape [num_positives], bool.
    """
    types = graph.metadata.node_types
    target_type = torch.tensor([types.index(r.target) for r in graph.metadata.relations])[positives.relation]
    ptr = torch.tensor(type_ptr)
    low, count = ptr[target_type], ptr[target_type + 1] - ptr[target_type]
    drawn = torch.zeros_like(positives.target)
    pending = torch.arange(drawn.numel())
    for _ in range(MAX_DRAWS):
        uniform = torch.rand(pending.numel(), generator=generator, dtype=torch.float64)
        drawn[pending] = low[pending] + (uniform * count[pending]).long()
        pending = pending[_is_edge(graph, node_index, positives, drawn, pending)]
        if not pending.numel():
            break
    valid = torch.ones(drawn.numel(), dtype=torch.bool)
    valid[pending] = False
    return drawn, valid


def _is_edge(graph: FlatGraph, node_index: Tensor, positives: TypedEdges, target: Tensor, rows: Tensor) -> Tensor:
    result = torch.zeros(rows.numel(), dtype=torch.bool)
    relation = positives.relation[rows]
    for number in relation.unique().tolist():
        of_relation = relation == number
        chosen = rows[of_relation]
        source, corrupted = node_index[positives.source[chosen]], node_index[target[chosen]]
        result[of_relation] = graph.has_edge(number, source, corrupted)
    return result
