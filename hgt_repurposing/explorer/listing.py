"""Which rows of a list are shown, and in which order; all of it is said by the address of the page."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Self
from urllib.parse import urlencode

import pandas as pd

from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.report.candidate_list import Wanted
from hgt_repurposing.repurposing.candidates import STATUS

Order = Literal["asc", "desc"]
ORDERS: tuple[Order, ...] = ("asc", "desc")
LENGTHS = ("20", "50", "100", "all")
FOR_RESEARCH = "For research use only: computed suggestions, not medical advice."
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters that make a spreadsheet compute a text."""


class ImpossibleChoiceError(ValueError):
    """A parameter of an address with a value that it cannot have."""


class Sorting(NamedTuple):
    """A way to sort a list."""

    column: str
    """Of the list; `{of}` stands for what is listed."""
    first: Order
    """The order that is asked for first."""


SORTINGS: Mapping[str, Sorting] = {
    "rank": Sorting("rank", "asc"),
    "name": Sorting("{of}_name", "asc"),
    "probability": Sorting("score", "desc"),
    "corrected": Sorting("corrected_rank", "asc"),
    "contraindicated": Sorting("contraindication_score", "desc"),
    "status": Sorting("status", "asc"),
    "setting": Sorting("setting", "asc"),
}


class Choice(NamedTuple):
    """What of a list is shown."""

    statuses: tuple[str, ...] = ()
    """Empty: any."""
    settings: tuple[str, ...] = ()
    """Empty: any."""
    sort: str = "rank"
    order: Order = "asc"
    length: str = "50"
    """One of `LENGTHS`."""

    @classmethod
    def of_query(cls, query: Sequence[tuple[str, str]]) -> Self:
        """From the parameters of an address.

        Raises:
            ImpossibleChoiceError: If one has a value that it cannot have.
        """
        given: dict[str, list[str]] = {}
        for name, value in query:
            given.setdefault(name, []).append(value)
        sort = _one(given, "sort", tuple(SORTINGS), "rank")
        return cls(
            _some(given, "status", STATUS),
            _some(given, "setting", SETTINGS),
            sort,
            "desc" if _one(given, "order", ORDERS, SORTINGS[sort].first) == "desc" else "asc",
            _one(given, "show", LENGTHS, "50"),
        )

    def rows(self, whole: pd.DataFrame, of: str) -> pd.DataFrame:
        """The rows that are shown. Of: what is listed, drug or disease; ties keep the order of the ranks."""
        kept = Wanted(len(whole), self.statuses, self.settings).of(whole, f"{of}_id")
        column = SORTINGS[self.sort].column.format(of=of)
        keys = kept[column].str.casefold() if column.endswith("_name") else kept[column]
        ordered: pd.DataFrame = kept.loc[keys.sort_values(ascending=self.order == "asc", kind="stable").index]
        return ordered if self.length == "all" else ordered.head(int(self.length))

    def query(self, node_id: str, **changed: str) -> str:
        """The parameters that show this, with some changed."""
        sort = changed.get("sort", self.sort)
        given = [
            ("id", node_id),
            *(("status", status) for status in self.statuses),
            *(("setting", setting) for setting in self.settings),
            ("sort", sort),
            ("order", changed.get("order", self.order)),
            ("show", self.length),
        ]
        return urlencode(given)

    def next_order(self, sort: str) -> Order:
        """What clicking on the head of a column asks for."""
        if sort != self.sort:
            return SORTINGS[sort].first
        return "desc" if self.order == "asc" else "asc"

    def in_words(self) -> str:
        """What is shown, for a download."""
        return "; ".join(
            [
                f"status: {', '.join(self.statuses) or 'any'}",
                f"setting: {', '.join(self.settings) or 'any'}",
                f"sorted by {self.sort}, {'ascending' if self.order == 'asc' else 'descending'}",
                f"rows: {self.length}",
            ]
        )


class Source(NamedTuple):
    """Where the rows of a download come from."""

    release: str
    graph: str
    what: str
    """Whose list it is."""


def as_csv(rows: pd.DataFrame, source: Source) -> str:
    """Rows as CSV; every one says where it comes from. Texts that a spreadsheet would compute get an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*rows.columns, "release", "graph", "note"])
    said = [_safe(value) for value in (source.release, source.graph, FOR_RESEARCH)]
    for row in rows.itertuples(index=False):
        writer.writerow([*(_safe(value) for value in row), *said])
    return text.getvalue()


def as_json(rows: pd.DataFrame, source: Source, choice: Choice) -> str:
    """Rows as JSON, with where they come from."""
    records: list[dict[str, Any]] = json.loads(rows.to_json(orient="records", double_precision=15))
    said = {**source._asdict(), "note": FOR_RESEARCH, "shown": choice.in_words(), "rows": records}
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _safe(value: Any) -> Any:
    """Any: a value of a table's cell."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _one(given: Mapping[str, list[str]], name: str, known: Sequence[str], usual: str) -> str:
    value = given.get(name, [usual])[-1]
    if value not in known:
        raise ImpossibleChoiceError(f"{name} must be one of {', '.join(known)} (got {value[:80]!r})")
    return value


def _some(given: Mapping[str, list[str]], name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Several values; an empty one stands for any."""
    values = [value for value in given.get(name, []) if value]
    for value in values:
        _one({name: [value]}, name, known, value)
    return tuple(dict.fromkeys(values))
