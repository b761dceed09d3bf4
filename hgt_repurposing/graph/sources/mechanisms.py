"""Read a table of known mechanisms: the columns drug_id, disease_id and gene_id, several rows per pair allowed.

Ids may be with or without prefixes (`matching.py`). Rows with an id that means no node of the graph, or several, are
counted, logged and left out.
"""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import BoolArray, IntArray
from hgt_repurposing.graph.sources.matched_column import MatchedColumn, log_matched, matched_by, said_unknown
from hgt_repurposing.graph.sources.text_columns import read_text_columns
from hgt_repurposing.graph.synthetic import CAUSE_COLUMNS
from hgt_repurposing.graph.walks import gene_node_types, gene_relations

_logger = logging.getLogger(__name__)


class Mechanisms(NamedTuple):
    """Known mechanisms of one graph, and what became of the rows of their table."""

    triples: IntArray
    """Drug, disease, and gene as a column of `gene_incidence`. Shape [3, num_mechanisms], sorted, unique."""
    num_rows: int
    num_unknown: int
    """Rows with an id that means no node of the graph, or several."""

    @property
    def num_duplicates(self) -> int:
        """Other rows that repeat a mechanism."""
        return self.num_rows - self.num_unknown - int(self.triples.shape[1])


def load_mechanisms(path: str, graph: KnowledgeGraph) -> Mechanisms:
    """Read the mechanisms of drugs, diseases and genes of a graph.

    Args:
        path: A file for `read_text_columns`.
        graph: Defines the ids.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty, malformed, lacks a column or a value, or has no row with three known ids.
    """
    table = read_text_columns(Path(path).expanduser(), CAUSE_COLUMNS)
    columns = _matched(table.columns, graph)
    known = _known(columns)
    unknown = said_unknown(pd.concat([column.unknown(table.path.name, table.row_numbers) for column in columns]))
    if not known.any():
        raise ValueError(f"{path}: no row has a drug, a disease and a gene of the graph; {unknown}")
    found = _mechanisms(columns, known, graph)
    _logger.info(
        "%s: %d rows, %d mechanisms; %d duplicate rows, %d rows with an unknown id",
        path, found.num_rows, found.triples.shape[1], found.num_duplicates, found.num_unknown,
    )  # fmt: skip
    log_matched(table.path, matched_by(columns))
    if unknown:
        _logger.warning(
            "%s: %d of %d rows are left out, for an id means no node of the graph; %s",
            path, found.num_unknown, found.num_rows, unknown,
        )  # fmt: skip
    return found


def mechanisms_of(table: pd.DataFrame, graph: KnowledgeGraph) -> Mechanisms:
    """The same from a table in memory, such as that of `planted_causes`.

    Args:
        table: CAUSE_COLUMNS.
        graph: Defines the ids.
    """
    columns = _matched(table, graph)
    return _mechanisms(columns, _known(columns), graph)


def _matched(table: pd.DataFrame, graph: KnowledgeGraph) -> list[MatchedColumn]:
    genes = pd.concat([graph.nodes_of(node_type) for node_type in _reached(graph)], ignore_index=True)
    nodes = (graph.nodes_of(graph.therapeutic.drug), graph.nodes_of(graph.therapeutic.disease), genes)
    return [MatchedColumn.of(table[name], of, "ids") for name, of in zip(CAUSE_COLUMNS, nodes, strict=True)]


def _reached(graph: KnowledgeGraph) -> list[str]:
    """Node types of the genes of drugs: a pathway may have the id of a gene."""
    ends = {end for edge_type in gene_relations(graph, graph.therapeutic.drug) for end in edge_type}
    return [node_type for node_type in gene_node_types(graph) if node_type in ends]


def _gene_columns(graph: KnowledgeGraph) -> IntArray:
    """Column of `gene_incidence` of every node of these types. Shape [num_nodes of these types]."""
    types, reached = gene_node_types(graph), _reached(graph)
    starts = np.cumsum([0, *(graph.num_nodes[node_type] for node_type in types)])
    return np.concatenate([starts[types.index(t)] + np.arange(graph.num_nodes[t]) for t in reached])


def _known(columns: list[MatchedColumn]) -> BoolArray:
    return np.asarray(np.all([column.nodes >= 0 for column in columns], axis=0), dtype=np.bool_)


def _mechanisms(columns: list[MatchedColumn], known: BoolArray, graph: KnowledgeGraph) -> Mechanisms:
    triples = np.stack([column.nodes for column in columns])[:, known]
    triples[2] = _gene_columns(graph)[triples[2]]
    return Mechanisms(np.unique(triples, axis=1), len(known), int((~known).sum()))
