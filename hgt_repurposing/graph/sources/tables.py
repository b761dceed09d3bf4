"""Plain tables, the format for a graph of one's own: nodes.csv and edges.csv, either also as .tsv or gzipped."""

import logging
from collections.abc import Sequence
from pathlib import Path

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.schema import (
    EDGE_COLUMNS,
    NODE_COLUMNS,
    NODE_ID,
    NODE_NAME,
    NODE_TYPE,
    TherapeuticRelations,
)
from hgt_repurposing.graph.sources.delimited import FIRST_ROW, find_file, read_columns

logger = logging.getLogger(__name__)

_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def load_tables(
    path: Path, *, therapeutic: TherapeuticRelations, directed_relations: Sequence[str] = ()
) -> KnowledgeGraph:
    """Load the folder that holds the node and the edge table.

    Args:
        path: Folder with nodes (node_type, node_id and, if there are any, node_name) and edges (source_type, source_id,
            relation, target_type, target_id). A node without a name goes by its id.
        therapeutic: Node types of drugs and diseases, and the relations between them.
        directed_relations: Relations within one node type whose direction carries meaning.

    Raises:
        FileNotFoundError: If one of the tables is missing.
        ValueError: If a table is empty, malformed, lacks a column or a value, an edge names an unknown node, or there
            is no indication.
    """
    node_file, edge_file = (find_file(path, [name + ending for ending in _ENDINGS]) for name in ("nodes", "edges"))
    nodes = read_columns(node_file, (NODE_TYPE, NODE_ID), optional=(NODE_NAME,)).astype("str")
    graph = build_knowledge_graph(
        nodes.reindex(columns=list(NODE_COLUMNS)),
        read_columns(edge_file, EDGE_COLUMNS),
        therapeutic=therapeutic,
        directed_relations=directed_relations,
        source=str(edge_file),
        first_row=FIRST_ROW,
    )
    if graph.unnamed_relations:
        logger.warning(
            "%s joins drugs and diseases by relations that are named neither as indication nor as contraindication or "
            "off_label (%s): nothing is learned from them, and their pairs have the status 'other'",
            edge_file, ", ".join(graph.unnamed_relations),
        )  # fmt: skip
    return graph
