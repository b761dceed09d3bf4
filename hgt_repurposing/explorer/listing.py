"""Which rows of a list are shown, and in which order; all of it is said by the address of the page."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple, Self
from urllib.parse import urlencode

import pandas as pd

from hgt_repurposing.graph.settings import SETTINGS
from hgt_repurposing.report.candidate_list import Wanted, attributes_in_words
from hgt_repurposing.repurposing.candidates import STATUS
from hgt_repurposing.repurposing.choice import lines_of

Order = Literal["asc", "desc"]
ORDERS: tuple[Order, ...] = ("asc", "desc")
LENGTHS = ("20", "50", "100", "all")
WITH = "with."
"""What the parameter of an attribute begins with; its name follows."""


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
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Names with wanted values; empty: any."""
    mine: tuple[str, ...] = ()
    """Ids or names of a list of one's own; empty: any."""

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
            tuple(
                (name.removeprefix(WITH), values)
                for name in sorted(given)
                if name.startswith(WITH) and (values := _distinct(given[name]))
            ),
            tuple(dict.fromkeys(line for text in given.get("only", []) for line in lines_of(text))),
        )

    def rows(self, whole: pd.DataFrame, of: str, ids: Collection[str] | None = None) -> pd.DataFrame:
        """The rows that are shown; ties keep the order of the ranks.

        Args:
            whole: The list.
            of: What is listed, drug or disease.
            ids: Drugs (diseases) with the wanted attributes that are in the list of one's own; None: any.
        """
        kept = Wanted(len(whole), self.statuses, self.settings, ids).of(whole, f"{of}_id")
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
            *((f"{WITH}{name}", value) for name, values in self.attributes for value in values),
            *([("only", "\n".join(self.mine))] if self.mine else []),
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
                *attributes_in_words(dict(self.attributes)),
                *([f"only the {len(self.mine)} of a list of one's own"] if self.mine else []),
                f"sorted by {self.sort}, {'ascending' if self.order == 'asc' else 'descending'}",
                f"rows: {self.length}",
            ]
        )


def _one(given: Mapping[str, list[str]], name: str, known: Sequence[str], usual: str) -> str:
    value = given.get(name, [usual])[-1]
    if value not in known:
        raise ImpossibleChoiceError(f"{name} must be one of {', '.join(known)} (got {value[:80]!r})")
    return value


def _some(given: Mapping[str, list[str]], name: str, known: Sequence[str]) -> tuple[str, ...]:
    """Several values; an empty one stands for any."""
    values = _distinct(given.get(name, []))
    for value in values:
        _one({name: [value]}, name, known, value)
    return values


def _distinct(values: Sequence[str]) -> tuple[str, ...]:
    """Those that are not empty, each once."""
    return tuple(dict.fromkeys(value for value in values if value))
