"""Plain tables, the format for custom graphs: nodes.csv and edges.csv, each optionally .tsv and gzipped.

Further columns of the node table become attributes of nodes; those of the edge table that say where an edge comes from
(`edge_provenance.py`) are kept beside the edges.
"""

from dataclasses import replace
from pathlib import Path

from hgt_repurposing.graph.attributes import attributes_of
from hgt_repurposing.graph.edge_provenance import PROVENANCE_COLUMNS
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


def load_tables(path: Path, naming: Naming, *, attribute_separator: str = "") -> KnowledgeGraph:
    """Load the node table and the edge table from a folder.

    Args:
        path: Folder with nodes (node_type, node_id and optionally node_name and attributes) and edges (source_type,
            source_id, relation, target_type, target_id and optionally PROVENANCE_COLUMNS). A node without a name is
            named by its id.
        naming: Meaning of the types and relations.
        attribute_separator: Separates several values of an attribute in one cell; empty: a cell is one value.

    Raises:
        FileNotFoundError: If one of the tables is missing.
        ValueError: If a table is empty, malformed, lacks a column or a value, an edge refers to an unknown node, a name
            set by the user does not occur, or there is no indication.
    """
    node_file, edge_file = table_files(path)
    nodes = read_columns(node_file, (NODE_TYPE, NODE_ID), optional=(NODE_NAME,), others=True).astype("str")
    graph = build_knowledge_graph(
        nodes.reindex(columns=list(NODE_COLUMNS)),
        read_columns(edge_file, EDGE_COLUMNS, optional=PROVENANCE_COLUMNS),
        therapeutic=naming.therapeutic,
        directed_relations=naming.directed(),
        exclude=naming.exclude,
        by_format=naming.by_format,
        source=str(edge_file),
        first_row=FIRST_ROW,
    )
    return replace(graph, attributes=attributes_of(nodes, separator=attribute_separator))
