"""The neighbours of a node as text: by embedding, and in the graph."""

from collections.abc import Iterator

import pandas as pd

from hgt_repurposing.embeddings.nearest import SIMILARITY, nearest
from hgt_repurposing.embeddings.table import Embeddings
from hgt_repurposing.graph.adjacent import DEGREE, DIRECTION, adjacent_nodes
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE, RELATION
from hgt_repurposing.report.wording import counted, one_line
from hgt_repurposing.text_table import aligned

MAX_NAME, MAX_ID = 44, 24


def neighbour_lines(
    graph: KnowledgeGraph, embeddings: Embeddings, row: int, *, among: str | None, top: int
) -> Iterator[str]:
    """Similar nodes by embedding, then the edges of each relation.

    Args:
        graph: The graph.
        embeddings: Of its nodes, in their order.
        row: The node, as a row of the node table.
        among: Only neighbours of this type; None: of any.
        top: Similar nodes, and edges of each relation.
    """
    node = graph.nodes.iloc[row]
    node_type = str(node[NODE_TYPE])
    yield f"{one_line(node[NODE_NAME], MAX_NAME)} ({one_line(node[NODE_ID], MAX_ID)}), {node_type}"
    yield ""
    yield "By embedding (cosine similarity)"
    similar = nearest(embeddings, row, top=top, node_type=among)
    yield from _table(similar, similar[SIMILARITY].map("{:.3f}".format))
    edges = adjacent_nodes(graph, node_type, row - graph.offsets[node_type])
    if among is not None:
        edges = edges[edges[NODE_TYPE] == among]
    for (relation, direction), of_relation in edges.groupby([RELATION, DIRECTION], sort=False):
        yield ""
        yield f"{relation}, {direction} {counted(len(of_relation), 'node')}; edges of each"
        shown = of_relation.head(top)
        yield from _table(shown, shown[DEGREE].map("{:,}".format))
    if edges.empty:
        yield ""
        yield "In the graph: no edge"


def _table(nodes: pd.DataFrame, figures: "pd.Series[str]") -> list[str]:
    """One line for each node, after its figure."""
    cells = [
        (figure, one_line(name, MAX_NAME), one_line(node_id, MAX_ID), node_type)
        for figure, name, node_id, node_type in zip(
            figures, nodes[NODE_NAME], nodes[NODE_ID], nodes[NODE_TYPE], strict=True
        )
    ]
    return [f"  {line}" for line in aligned(cells, right=(0,))] if cells else ["  none"]
