"""Candidate lists for the terminal, and which of their rows are wanted."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from hgt_repurposing.graph.attributes import choose
from hgt_repurposing.report.wording import one_line, percent
from hgt_repurposing.repurposing.candidate_ranking import WIDTH
from hgt_repurposing.repurposing.candidates import Candidates, Side
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


class Filtered(NamedTuple):
    """Which drugs (diseases) of a list have wanted attributes and are in a list of one's own."""

    ids: Collection[str] | None
    """Of those; None: of any."""
    notes: tuple[str, ...]
    """How many have no value for an attribute."""


def filtered(
    ids: Sequence[str],
    candidates: Candidates,
    of: Side,
    *,
    attributes: Mapping[str, Collection[str]],
    mine: Collection[str] | None = None,
) -> Filtered:
    """Filter the drugs (diseases) of a list, whose ranks stay.

    Args:
        ids: Of the drugs (diseases) in the list.
        candidates: Source of the attributes.
        of: What is listed.
        attributes: Wanted values by attribute, as for `choose`.
        mine: Ids of a list of one's own; None: there is none.

    Raises:
        ValueError: If there is no such attribute, or no drug (disease) has such a value.
    """
    if not attributes:
        return Filtered(mine, ())
    distinct = list(dict.fromkeys(ids))
    chosen = choose(distinct, candidates.attributes_of(of), attributes, what=of)
    kept = {node_id for node_id, passes in zip(distinct, chosen.passes, strict=True) if passes}
    notes = tuple(
        f"{number:,} of {len(distinct):,} {of}s have no value for {name}"
        for name, number in chosen.num_without.items()
        if number
    )
    return Filtered(kept if mine is None else kept & set(mine), notes)


def attributes_in_words(attributes: Mapping[str, Collection[str]]) -> list[str]:
    """Wanted values, one line for each attribute."""
    return [f"{name}: {' or '.join(values)}" for name, values in attributes.items()]


def list_lines(rows: pd.DataFrame, *, of: str, listed: int, notes: Collection[str] = ()) -> Iterator[str]:
    """One line for each row of a list, under a heading.

    Args:
        rows: Rows of one disease (drug) that are wanted; follow `candidates.SCHEMA`.
        of: What is listed: drug or disease.
        listed: Length of the whole list.
        notes: What else to say below it.
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
    yield from notes
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
