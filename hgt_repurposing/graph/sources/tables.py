"""Plain tables, the format for custom graphs: nodes.csv and edges.csv, each optionally .tsv and gzipped."""

from pathlib import Path

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, NODE_ID, NODE_NAME, NODE_TYPE
from hgt_repurposing.graph.sources.delimited import FIRST_ROW, read_columns
from hgt_repurposing.graph.sources.files import find_file

_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz")


def table_files(path: Path) -> tuple[Path, Path]:
    """The node table and the edge table of a folder; raises as `find_file`."""
    nodes, edges = (find_file(path, [name + ending for ending in _ENDINGS]) for name in ("nodes", "edges"))
    return nodes, edges


def load_tables(path: Path, naming: Naming) -> KnowledgeGraph:
    """Load the node table and the edge table from a folder.

    Args:
        path: Folder with nodes (node_type, node_id and optionally node_name) and edges (source_type, source_id,
            relation, target_type, target_id). A node without a name is named by its id.
        naming: Meaning of the types and relations.

    Raises:
        FileNotFoundError: If one of the tables is missing.
        ValueError: If a table is empty, malformed, lacks a column or a value, an edge refers to an unknown node, a name
            set by the user does not occur, or there is no indication.
    """
    node_file, edge_file = table_files(path)
    nodes = read_columns(node_file, (NODE_TYPE, NODE_ID), optional=(NODE_NAME,)).astype("str")
    return build_knowledge_graph(
        nodes.reindex(columns=list(NODE_COLUMNS)),
        read_columns(edge_file, EDGE_COLUMNS),
        therapeutic=naming.therapeutic,
        directed_relations=naming.directed(),
        exclude=naming.exclude,
        by_format=naming.by_format,
        source=str(edge_file),
        first_row=FIRST_ROW,
    )
