"""PrimeKG: one table, kg.csv, with both directions of every edge and the nodes described in the edge rows.

Ids are unique only within a node type: gene 9021 and disease 9021 are two nodes (Chandak et al. 2023). `x_source` and
`y_source` are where the id of a *node* comes from (NCBI, DrugBank, MONDO, …), which becomes its attribute `source`; the
published file says nothing about where an edge comes from. Columns that do are kept if somebody has added them.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from hgt_repurposing.graph.attributes import SOURCE
from hgt_repurposing.graph.edge_provenance import PROVENANCE_COLUMNS
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph, build_knowledge_graph
from hgt_repurposing.graph.naming import Naming
from hgt_repurposing.graph.schema import EDGE_COLUMNS, NODE_COLUMNS, PRIMEKG_RELATIONS
from hgt_repurposing.graph.sources.delimited import FIRST_ROW, read_columns
from hgt_repurposing.graph.sources.files import find_file

PRIMEKG_NAMING = Naming.of_format(PRIMEKG_RELATIONS)

_SOURCE_COLUMNS = ("x_type", "x_id", "x_name", "x_source")
_TARGET_COLUMNS = ("y_type", "y_id", "y_name", "y_source")
_EDGE_COLUMNS = ("x_type", "x_id", "relation", "y_type", "y_id")


def primekg_file(path: Path) -> Path:
    """The file itself, or that of a folder; raises as `find_file`."""
    return path if path.is_file() else find_file(path, ["kg.csv", "kg.csv.gz"])


def load_primekg(path: Path, naming: Naming = PRIMEKG_NAMING) -> KnowledgeGraph:
    """Load kg.csv.

    Args:
        path: The file or its folder.
        naming: Meaning of its types and relations.

    Raises:
        FileNotFoundError: If there is no kg.csv.
        ValueError: If the file is empty, malformed, lacks a column or a value, a name set by the user does not occur,
            or there is no indication.
    """
    file = primekg_file(path)
    rows = read_columns(file, _EDGE_COLUMNS, optional=("x_name", "y_name", "x_source", "y_source", *PROVENANCE_COLUMNS))
    nodes = pd.concat([_distinct_nodes(rows, _SOURCE_COLUMNS), _distinct_nodes(rows, _TARGET_COLUMNS)])
    said = [name for name in PROVENANCE_COLUMNS if name in rows]
    edges = rows[[*_EDGE_COLUMNS, *said]].set_axis([*EDGE_COLUMNS, *said], axis=1)
    return build_knowledge_graph(
        nodes.drop_duplicates(),  # a (type, id) still repeated has several names: a true duplicate
        edges,
        therapeutic=naming.therapeutic,
        directed_relations=naming.directed(),
        exclude=naming.exclude,
        by_format=naming.by_format,
        source=str(file),
        first_row=FIRST_ROW,
    )


def _distinct_nodes(rows: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """Distinct (type, id, name, source) at one end of the edges; compares codes instead of 8 million strings."""
    present = [column for column in columns if column in rows]
    key = np.zeros(len(rows), dtype=np.int64)
    for column in present:
        key = key * (len(rows[column].cat.categories) + 1) + rows[column].cat.codes.to_numpy() + 1
    first = np.flatnonzero(~pd.Series(key).duplicated().to_numpy())
    nodes = rows[present].iloc[first].astype("str")
    return nodes.reindex(columns=list(columns)).set_axis([*NODE_COLUMNS, SOURCE], axis=1)
