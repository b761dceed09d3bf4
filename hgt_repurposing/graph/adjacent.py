"""The nodes that share an edge with one node."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, degrees
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE, RELATION, IntArray

DIRECTION, DEGREE = "direction", "degree"


def adjacent_nodes(graph: KnowledgeGraph, node_type: str, index: int) -> pd.DataFrame:
    """Every edge of a node: relation by relation, those to nodes with few edges first, as they say most.

    Args:
        graph: The graph.
        node_type: Type of the node.
        index: Its local index.

    Returns:
        Columns relation, direction (`to` or `from` the other node; `with`: symmetric), node_type, node_id, node_name,
        degree (all edges of the other node).
    """
    nodes = graph.nodes.assign(**{DEGREE: degrees(graph)[DEGREE].to_numpy()})
    blocks = []
    for relation, direction, other_type, others in _edges(graph, node_type, index):
        block = nodes.iloc[graph.offsets[other_type] + others].sort_values([DEGREE, NODE_ID])
        blocks.append(block.assign(**{RELATION: relation, DIRECTION: direction}))
    columns = [RELATION, DIRECTION, NODE_TYPE, NODE_ID, NODE_NAME, DEGREE]
    return pd.concat(blocks, ignore_index=True)[columns] if blocks else pd.DataFrame(columns=columns)


def _edges(graph: KnowledgeGraph, node_type: str, index: int) -> Iterator[tuple[str, str, str, IntArray]]:
    """Relation, direction, type of the other ends, and these."""
    for edge_type in sorted(graph.edges):
        source, target = graph.edges[edge_type]
        to = target[source == index] if edge_type.source == node_type else target[:0]
        back = source[target == index] if edge_type.target == node_type else source[:0]
        if graph.is_symmetric(edge_type):
            both = np.union1d(to, back)
            if len(both):
                yield edge_type.relation, "with", edge_type.target, both
            continue
        if len(to):
            yield edge_type.relation, "to", edge_type.target, to
        if len(back):
            yield edge_type.relation, "from", edge_type.source, back
