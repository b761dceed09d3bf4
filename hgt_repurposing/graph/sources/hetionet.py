"""Hetionet: nodes.tsv (id, name, kind) and an edge list (source, metaedge, target), either plain or gzipped.

Its ids carry the kind (`Gene::9021`) and are kept whole, for that is how its users know them. A metaedge with `>` in
its name is directed (`Gr>G`: gene regulates gene); all others between nodes of one kind are symmetric.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
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
from hgt_repurposing.graph.sources.delimited import FIRST_ROW, find_file, read_columns

_NODE_FILES = ("nodes.tsv.gz", "nodes.tsv", "hetionet-v1.0-nodes.tsv", "hetionet-v1.0-nodes.tsv.gz")
_EDGE_FILES = (
    "edges.sif.gz",
    "edges.sif",
    "edges.tsv.gz",
    "edges.tsv",
    "hetionet-v1.0-edges.sif.gz",
    "hetionet-v1.0-edges.sif",
)


def load_hetionet(path: Path, *, exclude: Sequence[str] = ()) -> KnowledgeGraph:
    """Load the folder that holds the node and the edge file.

    Args:
        path: The folder.
        exclude: Metaedges to leave out.

    Raises:
        FileNotFoundError: If one of the files is missing.
        ValueError: If a file is empty, malformed, lacks a column or a value, an edge names an unknown node, a metaedge
            to leave out does not exist, or there is no indication.
    """
    node_file, edge_file = find_file(path, _NODE_FILES), find_file(path, _EDGE_FILES)
    nodes = read_columns(node_file, ("id", "kind"), optional=("name",)).astype("str")
    nodes = nodes.rename(columns={"id": NODE_ID, "kind": NODE_TYPE, "name": NODE_NAME}).reindex(
        columns=list(NODE_COLUMNS)
    )
    rows = read_columns(edge_file, ("source", "metaedge", "target"))
    metaedges = list(rows["metaedge"].cat.categories)
    _require_known(exclude, metaedges, edge_file)
    kind_of = nodes.drop_duplicates(NODE_ID).set_index(NODE_ID)[NODE_TYPE]
    edges = pd.DataFrame(
        {
            SOURCE_TYPE: _kinds(rows, "source", kind_of, edge_file),
            SOURCE_ID: rows["source"],
            RELATION: rows["metaedge"],
            TARGET_TYPE: _kinds(rows, "target", kind_of, edge_file),
            TARGET_ID: rows["target"],
        }
    )
    return build_knowledge_graph(
        nodes,
        edges[~edges[RELATION].isin(exclude)] if exclude else edges,
        therapeutic=HETIONET_RELATIONS,
        directed_relations=[metaedge for metaedge in metaedges if ">" in metaedge],
        source=str(edge_file),
        first_row=FIRST_ROW,
    )


def _require_known(exclude: Sequence[str], metaedges: Sequence[str], file: Path) -> None:
    unknown = [metaedge for metaedge in exclude if metaedge not in metaedges]
    if unknown:
        found = ", ".join(map(repr, metaedges))
        raise ValueError(f"{file}: cannot leave out the unknown metaedge {unknown[0]!r}; metaedges found: {found}")


def _kinds(rows: pd.DataFrame, column: str, kind_of: pd.Series, file: Path) -> "pd.Categorical[str]":
    """Kind of the node at one end of every edge, looked up once per distinct id."""
    ids = rows[column].cat
    kinds = pd.Categorical(kind_of.reindex(ids.categories)).take(ids.codes.to_numpy())
    unknown = kinds.isna()
    if unknown.any():
        row = int(unknown.argmax())
        raise ValueError(
            f"{file}: row {row + FIRST_ROW} names the unknown node {rows[column].iloc[row]!r} in {column!r}"
        )
    return kinds
