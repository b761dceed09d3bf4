"""External pairs: treatments and known negatives from outside the graph, one set per file (`sources/pairs.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from hgt_repurposing.graph.schema import IntArray

POOLED = "pooled"
"""Name of the results of all files together; no file may have it."""
NUM_CLOSEST = 3
"""Ids of the graph that are said beside an unknown one."""
UNKNOWN_COLUMNS = ("file", "row", "column", "value", "reason", *(f"closest_{n + 1}" for n in range(NUM_CLOSEST)))
"""Columns of the table of ids that mean no node of the graph."""

_UNKNOWN = "external_unknown"
"""Part with that table."""


def no_pairs() -> IntArray:
    """No pair. Shape [2, 0]."""
    return np.empty((2, 0), dtype=np.int64)


class ExternalCounts(NamedTuple):
    """What became of the rows of a file of external pairs."""

    num_rows: int = 0
    num_not_kept: int = 0
    """Rows without one of the values to keep."""
    num_not_after: int = 0
    """Other rows that are not dated later than the given day."""
    num_unknown: int = 0
    """Selected rows with an id that means no node of the graph, or several."""
    num_duplicates: int = 0
    """Other selected rows that repeat a pair."""
    num_known: int = 0
    """Distinct pairs left out because they are indications of the graph."""
    num_refuted: int = 0
    """Treatments that are contraindicated or not indicated in the graph."""
    num_negatives_in_graph: int = 0
    """Known negatives that are so in the graph, from which the model learns."""


@dataclass(frozen=True, eq=False)
class ExternalSet:
    """Pairs of one file from outside the graph, none an indication in it; no pair is both."""

    name: str
    positives: IntArray
    """Treatments: drug and disease index. Shape [2, num_positives], sorted, unique; may be empty."""
    negatives: IntArray = field(default_factory=no_pairs)
    """Known negatives. Shape [2, num_negatives], sorted, unique."""
    counts: ExternalCounts = field(default_factory=ExternalCounts)
    matched: Mapping[str, int] = field(default_factory=dict)
    """Number of values by column and by the way in which they were matched, as in `drug_id: exact`."""

    def to_meta(self) -> dict[str, Any]:
        """All but the pairs, as JSON. Any: names, numbers."""
        return {"name": self.name, "counts": self.counts._asdict(), "matched": dict(self.matched)}

    @classmethod
    def from_meta(cls, meta: Mapping[str, Any], positives: IntArray, negatives: IntArray) -> Self:
        """Inverse of `to_meta`."""
        return cls(meta["name"], positives, negatives, ExternalCounts(**meta["counts"]), meta["matched"])


def unknown_ids(rows: Sequence[tuple[Any, ...]] = ()) -> pd.DataFrame:
    """The table of unknown ids: UNKNOWN_COLUMNS, all text but the row. Any: an integer or text."""
    types = {column: "int64" if column == "row" else "str" for column in UNKNOWN_COLUMNS}
    return pd.DataFrame(list(rows), columns=list(UNKNOWN_COLUMNS)).astype(types)


class ExternalPairs(NamedTuple):
    """Pairs to evaluate on, by file, and the ids that could not be used."""

    sets: tuple[ExternalSet, ...] = ()
    unknown: pd.DataFrame = unknown_ids()
    """UNKNOWN_COLUMNS: one row per unknown or ambiguous id of a row. `file` is the name of the set, `row` the number of
    the row in the file."""

    def to_parts(self) -> dict[str, Any]:
        """Parts of an artefact; unknown ids are one, and one for people, only if there are any. Any: part shapes."""
        unknown = {f"{_UNKNOWN}.{ending}": self.unknown for ending in ("parquet", "csv")}
        return {
            "external_pairs.parquet": _table(self.sets),
            "external_pairs.json": [external.to_meta() for external in self.sets],
            **(unknown if len(self.unknown) else {}),
        }

    @classmethod
    def from_parts(cls, parts: Mapping[str, Any]) -> Self:
        """Inverse of `to_parts`; other parts are ignored."""
        table, metas = parts["external_pairs.parquet"], parts["external_pairs.json"]
        sets = (
            ExternalSet.from_meta(meta, *(_pairs(table, number, is_negative=sign) for sign in (False, True)))
            for number, meta in enumerate(metas)
        )
        return cls(tuple(sets), parts.get(f"{_UNKNOWN}.parquet", unknown_ids()))


def external_sizes(sets: Sequence[ExternalSet]) -> pd.DataFrame:
    """What became of each file: columns name, positives, negatives and those of ExternalCounts."""
    rows = [
        {
            "name": external.name,
            "positives": external.positives.shape[1],
            "negatives": external.negatives.shape[1],
            **external.counts._asdict(),
        }
        for external in sets
    ]
    return pd.DataFrame(rows, columns=["name", "positives", "negatives", *ExternalCounts._fields])


def _table(sets: Sequence[ExternalSet]) -> pd.DataFrame:
    """Columns file (index among the sets), drug, disease, is_negative."""
    parts = [
        pd.DataFrame({"file": number, "drug": pairs[0], "disease": pairs[1], "is_negative": is_negative})
        for number, external in enumerate(sets)
        for is_negative, pairs in ((False, external.positives), (True, external.negatives))
    ]
    none = pd.DataFrame({"file": [], "drug": [], "disease": []}, dtype=np.int64).assign(is_negative=np.array([], bool))
    return pd.concat([none, *parts], ignore_index=True)


def _pairs(table: pd.DataFrame, number: int, *, is_negative: bool) -> IntArray:
    """Pairs of one set in the table. Shape [2, num_pairs]."""
    rows = table[(table["file"] == number) & (table["is_negative"] == is_negative)]
    return rows[["drug", "disease"]].to_numpy(dtype=np.int64).T.copy()
