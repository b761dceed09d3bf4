"""Hetionet: nodes.tsv (id, name, kind) and an edge list (source, metaedge, target), either plain or gzipped.

Its ids include the kind (`Gene::9021`) and are kept unchanged, as its users know them. A metaedge with `>` in its name
is directed (`Gr>G`: gene regulates gene); all others between nodes of one kind are symmetric.

The published edge list has no provenance: sources and licences of edges are only in Hetionet's JSON. Columns of that
kind which were added to it are kept, but for `source`, which is the node that an edge comes from.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hgt_repurposing.graph.edge_provenance import PROVENANCE_COLUMNS
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.schema import (
    HETIONET_RELATIONS,
    NODE_COLUMNS,
    NODE_ID,
    NODE_NAME,
    NODE_TYPE,
    RELATION,
    SOURCE_ID,
    SOURCE_TYPE,
    TARGET_ID,
    TARGET_TYPE,
)
from hgt_repurposing.graph.sources.delimited import FIRST_ROW, read_columns
from hgt_repurposing.graph.sources.files import find_file

HETIONET_NAMING = Naming.of_format(HETIONET_RELATIONS)

_NODE_FILES = ("nodes.tsv.gz", "nodes.tsv", "hetionet-v1.0-nodes.tsv", "hetionet-v1.0-nodes.tsv.gz")
_EDGE_FILES = (
    "edges.sif.gz",
    "edges.sif",
    "edges.tsv.gz",
    "edges.tsv",
    "hetionet-v1.0-edges.sif.gz",
    "hetionet-v1.0-edges.sif",
)


def hetionet_files(path: Path) -> tuple[Path, Path]:
    """The node file and the edge file of a folder; raises as `find_file`."""
    return find_file(path, _NODE_FILES), find_file(path, _EDGE_FILES)


def load_hetionet(path: Path, naming: Naming = HETIONET_NAMING) -> KnowledgeGraph:
    """Load the node file and the edge file from a folder.

    Args:
        path: The folder.
        naming: Meaning of its kinds and metaedges.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If a file is empty, malformed, lacks a column or a value, an id has two kinds, an edge refers to an
            unknown node, a name set by the user does not occur, or there is no indication.
    """
    node_file, edge_file = hetionet_files(path)
    nodes = read_columns(node_file, ("id", "kind"), optional=("name",)).astype("str")
    nodes = nodes.rename(columns={"id": NODE_ID, "kind": NODE_TYPE, "name": NODE_NAME}).reindex(
        columns=list(NODE_COLUMNS)
    )
    ends = ("source", "metaedge", "target")
    rows = read_columns(edge_file, ends, optional=[name for name in PROVENANCE_COLUMNS if name not in ends])
    kind_of = _kind_of(nodes, node_file)
    edges = pd.DataFrame(
        {
            SOURCE_TYPE: _kinds(rows, "source", kind_of, edge_file),
            SOURCE_ID: rows["source"],
            RELATION: rows["metaedge"],
            TARGET_TYPE: _kinds(rows, "target", kind_of, edge_file),
            TARGET_ID: rows["target"],
            **{name: rows[name] for name in PROVENANCE_COLUMNS if name in rows and name not in ends},
        }
    )
    return build_knowledge_graph(
        nodes,
        edges,
        therapeutic=naming.therapeutic,
        directed_relations=naming.directed(_directed(rows, naming.exclude)),
        exclude=naming.exclude,
        by_format=naming.by_format,
        source=str(edge_file),
        first_row=FIRST_ROW,
    )


def _directed(rows: pd.DataFrame, exclude: Sequence[str]) -> list[str]:
    """Metaedges marked as directed by their name."""
    return [name for name in rows["metaedge"].cat.categories if ">" in name and name not in exclude]


def _kind_of(nodes: pd.DataFrame, file: Path) -> pd.Series:
    """Kind of every node by its id; edges refer to nodes by id alone."""
    distinct = nodes[[NODE_ID, NODE_TYPE]].drop_duplicates()
    again = distinct[NODE_ID].duplicated()
    if again.any():
        node_id = distinct[NODE_ID][again].iloc[0]
        kinds = distinct[NODE_TYPE][distinct[NODE_ID] == node_id].tolist()
        raise ValueError(
            f"{file}: the id {node_id!r} has two kinds, {kinds[0]!r} and {kinds[1]!r}, so edges that use it are "
            f"ambiguous: include the kind in the ids, as in {f'{kinds[0]}::{node_id}'!r}, in both files"
        )
    return distinct.set_index(NODE_ID)[NODE_TYPE]


def _kinds(rows: pd.DataFrame, column: str, kind_of: pd.Series, file: Path) -> "pd.Categorical[str]":
    """Kind of the node at one end of every edge, looked up once per distinct id."""
    ids = rows[column].cat
    kinds = pd.Categorical(kind_of.reindex(ids.categories)).take(ids.codes.to_numpy())
    unknown = kinds.isna()
    if unknown.any():
        row = int(unknown.argmax())
        raise ValueError(
            f"{file}: row {row + FIRST_ROW} refers to the unknown node {rows[column].iloc[row]!r} in {column!r}"
        )
    return kinds
