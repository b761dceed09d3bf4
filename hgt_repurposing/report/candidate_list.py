"""Candidate lists for the terminal, and which of their rows are wanted."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pandas as pd

from hgt_repurposing.report.wording import one_line, percent
from hgt_repurposing.repurposing.candidate_ranking import WIDTH
from hgt_repurposing.repurposing.evidence_lines import MEANING
from hgt_repurposing.text_table import aligned

MAX_NAME, MAX_ID, MAX_EVIDENCE = 32, 20, 70


class Wanted(NamedTuple):
    """Which rows of a list are shown; ranks stay those of the whole list."""

    top: int
    """How many."""
    statuses: Collection[str] = ()
    """Only pairs of these statuses; empty: of any."""
    settings: Collection[str] = ()
    """Only pairs of these settings; empty: of any."""
    ids: Collection[str] | None = None
    """Only these drugs (diseases); None: any."""

    def of(self, rows: pd.DataFrame, column: str) -> pd.DataFrame:
        """The first rows that are wanted. Column: that of the ids."""
        kept = pd.Series(data=True, index=rows.index)
        if self.statuses:
            kept &= rows["status"].isin(list(self.statuses))
        if self.settings:
            kept &= rows["setting"].isin(list(self.settings))
        if self.ids is not None:
            kept &= rows[column].isin(list(self.ids))
        return rows[kept].head(self.top)


def list_lines(rows: pd.DataFrame, *, of: str, listed: int) -> Iterator[str]:
    """One line for each row of a list, under a heading.

    Args:
        rows: Rows of one disease (drug) that are wanted; follow `candidates.SCHEMA`.
        of: What is listed: drug or disease.
        listed: Length of the whole list.
    """
    head = ("rank", of, "id", "probability", "interval", "corrected", "status", "evidence")
    lines = [
        (
            str(row["rank"]),
            one_line(row[f"{of}_name"], MAX_NAME),
            one_line(row[f"{of}_id"], MAX_ID),
            percent(row["score"]),
            f"{percent(row['score_lower'])} to {percent(row['score_upper'])}",
            str(row["corrected_rank"]),
            row["status"],
            one_line(row["evidence"], MAX_EVIDENCE),
        )
        for row in rows.to_dict("records")
    ]
    yield from aligned([head, *lines], right=(0, 3, 4, 5))
    yield ""
    yield f"{len(rows)} of the {listed} listed {of}s; ranks count all {of}s, known or new."
    for name, meaning in column_meanings(of).items():
        yield f"{name}: {meaning}"


def column_meanings(of: str) -> dict[str, str]:
    """What columns of a list mean that are often misread. Of: what is listed, drug or disease."""
    usual = "drugs that score high everywhere" if of == "drug" else "diseases for which all drugs score high"
    return {
        "probability": "of being a treatment that the graph misses, under the assumption in the report",
        "interval": f"{WIDTH:g} standard deviations over the ensemble, which is not the uncertainty of the truth",
        "corrected": f"the rank if {usual} do not come first",
        "evidence": MEANING,
    }
