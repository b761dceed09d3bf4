"""The table of embeddings, one vector per node, from our runs or from other tools.

On disk each row is a node: node_id, node_type, node_name, then emb_0 to emb_{d-1}. Files of other tools may omit type
and name, and may hold the vector as a JSON list in a column `embedding`. Ids are always text.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME, NODE_TYPE

FloatArray32 = npt.NDArray[np.float32]

TABLE_COLUMNS = (NODE_ID, NODE_TYPE, NODE_NAME)
LIST_COLUMN = "embedding"
UNTYPED = "node"
MISSING_NUMBERS = pyarrow.csv.ConvertOptions().null_values


@dataclass(frozen=True, eq=False)
class Embeddings:
    """A vector for every node, in the order of the node table."""

    nodes: pd.DataFrame
    """Columns node_id, node_type, node_name (text)."""
    vectors: FloatArray32
    """C-contiguous; rows of nodes without a vector are NaN. Shape [num_nodes, dim]."""

    def __post_init__(self) -> None:
        if list(self.nodes.columns) != list(TABLE_COLUMNS):
            raise ValueError(f"nodes must have the columns {list(TABLE_COLUMNS)} (got {list(self.nodes.columns)})")
        if self.vectors.ndim != 2 or self.vectors.dtype != np.float32 or not self.vectors.flags.c_contiguous:
            raise ValueError(
                "vectors must be float32 of shape [num_nodes, dim] in C order "
                f"(got {self.vectors.dtype}, {self.vectors.shape}, strides {self.vectors.strides})"
            )
        if len(self.nodes) != len(self.vectors):
            raise ValueError(f"every node needs one vector (got {len(self.nodes)} nodes, {len(self.vectors)} vectors)")

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def of_type(self, node_type: str) -> FloatArray32:
        """Vectors of one node type, in the order of the table. Shape [num_nodes_of_type, dim].

        Raises:
            ValueError: If no node has that type.
        """
        rows = (self.nodes[NODE_TYPE] == node_type).to_numpy(dtype=np.bool_)
        if not rows.any():
            known = ", ".join(map(repr, self.nodes[NODE_TYPE].unique())) or "none"
            raise ValueError(f"no embedding of a node of type {node_type!r} (types: {known})")
        return self.vectors[rows]

    def to_table(self, *, rows: int | None = None) -> pd.DataFrame:
        """The table in its on-disk form, one row per node, or only its first rows."""
        names = [f"emb_{k}" for k in range(self.dim)]
        # A single frame for the whole array: 512 separate columns take seconds and trigger fragmentation warnings.
        vectors = pd.DataFrame(self.vectors[:rows], columns=names)
        return pd.concat([self.nodes.iloc[:rows].reset_index(drop=True), vectors], axis=1)

    def to_parts(self) -> dict[str, Any]:
        """What `artifacts.py` writes; the inverse of `from_parts`. Any: one of its part shapes."""
        table = self.to_table()
        return {"hgt_embeddings.csv": table, "hgt_embeddings.parquet": table}

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`; reads the Parquet part."""
        table = parts["hgt_embeddings.parquet"]
        vectors = table.drop(columns=list(TABLE_COLUMNS)).to_numpy(dtype=np.float32)
        return cls(table[list(TABLE_COLUMNS)], np.ascontiguousarray(vectors))


def read_embeddings(path: Path) -> Embeddings:
    """Read embeddings from a .csv, .csv.gz or .parquet file.

    A missing number becomes NaN, a missing or unreadable JSON list a row of NaN: validation counts them. Rows in
    messages are counted from 1, without the header.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If the file is empty or not a table, a column is missing, lists differ in length, or an emb_ column
            contains text.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    if not path.stat().st_size:
        raise ValueError(f"{path}: the file is empty")
    try:
        table = _read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError(f"{path} cannot be read as a table: {error}") from error
    names = table.column_names
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise ValueError(f"{path}: column {repeated[0]!r} occurs more than once")
    if NODE_ID not in names:
        raise ValueError(f"{path}: no column {NODE_ID!r} (columns: {_listed(names)})")
    numbered = _numbered_columns(names, path)
    if not numbered and LIST_COLUMN not in names:
        raise ValueError(
            f"{path}: no embedding columns emb_0, emb_1, ... or {LIST_COLUMN!r} (columns: {_listed(names)})"
        )
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite, which validation counts
        vectors = _from_columns(table, numbered, path) if numbered else _from_lists(table[LIST_COLUMN], path)
    return Embeddings(_node_table(table), vectors)


def _read_table(path: Path) -> pa.Table:
    name = path.name.lower()
    if name.endswith(".parquet"):
        with pyarrow.parquet.ParquetFile(path) as file:
            return file.read()
    if not name.endswith((".csv", ".csv.gz")):
        raise pa.ArrowInvalid("file name must end in .csv, .csv.gz or .parquet")
    with pyarrow.csv.open_csv(path) as reader:
        names = reader.schema.names
    as_text = {column: pa.string() for column in names}
    as_numbers = {column: pa.float32() for column in names if _number(column) is not None}
    try:
        options = pyarrow.csv.ConvertOptions(column_types=as_text | as_numbers)
        return pyarrow.csv.read_csv(path, convert_options=options)
    except pa.ArrowInvalid:
        # An emb_ column contains text. Arrow does not report the row, so read text and let `_floats` find it.
        return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=as_text))


def _number(column: str) -> int | None:
    match = re.fullmatch(r"emb_(\d+)", column)
    return int(match[1]) if match else None


def _numbered_columns(names: Sequence[str], path: Path) -> list[str]:
    found = {number: name for name in names if (number := _number(name)) is not None}
    for expected in range(len(found)):
        if expected not in found:
            raise ValueError(
                f"{path}: embedding columns must be numbered from 0 without gaps (no column emb_{expected})"
            )
    return [found[number] for number in sorted(found)]


def _node_table(table: pa.Table) -> pd.DataFrame:
    fill = {NODE_TYPE: UNTYPED, NODE_NAME: ""}
    columns = {}
    for name in TABLE_COLUMNS:
        if name in table.column_names:
            columns[name] = pc.fill_null(table[name].cast(pa.string()), fill.get(name, "")).to_pandas()
        else:
            columns[name] = pd.Series([fill[name]] * table.num_rows, dtype="str")
    return pd.DataFrame(columns).astype("str")


def _from_columns(table: pa.Table, names: Sequence[str], path: Path) -> FloatArray32:
    vectors = np.empty((table.num_rows, len(names)), dtype=np.float32)
    for k, name in enumerate(names):
        vectors[:, k] = _floats(table[name], name, path)
    return vectors


def _floats(column: pa.ChunkedArray, name: str, path: Path) -> FloatArray32:
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_null(column.type):
        return np.asarray(column.cast(pa.float32(), safe=False).to_numpy(), dtype=np.float32)
    text = column.cast(pa.string()).to_pandas()
    values = pd.to_numeric(text, errors="coerce")
    wrong = (values.isna() & text.notna() & ~text.isin(MISSING_NUMBERS)).to_numpy(dtype=np.bool_)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{path}: column {name!r}, row {row + 1} must be a number (got {text.iloc[row]!r})")
    return np.asarray(values, dtype=np.float32)


def _from_lists(column: pa.ChunkedArray, path: Path) -> FloatArray32:
    found = {row: vector for row, cell in enumerate(column.to_pandas()) if (vector := _vector(cell)) is not None}
    if len(column) and not found:
        raise ValueError(f"{path}: column {LIST_COLUMN!r} must hold lists of numbers (got {column[0].as_py()!r:.60})")
    first = min(found, default=0)
    dim = len(found[first]) if found else 0
    vectors = np.full((len(column), dim), np.nan, dtype=np.float32)
    for row, vector in found.items():
        if len(vector) != dim:
            raise ValueError(
                f"{path}: column {LIST_COLUMN!r}, row {row + 1} has {len(vector)} numbers, row {first + 1} has {dim}"
            )
        vectors[row] = vector
    return vectors


def _vector(cell: Any) -> FloatArray32 | None:
    """Parse a list of numbers, native (Parquet) or JSON; None if it is neither. Any: the file's value."""
    try:
        values = json.loads(cell) if isinstance(cell, str) else cell
        vector = np.array(values, dtype=np.float32)
    except (ValueError, TypeError):
        return None
    return vector if vector.ndim == 1 and vector.size else None


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
