"""Where edges come from: their source, reference and evidence, where the files say so.

Texts are stored once and edges refer to them by number, so that a column costs four bytes per edge beside its distinct
texts. Nothing is learned from them: they are shown with the edges of an explanation.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.types import union_categoricals

from hgt_repurposing.graph.schema import EdgeType, IntArray

PROVENANCE_COLUMNS = (
    "source",
    "sources",
    "knowledge_source",
    "primary_knowledge_source",
    "reference",
    "references",
    "publications",
    "pmid",
    "pmids",
    "evidence",
)
"""Columns of an edge table that are kept, by the names that own tables, Hetionet and Biolink give them."""
SEPARATOR = "; "
"""Between the texts of rows that are one edge."""


@dataclass(frozen=True, eq=False)
class EdgeProvenance:
    """What the files say about the edges of one edge type."""

    index: IntArray
    """Local indices of source and target, sorted and unique. Shape [2, num_edges]."""
    columns: pd.DataFrame
    """Categoricals of text, missing where nothing is said. Shape [num_edges, num_columns]."""

    def __post_init__(self) -> None:
        if self.index.shape != (2, len(self.columns)):
            raise ValueError(f"every edge needs a row (got {len(self.columns)} rows, edges {self.index.shape})")

    def of(self, source: int, target: int) -> dict[str, str]:
        """What is said about an edge, by column; empty if there is no such edge, or nothing is said."""
        start, stop = (int(np.searchsorted(self.index[0], source, side=side)) for side in ("left", "right"))
        row = start + int(np.searchsorted(self.index[1, start:stop], target))
        if row >= stop or self.index[1, row] != target:
            return {}
        said = self.columns.iloc[row]
        return {str(name): str(text) for name, text in said.items() if not pd.isna(text)}

    def aligned_to(self, index: IntArray) -> pd.DataFrame:
        """The columns for other edges of this type, missing where nothing is said. Index: shape [2, num_edges]."""
        width = int(max(self.index[1].max(initial=0), index[1].max(initial=0))) + 1
        own, other = (ends[0] * width + ends[1] for ends in (self.index, index))
        rows = pd.Index(own).get_indexer(other)
        return pd.DataFrame(
            {name: _canonical(column.cat.codes.to_numpy(), column.cat.categories, rows) for name, column in self._items}
        )

    @property
    def _items(self) -> list[tuple[str, "pd.Series[str]"]]:
        return [(str(name), column) for name, column in self.columns.items()]


def provenance_of(index: IntArray, rows: IntArray, columns: pd.DataFrame) -> EdgeProvenance:
    """Merge what rows say about edges; different texts about one edge are joined in alphabetical order.

    Args:
        index: The edges, sorted and unique. Shape [2, num_edges].
        rows: Ends of the edge that each row is. Shape [2, num_rows].
        columns: Categoricals of text. Shape [num_rows, num_columns].
    """
    width = int(index[1].max(initial=0)) + 1
    edge = np.searchsorted(index[0] * width + index[1], rows[0] * width + rows[1])
    merged = {str(name): _merged(edge, column, index.shape[1]) for name, column in columns.items()}
    return EdgeProvenance(index, pd.DataFrame(merged))


def stored(provenance: Mapping[EdgeType, EdgeProvenance], edges: Mapping[EdgeType, IntArray]) -> pd.DataFrame:
    """One table with a row for each edge, in the order of the sorted edge types; without columns if nothing is said."""
    there = {str(name) for of_type in provenance.values() for name in of_type.columns}
    names = [name for name in PROVENANCE_COLUMNS if name in there] + sorted(there.difference(PROVENANCE_COLUMNS))
    blocks = []
    for edge_type in sorted(edges):
        index = edges[edge_type]
        said = provenance[edge_type].aligned_to(index) if edge_type in provenance else pd.DataFrame()
        nothing = pd.Categorical.from_codes(np.full(index.shape[1], -1), categories=pd.Index([], dtype="str"))
        blocks.append({name: pd.Categorical(said[name]) if name in said else nothing for name in names})
    return pd.DataFrame(
        {name: union_categoricals([block[name] for block in blocks], sort_categories=True) for name in names}
    )


def restored(table: pd.DataFrame, edges: Mapping[EdgeType, IntArray]) -> dict[EdgeType, EdgeProvenance]:
    """Inverse of `stored`."""
    found, start = {}, 0
    for edge_type in sorted(edges):
        rows = np.arange(start, start + edges[edge_type].shape[1])
        start += len(rows)
        columns = {}
        for name in table:
            values = table[name].cat
            column = _canonical(values.codes.to_numpy(), values.categories, rows)
            if len(column.categories):
                columns[str(name)] = column
        if columns:
            found[edge_type] = EdgeProvenance(edges[edge_type], pd.DataFrame(columns))
    return found


def provenance_digest(table: pd.DataFrame) -> str:
    """SHA-256 of a table of `stored`."""
    sha = hashlib.sha256()
    for name in table:
        values = table[name].cat
        sha.update(f"{name}\x1e".encode())
        sha.update("\x1f".join(values.categories).encode() + b"\x1e")
        sha.update(values.codes.to_numpy(dtype=np.int32).tobytes())
    return sha.hexdigest()


def _merged(edge: IntArray, column: "pd.Series[str]", num_edges: int) -> "pd.Categorical[str]":
    """The texts of each edge. Edge: that of each row."""
    used = column.cat.remove_unused_categories().cat
    codes, texts = used.codes.to_numpy().astype(np.int64), used.categories.tolist()
    said = codes >= 0
    distinct = np.unique(edge[said] * max(len(texts), 1) + codes[said])
    of_edge, code = np.divmod(distinct, max(len(texts), 1))
    merged = np.full(num_edges, -1, dtype=np.int32)
    first = np.flatnonzero(np.diff(of_edge, prepend=-1))
    counts = np.diff(first, append=len(of_edge))
    merged[of_edge[first]] = code[first]
    number = {text: place for place, text in enumerate(texts)}
    for start, count in zip(first[counts > 1].tolist(), counts[counts > 1].tolist(), strict=True):
        joined = SEPARATOR.join(sorted(texts[each] for each in code[start : start + count].tolist()))
        merged[of_edge[start]] = number.setdefault(joined, len(number))
    return _canonical(merged, pd.Index(list(number), dtype="str"), np.arange(num_edges))


def _canonical(
    codes: npt.NDArray[np.integer], texts: "pd.Index[str]", rows: IntArray | Sequence[int]
) -> "pd.Categorical[str]":
    """Some rows (-1: missing) of a column, with the categories that occur, sorted."""
    chosen = np.append(codes.astype(np.int32), np.int32(-1))[np.asarray(rows)]
    column = pd.Categorical.from_codes(chosen, categories=texts.astype("str")).remove_unused_categories()
    return column.reorder_categories(sorted(column.categories))
