"""Pairs in which the drug does not help, from a file of their own: edges of the graph like any other.

The file has the columns drug_id and disease_id, ids with or without prefixes (`matching.py`). Its pairs become the
relation `not_indicated` between drugs and diseases, so no message graph has them. It is part of the graph's source: as
in an edge table, an unknown id is an error, and so is an ambiguous one.
Columns that say where a pair comes from (`edge_provenance.py`) are kept beside it.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hgt_repurposing.graph.edge_provenance import PROVENANCE_COLUMNS, provenance_of
from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, NOT_INDICATED, EdgeType, IntArray, TherapeuticRelations
from hgt_repurposing.graph.sources.matched_column import MatchedColumn, log_matched, matched_by, said_unknown
from hgt_repurposing.graph.sources.text_columns import TextTable, read_text_columns

COLUMNS = ("drug_id", "disease_id")

_logger = logging.getLogger(__name__)


def with_not_indicated_pairs(graph: KnowledgeGraph, path: str) -> KnowledgeGraph:
    """The graph with the pairs of a file as one more relation; the graph itself if the path is empty.

    Args:
        graph: Defines the ids.
        path: A file for `read_text_columns`; empty for no file.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty, malformed, lacks a column or a value, or has an id that means no node of
            the graph, or several, or if the graph already has a relation of that name.
    """
    if not path:
        return graph
    there = [edge_type for edge_type in graph.edges if edge_type.relation == NOT_INDICATED]
    if there:
        raise ValueError(
            f"the pairs of {path} become the relation {NOT_INDICATED!r}, but the graph already has {there[0]}: name "
            f"it in not_indicated and leave out not_indicated_pairs, or leave it out with exclude"
        )
    names = graph.therapeutic
    table = read_text_columns(Path(path).expanduser(), COLUMNS, optional=PROVENANCE_COLUMNS)
    ends = [
        MatchedColumn.of(table.columns[column], graph.nodes_of(node_type), "ids")
        for column, node_type in zip(COLUMNS, (names.drug, names.disease), strict=True)
    ]
    index = _require_known(ends, table, graph)
    log_matched(table.path, matched_by(ends))
    pairs = np.unique(index, axis=1)
    num_duplicates = index.shape[1] - pairs.shape[1]
    _logger.info("%s: %d pairs recorded as not indicated, %d duplicate rows", path, pairs.shape[1], num_duplicates)
    edge_type = EdgeType(names.drug, NOT_INDICATED, names.disease)
    edges = {**graph.edges, edge_type: pairs}
    said = table.columns.drop(columns=list(COLUMNS))
    provenance = {edge_type: provenance_of(pairs, index, said)} if said.notna().any(axis=None) else {}
    return replace(
        graph,
        edges={edge_type: edges[edge_type] for edge_type in sorted(edges)},
        therapeutic=TherapeuticRelations(
            **(names.model_dump() | {"not_indicated": [*names.not_indicated, NOT_INDICATED]})
        ),
        num_duplicate_edges=graph.num_duplicate_edges + num_duplicates,
        provenance={**graph.provenance, **provenance},
    )


def _require_known(ends: Sequence[MatchedColumn], table: TextTable, graph: KnowledgeGraph) -> IntArray:
    """Local index of drug and disease in every row. Shape [2, num_rows]."""
    index = np.stack([end.nodes for end in ends])
    num_unknown = int(np.any(index < 0, axis=0).sum())
    if num_unknown:
        unknown = pd.concat([end.unknown(table.path.name, table.row_numbers) for end in ends])
        drug, disease = (
            graph.nodes_of(t)[NODE_ID].iloc[0] for t in (graph.therapeutic.drug, graph.therapeutic.disease)
        )
        raise ValueError(
            f"{table.path}: {num_unknown} of {index.shape[1]} rows have an id that means no drug or disease of the "
            f"graph, the first is row {unknown['row'].min()}; {said_unknown(unknown)}; write ids as the graph has "
            f"them, such as {drug!r} and {disease!r}, or remove these rows"
        )
    return index
