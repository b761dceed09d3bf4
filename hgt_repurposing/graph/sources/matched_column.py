"""The nodes that a column of a file means, and its values that mean none or several."""

import logging
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd

from hgt_repurposing.graph.external_pairs import NUM_CLOSEST, UNKNOWN_COLUMNS, unknown_ids
from hgt_repurposing.graph.schema import IntArray
from hgt_repurposing.graph.sources.files import listed
from hgt_repurposing.graph.sources.matching import WAYS, Match, match_nodes

_NAMED = 3
"""Number of unknown values listed in a message."""

_logger = logging.getLogger(__name__)


class MatchedColumn(NamedTuple):
    """A column of drugs or of diseases, and the nodes that its values mean."""

    name: str
    called: Sequence[str]
    """The value in each row."""
    by_value: Mapping[str, Match]

    @classmethod
    def of(
        cls, called: "pd.Series[str]", nodes: pd.DataFrame, by: Literal["ids", "names"], *, suggest: bool = True
    ) -> Self:
        """Look up each distinct value of a column once.

        Args:
            called: A value in every row.
            nodes: Node table of one type, for `match_nodes`.
            by: Whether the values are ids or names.
            suggest: As for `match_nodes`.
        """
        values = called.astype("str")
        distinct = pd.unique(values).tolist()
        found = dict(zip(distinct, match_nodes(distinct, nodes, by, suggest=suggest), strict=True))
        return cls(str(called.name), values.tolist(), found)

    @property
    def matches(self) -> list[Match]:
        """Of each row."""
        return [self.by_value[value] for value in self.called]

    @property
    def nodes(self) -> IntArray:
        """Local index of the node of each row; -1 if there is none. Shape [num_rows]."""
        return np.array([match.node for match in self.matches], dtype=np.int64)

    def unknown(self, label: str, row_numbers: IntArray) -> pd.DataFrame:
        """UNKNOWN_COLUMNS of the rows without a node.

        Args:
            label: What `file` says.
            row_numbers: Number of each row in the file. Shape [num_rows].
        """
        return unknown_ids(
            [
                (label, row, self.name, value, match.reason, *[*match.closest, *[""] * NUM_CLOSEST][:NUM_CLOSEST])
                for row, value, match in zip(row_numbers.tolist(), self.called, self.matches, strict=True)
                if match.node < 0
            ]
        )


def matched_by(columns: Sequence[MatchedColumn]) -> dict[str, int]:
    """Number of rows by column and by the way in which they were matched, as in `drug_id: exact`."""
    counted: dict[str, int] = {}
    for column in columns:
        found = Counter(match.way for match in column.matches if match.node >= 0)
        counted |= {f"{column.name}: {way}": found[way] for way in WAYS if found[way]}
    return counted


def log_matched(path: Path, matched: Mapping[str, int]) -> None:
    """Log how the rows of a file were matched, and warn of prefixes that had to be ignored.

    Args:
        path: The file.
        matched: As of `matched_by`.
    """
    _logger.info("%s: rows matched by %s", path, ", ".join(f"{way} ({count})" for way, count in matched.items()))
    stripped = sum(count for way, count in matched.items() if way.endswith("without the file's prefix"))
    if stripped:
        _logger.warning(
            "%s: %d values match only without their prefix: make sure that they come from the graph's own vocabulary",
            path, stripped,
        )  # fmt: skip


def said_unknown(unknown: pd.DataFrame) -> str:
    """Number of values that mean no node, by column, and the first few with the closest that the graph has.

    Args:
        unknown: UNKNOWN_COLUMNS.
    """
    said = []
    for column, rows in unknown.groupby("column", sort=False):
        distinct = rows.drop_duplicates("value")
        values = [_said(row) for row in distinct.head(_NAMED).to_dict("records")]
        more = ", ..." if len(distinct) > _NAMED else ""
        said.append(f"{len(distinct)} unknown in column {column!r}: {', '.join(values)}{more}")
    return "; ".join(said)


def _said(row: Mapping[Hashable, Any]) -> str:  # Any: text or a row number
    closest = [row[column] for column in UNKNOWN_COLUMNS[-NUM_CLOSEST:] if row[column]]
    return f"{row['value']!r} ({row['reason']}{f'; closest: {listed(closest)}' if closest else ''})"
