"""Attributes of nodes from a file of their own: a column node_id, and one for each attribute.

Ids may be with or without prefixes (`matching.py`). Without a column node_type, they are ids of drugs or of diseases.
Rows of one node add up, so that a node may have several values.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.attributes import attributes_of, names_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.naming import did_you_mean, listed_names
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE, IntArray
from hgt_repurposing.graph.sources.matched_column import MatchedColumn, log_matched, matched_by
from hgt_repurposing.graph.sources.text_columns import TextTable, read_text_columns

_logger = logging.getLogger(__name__)


def load_node_attributes(path: str, graph: KnowledgeGraph, *, separator: str = "") -> pd.DataFrame:
    """Read attributes of the graph's nodes.

    Rows with an unknown or ambiguous id are counted and left out.

    Args:
        path: A file for `read_text_columns` with the columns node_id, optionally node_type, and others.
        graph: Defines the ids.
        separator: Separates several values in one cell; empty: a cell is one value.

    Returns:
        ATTRIBUTE_COLUMNS.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty, malformed, lacks a column or a value, has no attribute, names a node type that
            there is not, has an id that is one of a drug and one of a disease, or holds no node of the graph.
    """
    table = read_text_columns(Path(path).expanduser(), (NODE_ID,), others=True)
    names = [str(name) for name in table.columns if name not in (NODE_ID, NODE_TYPE, NODE_NAME)]
    if not names:
        raise ValueError(f"{path}: there is no attribute: add a column beside {NODE_ID!r}")
    parts = list(_matched(table, graph))
    nodes = np.full(len(table.columns), -1, dtype=np.int64)
    for part in parts:
        found = part.column.nodes >= 0
        rows = part.rows[found]
        if (nodes[rows] >= 0).any():
            row = int(rows[nodes[rows] >= 0][0])
            raise ValueError(
                f"{path}: row {row + table.first_row}: {table.columns[NODE_ID].iloc[row]!r} is the id of a drug "
                f"and of a disease: say which with a column {NODE_TYPE!r}"
            )
        nodes[rows] = part.column.nodes[found] + graph.offsets[part.node_type]
    known = nodes >= 0
    if not known.any():
        given, there = table.columns[NODE_ID].iloc[0], graph.nodes_of(parts[0].node_type)[NODE_ID].iloc[0]
        raise ValueError(
            f"{path}: no row has the id of a node of the graph: its ids are like {given!r}, those of the graph like "
            f"{there!r}"
        )
    log_matched(table.path, matched_by([part.column for part in parts]))
    if not known.all():
        example = table.columns[NODE_ID].iloc[int((~known).argmax())]
        _logger.warning(
            "%s: %d of %d rows are left out, for their id means no node of the graph, such as %r",
            path, (~known).sum(), len(known), example,
        )  # fmt: skip
    keys = graph.nodes[[NODE_TYPE, NODE_ID]].iloc[nodes[known]].reset_index(drop=True)
    attributes = attributes_of(
        pd.concat([keys, table.columns.loc[known, names].reset_index(drop=True)], axis=1), separator=separator
    )
    _logger.info(
        "%s: %d of %d nodes have an attribute (%s)",
        path, len(np.unique(nodes[known])), len(graph.nodes), ", ".join(names_of(attributes)),
    )  # fmt: skip
    return attributes


class _Part(NamedTuple):
    """Ids that are looked up among the nodes of one type."""

    node_type: str
    rows: IntArray
    """Of the file."""
    column: MatchedColumn


def _matched(table: TextTable, graph: KnowledgeGraph) -> Iterator[_Part]:
    ids, every = table.columns[NODE_ID], np.arange(len(table.columns))
    if NODE_TYPE not in table.columns:
        for node_type in (graph.therapeutic.drug, graph.therapeutic.disease):
            yield _Part(node_type, every, MatchedColumn.of(ids, graph.nodes_of(node_type), "ids", suggest=False))
        return
    types = table.columns[NODE_TYPE]
    for node_type in types.cat.categories:
        if node_type not in graph.num_nodes:
            raise ValueError(
                f"{table.path}: no node of the graph has the type {node_type!r}"
                f"{did_you_mean(node_type, graph.num_nodes)}; types found: {listed_names(graph.num_nodes)}"
            )
        rows = every[(types == node_type).to_numpy()]
        yield _Part(node_type, rows, MatchedColumn.of(ids.iloc[rows], graph.nodes_of(node_type), "ids", suggest=False))
