"""External drug-disease pairs: a file with the columns drug_id and disease_id, ids as in the graph."""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from hgt_repurposing.graph.knowledge_graph import KnowledgeGraph
from hgt_repurposing.graph.schema import NODE_ID, BoolArray, IntArray
from hgt_repurposing.graph.sources.cleaning import cleaned, first_row_where
from hgt_repurposing.graph.sources.delimited import read_columns
from hgt_repurposing.graph.sources.files import require_file

COLUMNS = ("drug_id", "disease_id")

_NAMED = 3
"""Number of unknown ids listed in a message."""

_logger = logging.getLogger(__name__)


class ExternalPairs(NamedTuple):
    """Pairs to evaluate on, and counts of the rows left out."""

    pairs: IntArray
    """Local drug and disease index. Shape [2, num_pairs], sorted, unique."""
    num_known: int = 0
    """Pairs that are already indications of the graph."""
    num_unknown: int = 0
    """Rows with an id that is not in the graph."""


def load_external_pairs(path: str, graph: KnowledgeGraph) -> ExternalPairs:
    """Read the pairs that are not indications of the graph; none if the path is empty.

    Args:
        path: `.parquet`, or a delimited file for `read_columns`; empty for no file.
        graph: Defines the ids and the indications.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty, malformed, lacks a column or a value, or leaves no pair to evaluate on.
    """
    if not path:
        return ExternalPairs(np.empty((2, 0), dtype=np.int64))
    table = _read(Path(path).expanduser())
    types = (graph.therapeutic.drug, graph.therapeutic.disease)
    ends = [
        pd.Index(graph.nodes_of(node_type)[NODE_ID]).get_indexer(table[column])
        for column, node_type in zip(COLUMNS, types, strict=True)
    ]
    index = np.stack(ends).astype(np.int64)
    found: BoolArray = np.all(index >= 0, axis=0)
    unknown = _unknown(table, index)
    if not found.any():
        raise ValueError(f"{path}: no row has both a drug and a disease of the graph; {unknown}")
    key = np.unique(np.ravel_multi_index(index[:, found], graph.grid_shape))
    new: IntArray = np.setdiff1d(key, np.ravel_multi_index(graph.indications, graph.grid_shape))
    if not len(new):
        raise ValueError(f"{path}: all {len(key)} pairs are indications of the graph, so none is left to evaluate on")
    _logger.info(
        "%s: %d rows, %d pairs to evaluate on; %d duplicate rows, %d pairs that are indications of the graph, "
        "%d rows with an unknown id",
        path, len(found), len(new), found.sum() - len(key), len(key) - len(new), np.sum(~found),
    )  # fmt: skip
    if not found.all():
        _logger.warning("%s: %d of %d rows have an unknown id; %s", path, np.sum(~found), len(found), unknown)
    refuted = int(np.isin(new, np.ravel_multi_index(graph.contraindicated_pairs, graph.grid_shape)).sum())
    if refuted:
        _logger.warning(
            "%s: %d of the %d pairs are contraindications of the graph, but count as treatments here",
            path,
            refuted,
            len(new),
        )
    pairs = np.stack(np.unravel_index(new, graph.grid_shape))
    return ExternalPairs(pairs, len(key) - len(new), int(np.sum(~found)))


def _unknown(table: pd.DataFrame, index: IntArray) -> str:
    """Number of ids that are not in the graph, and the first few."""
    said = []
    for column, row in zip(COLUMNS, index, strict=True):
        ids = pd.unique(table.loc[row < 0, column]).tolist()
        if ids:
            first = ", ".join(map(repr, ids[:_NAMED])) + (", ..." if len(ids) > _NAMED else "")
            said.append(f"{len(ids)} unknown in column {column!r}: {first}")
    return "; ".join(said)


def _read(path: Path) -> pd.DataFrame:
    """The two columns as text."""
    if path.suffix != ".parquet":
        return read_columns(path, COLUMNS).astype("str")
    require_file(path)
    try:
        table = pd.read_parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path}: cannot be read as Parquet ({error})") from error
    absent = [column for column in COLUMNS if column not in table]
    if absent:
        raise ValueError(f"{path}: column {absent[0]!r} is missing; columns found: {', '.join(map(repr, table))}")
    if table.empty:
        raise ValueError(f"{path}: no rows")
    ids = table[list(COLUMNS)].astype("str").astype("category")
    ids = cleaned(ids, file=path, first_row=1)
    for column in COLUMNS:
        missing = ids[column].isna().to_numpy()
        if missing.any():
            raise ValueError(f"{path}: row {first_row_where(missing, 1)} has no value in column {column!r}")
    return ids.astype("str")
