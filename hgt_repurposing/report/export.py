"""Rows of the candidate lists for other programs: as CSV, JSON, Parquet or a workbook, with where they come from.

CSV says it in columns at the end of every row: so it is read without any option, and stays with rows that are sorted,
cut out or copied. JSON says it once, Parquet in the metadata of its schema, a workbook on a sheet of its own.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy.special import expit

from hgt_repurposing.graph.attributes import SOURCE, attributes_by_id, of_type
from hgt_repurposing.graph.schema import NODE_ID, NODE_NAME
from hgt_repurposing.graph.sources.published import title_of
from hgt_repurposing.report.node_links import link_of
from hgt_repurposing.repurposing.candidate_ranking import interval
from hgt_repurposing.repurposing.candidates import Candidates, Side
from hgt_repurposing.storage.artifacts import write_lines, write_parquet, write_workbook
from hgt_repurposing.storage.current_results import CANDIDATES
from hgt_repurposing.storage.manifest import Manifest

FOR_RESEARCH = "For research use only: computed suggestions, not medical advice."
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet compute a text."""
GRAPH = "knowledge_graph"
ENDINGS = (".csv", ".json", ".parquet", ".xlsx")
MAX_SHEET_ROWS = 1_048_575
"""Below the heading of a sheet."""


class Source(NamedTuple):
    """Where the rows of a file come from."""

    release: str
    """Its id; `none` if the results are no release yet."""
    graph: str
    """Name of the graph."""
    graph_digest: str
    """Empty if the results do not say."""
    licence: str
    """Of the graph."""
    what: str
    """Whose list it is."""
    shown: str
    """Which rows, and in which order."""
    note: str = FOR_RESEARCH

    @classmethod
    def of(cls, manifests: Mapping[str, Manifest], release_id: str | None, *, what: str, shown: str) -> Self:
        """Of results.

        Args:
            manifests: Of the results, by name.
            release_id: Of the release; None if there is none.
            what: Whose list it is.
            shown: Which rows of it.
        """
        title = title_of(manifests[GRAPH].config if GRAPH in manifests else {})
        digest = str(manifests[CANDIDATES].lineage.get(GRAPH, ""))[:12]
        return cls(release_id or "none", title.name, digest, title.licence, what, shown)

    @property
    def of_every_row(self) -> dict[str, str]:
        """What every row of a CSV says."""
        said = self._asdict()
        return {name: said[name] for name in ("release", "graph", "graph_digest", "licence", "note")}


class Links:
    """Links of drugs and diseases."""

    def __init__(self, attributes: pd.DataFrame) -> None:
        """Attributes: of drugs and diseases, whose node types are called `drug` and `disease`."""
        self._by_id = {side: attributes_by_id(of_type(attributes, side)) for side in ("drug", "disease")}

    def of(self, side: str, node_id: str) -> str | None:
        """Address of the page about a drug or a disease; None if its vocabulary is not known."""
        return link_of(node_id, self._by_id[side].get(node_id, {}).get(SOURCE, ""))

    def attributes(self, side: str, node_id: str) -> dict[str, str]:
        """Its attributes, name to value; several values are separated by `; `."""
        return self._by_id[side].get(node_id, {})


def every_pair(scores: pd.DataFrame, listed: pd.DataFrame, candidates: Candidates, asked: Side) -> pd.DataFrame:
    """The list of one disease (drug) with all drugs (diseases), not only those that the lists hold.

    Args:
        scores: Of its pairs, as `ScoreGrid` stores them, in the order of the other side's nodes.
        listed: Its rows in the lists; they say more than scores can (status, evidence), which is missing of others.
        candidates: Source of the names.
        asked: Whose list it is.

    Returns:
        The columns of the lists, by rank; missing where it is not known.
    """
    of: Side = "drug" if asked == "disease" else "disease"
    log_odds, spread = scores["log_odds"].to_numpy(np.float64), scores["spread"].to_numpy(np.float64)
    lower, upper = interval(log_odds, spread)
    order = np.argsort(-log_odds, kind="stable")  # ties by id, as in the lists
    ids = scores[f"{of}_id"].astype("str").to_numpy(dtype=object)
    names = candidates.nodes(of).set_index(NODE_ID)[NODE_NAME]
    every = pd.DataFrame(
        {
            f"{of}_id": ids,
            f"{of}_name": names.reindex(ids).to_numpy(),
            f"{asked}_id": str(listed[f"{asked}_id"].iloc[0]),
            f"{asked}_name": str(listed[f"{asked}_name"].iloc[0]),
            "score": expit(log_odds),
            "score_lower": lower,
            "score_upper": upper,
            "contraindication_score": expit(scores["contraindication_log_odds"].to_numpy(np.float64)),
        }
    ).iloc[order]
    every = every.assign(rank=np.arange(1, len(every) + 1))
    rest = [column for column in listed.columns if column not in every or column == f"{of}_id"]
    return every.merge(listed[rest], on=f"{of}_id", how="left", sort=False)[list(listed.columns)]


def with_attributes(rows: pd.DataFrame, candidates: Candidates) -> pd.DataFrame:
    """The rows with a column for each attribute of drugs and of diseases, such as `drug: approved`; empty: no value."""
    added = {}
    for side in ("drug", "disease"):
        by_id = attributes_by_id(candidates.attributes_of(side))
        for name in sorted({name for of_node in by_id.values() for name in of_node}):
            added[f"{side}: {name}"] = [by_id.get(node_id, {}).get(name, "") for node_id in rows[f"{side}_id"]]
    return rows.assign(**added)


def as_csv(rows: pd.DataFrame, source: Source) -> str:
    """Rows as CSV; every one says where it comes from. Texts that a spreadsheet would compute get an apostrophe."""
    return "".join(csv_lines(rows, source))


def csv_lines(rows: pd.DataFrame, source: Source) -> Iterator[str]:
    """The same, row by row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    said = [_safe(value) for value in source.of_every_row.values()]
    heading = [*(_safe(name) for name in rows.columns), *source.of_every_row]
    for row in chain([heading], ([*map(_safe, row), *said] for row in rows.itertuples(index=False))):
        writer.writerow(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def as_json(rows: pd.DataFrame, source: Source, links: Links) -> str:
    """Rows as JSON, with where they come from, and with links of drugs and diseases (null: none)."""
    records: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", double_precision=15))
    for record in records:
        for side in ("drug", "disease"):
            record[f"{side}_link"] = links.of(side, str(record[f"{side}_id"]))
    return json.dumps({**source._asdict(), "rows": records}, indent=1, ensure_ascii=False) + "\n"


def write_rows(path: Path, rows: pd.DataFrame, source: Source, links: Links) -> None:
    """Write rows to a file whose ending says how; it appears whole or not at all.

    Args:
        path: One of ENDINGS; its folder is created if absent.
        rows: Of candidate lists.
        source: Where they come from.
        links: For JSON.

    Raises:
        ValueError: If the ending is another one, or a sheet cannot hold the rows.
    """
    match path.suffix.lower():
        case ".csv":
            write_lines(path, csv_lines(rows, source))
        case ".json":
            write_lines(path, [as_json(rows, source, links)])
        case ".parquet":
            write_parquet(path, rows, said=source._asdict())
        case ".xlsx":
            if len(rows) > MAX_SHEET_ROWS:
                raise ValueError(
                    f"{path}: a sheet holds {MAX_SHEET_ROWS:,} rows, and there are {len(rows):,}: choose fewer with "
                    "--top, or write .parquet"
                )
            about = [*source._asdict().items(), ("written", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"))]
            write_workbook(path, {"candidates": _sheet(rows), "about": about})
        case other:
            raise ValueError(f"{path}: the ending must be one of {', '.join(ENDINGS)} (got {other or 'none'!r})")


def _sheet(rows: pd.DataFrame) -> list[Sequence[Any]]:
    """Heading and rows; what is missing is an empty cell. Any: text, numbers and truth values."""
    cells = rows.astype(object).where(rows.notna(), None)
    return [tuple(map(str, rows.columns)), *cells.itertuples(index=False, name=None)]


def _safe(value: Any) -> Any:
    """Any: a value of a table's cell."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
